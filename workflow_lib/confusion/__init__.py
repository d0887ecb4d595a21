"""Confusion studies: networks trained with the labels of two classes mixed up, and the effects (docs/science.md 3)."""
