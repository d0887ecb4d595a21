"""Figures of studies of relations between classes."""
