"""Every config that comes with the project plans without a mistake; data that it does not bring are stood in for."""

import numpy as np
import pytest
from project import ROOT, Project

pytestmark = pytest.mark.workflow

CONFIGS = ["config.yaml", *sorted(f"configs/{path.name}" for path in (ROOT / "configs").glob("*.yaml"))]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """The project without results, with embeddings where a config looks for some."""
    project = Project(tmp_path_factory.mktemp("fresh"))
    (project.folder / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    (project.folder / "data").mkdir()
    np.savez(project.folder / "data" / "embeddings.npz", features=np.eye(6), labels=np.arange(6) % 2)
    return project


@pytest.mark.parametrize("config", CONFIGS)
def test_a_dry_run_names_the_jobs(fresh, config):
    run = fresh.snakemake("--dry-run", "--quiet", "rules", "--configfile", config)
    assert run.code == 0, run.output
    assert "This was a dry-run" in run.output
    assert "total" in run.output
