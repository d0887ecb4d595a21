"""Settings of all tests."""

import os

# The work of a test is small: threads that wait for each other take longer, the more so with several tests at once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
