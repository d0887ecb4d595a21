"""xarray backend with which `xarray.open_dataset("x.zarr.zip")` opens this project's stores."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xarray as xr
from xarray.backends import BackendEntrypoint

from workflow_lib.io import storage


class ZippedZarr(BackendEntrypoint):
    """Read-only xarray backend for `*.zarr.zip` files."""

    description = "Zarr stores in a single zip file (Latent Atlas)"

    def open_dataset(self, filename_or_obj: Any, *, drop_variables: str | Iterable[str] | None = None) -> xr.Dataset:
        """Open a zipped Zarr store lazily."""
        return storage.load(Path(filename_or_obj)).drop_vars(drop_variables or [])

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """True for paths that end in `.zarr.zip`."""
        return str(filename_or_obj).endswith(".zarr.zip")
