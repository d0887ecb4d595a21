"""The confusion study: networks trained with two classes mixed up, and its effects (docs/science.md 3)."""
