"""Projects to run Snakemake in: one run for all tests of this folder, copied for those that edit."""

import pytest
from choice import asked_for
from project import Project
from proof import outcomes


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The miniature, run from nothing; not to be edited."""
    project = Project(tmp_path_factory.mktemp("finished"))
    project.first_run = project.snakemake()
    assert project.first_run.code == 0, project.first_run.output
    return project


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished miniature, with its results and Snakemake's memory of them."""
    return finished.copy(tmp_path / "project")


@pytest.fixture(scope="module")
def tried(request, finished, tmp_path_factory):
    """Outcomes of the cases of a proof that a module's tests ask for, by name; two at a time, on copies of one run."""
    asked = asked_for(request, request.module.__name__, "case")
    return {outcome.name: outcome for outcome in outcomes(asked, finished, tmp_path_factory.mktemp("cases"), jobs=2)}
