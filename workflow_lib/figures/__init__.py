"""Figures: from a tidy table to a matplotlib figure and the numbers behind it."""
