"""What k*, prototypes and confusion say about each pair of classes (docs/science.md 4)."""
