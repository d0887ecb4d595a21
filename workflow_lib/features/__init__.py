"""Outputs of layers, and the transforms of images before a network sees them."""
