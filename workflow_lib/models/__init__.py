"""Classifiers: built by name, initialised from a seed, fed with images in [0, 1]."""
