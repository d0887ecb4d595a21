"""Runs one step as a job: exact caching, whole-or-nothing outputs, a record of where each came from."""
