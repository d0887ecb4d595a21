"""What several tests of units work in."""

import numpy as np
import pytest
import xarray as xr

from workflow_lib.io import storage


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working directory with a feature store of two classes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LATENT_ATLAS_CACHE", raising=False)
    features = xr.Dataset(
        {"features": (("sample", "feature"), np.array([[0.0], [1.0], [5.0], [6.0]], dtype="float32"))},
        coords={"sample": list("abcd"), "label": ("sample", [0, 0, 1, 1]), "class": ["low", "high"]},
    )
    storage.save(features, tmp_path / "results/features.zarr.zip")
    return tmp_path


@pytest.fixture
def one_thread():
    """Sums of torch are rounded as with one thread."""
    import torch  # here, because most tests need no torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
