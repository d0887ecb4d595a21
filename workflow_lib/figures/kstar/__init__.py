"""Figures of k* studies."""
