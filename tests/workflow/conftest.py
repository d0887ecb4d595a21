"""Projects to run Snakemake in: one run for all tests of this folder, copied for those that edit."""

import shutil

import pytest
from project import Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The miniature, run from nothing; not to be edited."""
    folder = tmp_path_factory.mktemp("finished")
    project = Project(folder)
    project.first_run = project.snakemake()
    assert project.first_run.code == 0, project.first_run.output
    return project


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished miniature, with its results and Snakemake's memory of them."""
    folder = tmp_path / "project"
    shutil.copytree(finished.folder, folder, copy_function=shutil.copy2)
    copy = Project.__new__(Project)
    copy.folder = folder
    return copy
