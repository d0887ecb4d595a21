"""Figures of confusion studies."""
