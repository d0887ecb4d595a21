"""Which jobs ask for a GPU, on a machine whose only GPU is in use, with a stand-in for nvidia-smi."""

import os

import own_project
import pytest
import torch

from workflow_lib.models.registry import build

pytestmark = pytest.mark.workflow

FIGURE = "results/studies/kstar/words/violins.png"
FEATURES = "results/features/loaded/shapes/seed-0/interval-100/test/original/logits.zarr.zip"

SMI = f"""#!/bin/sh
# Others use the GPU until the figure is there, or for a minute, so that this test ends where it fails.
if [ -e {FIGURE} ] || [ "$(find config.yaml -mmin +1)" ]; then free=79500; else free=100; fi
echo "0, GPU-aaa, 80000, $free"
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A study of embeddings, and a network to check and to extract features from, before their first run."""
    network = build("small_cnn", in_channels=1, image_size=(8, 8), n_classes=4, seed=0, options={})
    torch.save(network.network.state_dict(), tmp_path / "weights.pt")
    project = own_project.fresh(tmp_path / "project", tmp_path / "weights.pt")
    project.edit("workflow_lib/runner/job.py", "GPU.exists() and not gpus.hidden() and _torch_knows_gpus()", "True")
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(SMI)
    tool.chmod(0o755)
    project.variables |= {"PATH": f"{tool.parent}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    for name in ("CUDA_VISIBLE_DEVICES", "LATENT_ATLAS_GPUS", "LATENT_ATLAS_JOBS_PER_GPU", "SLURM_JOB_ID"):
        project.variables.pop(name, None)
    return project


def test_only_jobs_that_compute_on_a_gpu_wait_for_one(project):
    run = project.snakemake("--cores", "2", FIGURE, FEATURES)
    (waited,) = {name for name in run.started if "GPU" in project.log(name)}
    assert waited == "check_network/loaded"
    log = project.log(waited)
    assert log.index("waiting for a GPU: all are taken") < log.index("computing on GPU 0 (GPU-aaa)")
    assert "torch finds no CUDA device here" in log  # the stand-in cannot compute
    assert {name.partition("/")[0] for name in run.started - {waited}} == {
        *("prepare_dataset", "import_features", "compute_kstar", "tabulate_kstar", "draw_violins")
    }
    assert (project.folder / FIGURE).exists()
