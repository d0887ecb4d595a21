"""Confusion studies: networks trained with two classes mistrained, and the effects (docs/science.md 3)."""
