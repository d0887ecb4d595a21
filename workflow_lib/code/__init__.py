"""Analysis of the package's source code: which code a step can run, and its fingerprint."""
