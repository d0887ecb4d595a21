"""Settings of all tests."""

import os

import pytest

# The work of a test is small: threads that wait for each other take longer, the more so with several tests at once.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Each process of pytest-xdist begins with its share of the long tests: short ones fill the time at the end."""
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    long = [item for item in items if item.get_closest_marker("workflow")]
    short = [item for item in items if not item.get_closest_marker("workflow")]
    items[:] = [
        item
        for i in range(processes)
        for kind in (long, short)
        for item in kind[i * len(kind) // processes : (i + 1) * len(kind) // processes]
    ]
