"""Figures of prototype studies."""
