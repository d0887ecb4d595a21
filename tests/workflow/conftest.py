"""Projects to run Snakemake in: one run for all tests of this folder, copied for those that edit."""

import os

import pytest
from project import run_once


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The miniature, run from nothing, by one of the processes of pytest-xdist for all; not to be edited."""
    folder = tmp_path_factory.getbasetemp()
    return run_once((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "finished")


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished miniature, with its results and Snakemake's memory of them."""
    return finished.copy(tmp_path / "project")
