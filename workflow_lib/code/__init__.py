"""The package's own sources: which code a step can run, and its fingerprint."""
