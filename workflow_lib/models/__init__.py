"""Classifiers of images in [0, 1], built by name and initialised from a seed."""
