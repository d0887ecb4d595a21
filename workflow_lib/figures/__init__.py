"""Pictures: a tidy table in, a matplotlib figure and the numbers behind it out."""
