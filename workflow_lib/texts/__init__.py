"""Texts as rows of numbers: frozen encoders."""
