"""Arrays of the user's Zarr groups, with the values that xarray reads."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from workflow_lib.datasets.labels import SHOWN
from workflow_lib.errors import Problem, UserError, listed

PACKING = ("scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned")
"""Attributes with which values are stored as other ones (CF conventions)."""


@dataclass(frozen=True)
class ZarrGroup:
    """An opened group.

    Attributes:
        path: a folder (.zarr) or a zipped one (.zarr.zip).
        store: what zarr opens.
        inner: path of the group within the store.
        arrays: by name, as they are stored.
    """

    path: Path
    store: Any
    inner: str
    arrays: Mapping[str, Any]

    def get(self, name: str) -> Any:
        """Array with `.shape`, `.dtype` and `array[rows]`, read on request: the values that xarray reads.

        Text, and numbers whose dimensions have no names, are given as stored.

        Raises:
            UserError: packed numbers whose dimensions have no names, which xarray does not read.
        """
        array = self.arrays[name]
        if array.dtype.kind not in "iufb":
            return array
        from xarray.backends import ZarrStore
        from xarray.conventions import decode_cf_variable

        try:
            group = ZarrStore.open_group(self.store, group=self.inner, consolidated=False)
            stored = group.open_store_variable(name)
            return decode_cf_variable(name, stored, decode_times=False, concat_characters=False)
        except Exception as error:  # xarray raises errors of many kinds
            packed = [attribute for attribute in PACKING if attribute in array.attrs]
            if not packed:
                return array
            found = f"{name} has the attributes {listed(packed)}"
            allowed = f"the values are packed, and xarray does not unpack them: {error}"
            raise UserError(
                Problem(str(self.path), found, allowed, "save the values unpacked, or name the dimensions")
            ) from error


def open_group(path: Path) -> ZarrGroup:
    """Open a group of arrays.

    Raises:
        UserError: a single array, a zip of several groups, or stored Python objects.
    """
    import zarr

    zipped = path.suffix == ".zip"
    store: Any = zarr.storage.ZipStore(path, mode="r") if zipped else path
    inner = _group_within(path) if zipped else ""
    group = zarr.open(store, mode="r", path=inner)
    if not isinstance(group, zarr.Group):
        raise UserError(without_names(path))
    arrays = dict(group.arrays())
    for name, array in arrays.items():
        if any(getattr(codec, "codec_id", None) == "pickle" for codec in (*array.filters, *array.compressors)):
            raise UserError(python_objects(path, name))
    return ZarrGroup(path, store, inner, arrays)


def python_objects(path: Path, name: str) -> Problem:
    """The problem of an array of Python objects; numpy.stack makes a plain array of equal lists, numbers or texts."""
    allowed = "the array holds Python objects, which are not loaded because they may run code"
    return Problem(str(path), name, allowed, f"save it as numbers or plain text: numpy.stack({name})")


def without_names(path: Path) -> Problem:
    """The problem of a file that holds one array and no names."""
    allowed = "the file holds a single array, not arrays with names"
    return Problem(str(path), "", allowed, "save the arrays by name, as numpy.savez and groups of Zarr do")


def _group_within(path: Path) -> str:
    """Path of the outermost group in a zip: file managers zip a folder with its own name."""
    with zipfile.ZipFile(path) as archive:
        files = [PurePosixPath(name) for name in archive.namelist()]
    groups = {file.parent for file in files if file.name in ("zarr.json", ".zgroup")}
    depth = min((len(group.parts) for group in groups), default=0)
    outermost = sorted(group.as_posix() for group in groups if len(group.parts) == depth)
    if len(outermost) > 1:
        allowed = "the file holds several groups of arrays"
        raise UserError(Problem(str(path), listed(outermost, SHOWN), allowed, "save one group in a file"))
    return outermost[0] if depth else ""
