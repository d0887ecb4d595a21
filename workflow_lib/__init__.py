"""Latent Atlas: look into the latent space of neural classifiers."""

from workflow_lib.bytecode import compare_content, in_package

__version__ = "0.1.0"

compare_content(in_package)
