"""Latent Atlas: look into the latent space of neural classifiers."""

__version__ = "0.1.0"
