"""A SLURM cluster of one node, for as long as these tests take."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from cluster import ETC, Cluster, is_installed

sys.path.append(str(Path(__file__).resolve().parents[1] / "workflow"))  # projects, and how to watch their jobs


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    if not os.environ.get("LATENT_ATLAS_TEST_SLURM"):
        pytest.skip("a SLURM is started only by make test-slurm")
    if os.geteuid() or not is_installed() or not find_spec("snakemake_executor_plugin_slurm"):
        pytest.skip("needs root, the daemons of SLURM (slurmctld, slurmd, munge) and the extra [slurm]")
    if (ETC / "slurm.conf").exists():
        pytest.skip("this machine has a SLURM of its own")
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        os.environ["SLURM_CONF"] = str(cluster.folder / "slurm.conf")
        yield cluster
        del os.environ["SLURM_CONF"]
