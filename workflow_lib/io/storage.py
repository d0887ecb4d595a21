"""Atomic data files: labelled arrays as one zipped Zarr (format 3) each, tables as CSV or Parquet.

Equal data gives equal bytes: members of an archive are sorted and undated, and a file holds only data, labels and
definitions.
"""

import contextlib
import shlex
import shutil
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from workflow_lib.errors import Problem, UserError
from workflow_lib.io.files import atomic as atomic

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

CHUNK_BYTES = 8 * 2**20
"""Target size of a chunk: large enough for one read, small enough to stream."""

MOST_COMPRESSION = 2**17
"""Largest possible ratio of data in memory to file size: Zstandard needs at least 4 bytes for 128 KiB, and 4 stored
bytes become at most a text of 16 bytes in memory."""

UNIX, ZIP_VERSION = 3, 20
"""System and version in the headers of members; Python's own choice depends on where it runs, and on its version."""

MEMBER_MODE = 0o644 << 16
"""Mode of every member: a plain file, writable by its owner and readable by all."""

EVERY_CHUNK: Any = {"write_empty_chunks": True}
"""Chunks of zeros are stored too, so that a store holds everything that it declares."""


def pack(folder: Path, target: Path) -> None:
    """Zip a Zarr folder without compression (chunks are compressed), in fixed order and with fixed dates.

    Headers are the same with every version of Python and on every system.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            member = zipfile.ZipInfo(file.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            member.create_system, member.create_version, member.extract_version = UNIX, ZIP_VERSION, ZIP_VERSION
            member.external_attr = MEMBER_MODE
            member.file_size = file.stat().st_size  # decides whether the header has the fields of large members
            with archive.open(member, "w") as sink, file.open("rb") as source:
                shutil.copyfileobj(source, sink)


def save(dataset: "xr.Dataset", path: Path) -> None:
    """Write a dataset as one zipped Zarr; text is stored as variable-length strings."""
    dataset = dataset.copy()
    for name, variable in dataset.variables.items():
        if variable.dtype.kind in "UO":
            dataset[name] = variable.astype(np.dtypes.StringDType())
    encoding = {
        name: {"chunks": chunk_shape(variable.shape, variable.dtype)}
        for name, variable in dataset.variables.items()
        if variable.ndim and 0 not in variable.shape
    }
    with atomic(path) as scratch:
        folder = scratch.with_name("store")
        dataset.to_zarr(folder, mode="w", zarr_format=3, consolidated=False, encoding=encoding, write_empty_chunks=True)
        pack(folder, scratch)


def chunk_shape(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[int, ...]:
    """Shape of chunks with complete rows along the first dimension, about CHUNK_BYTES each."""
    row = max(dtype.itemsize * int(np.prod(shape[1:])), 1)
    return (min(max(CHUNK_BYTES // row, 1), shape[0]), *shape[1:])


def load(path: Path) -> "xr.Dataset":
    """Open a store lazily: `ds["x"][a:b].values` reads the chunks of these rows only.

    Members are read in place, never unpacked. Zarr format 3 has no codec that could run code.

    Raises:
        UserError: the file is missing, or not a store written by `save` or `SampleWriter`.
    """
    import xarray as xr
    import zarr

    try:
        _check_members(path)
        store = zarr.storage.ZipStore(path, mode="r")
        dataset: xr.Dataset = xr.open_zarr(store, zarr_format=3, consolidated=False, chunks=None)
        _check_size(dataset, path)
        return dataset
    except FileNotFoundError:
        raise UserError(Problem(str(path), "", "the file does not exist", "make it with snakemake")) from None
    except Exception as error:  # zipfile, zarr and their codecs raise errors of many kinds
        raise UserError(damaged(path, error)) from error


def _check_members(path: Path) -> None:
    """Raise BadZipFile for members that `pack` never writes: repeated, compressed, or links."""
    names: set[str] = set()
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            plain = member.compress_type == zipfile.ZIP_STORED and member.external_attr == MEMBER_MODE
            if member.filename in names or not plain:
                raise zipfile.BadZipFile(f"{member.filename!r} is no member of a store of this workflow")
            names.add(member.filename)


def _check_size(dataset: "xr.Dataset", path: Path) -> None:
    """Raise ValueError if the file is too small for the data that it declares."""
    for name, variable in dataset.variables.items():
        if variable.nbytes > MOST_COMPRESSION * path.stat().st_size:
            raise ValueError(f"{name} is declared with shape {variable.shape}, more than the file can hold")


def damaged(path: Path, error: Exception) -> Problem:
    """Problem that reports a file as damaged, with the error of reading it."""
    return Problem(
        str(path),
        f"{type(error).__name__}: {error}",
        "the file is damaged",
        f"delete it and run snakemake again: rm {shlex.quote(str(path))}",
    )


@dataclass(frozen=True)
class VariableSpec:
    """Declaration of a variable to be streamed; it grows along the first of `dims`."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    attrs: Mapping[str, Any] = field(default_factory=dict)


class SampleWriter:
    """Stream arrays along their first dimension into one zipped Zarr, whole chunks at a time.

    Use as a context manager. `append` buffers rows until they fill a chunk, so memory stays at a few chunks. At the
    end of the block, each variable must have as many rows as declared; only then does the file appear under its name.
    An error inside the block leaves no file.
    """

    def __init__(
        self,
        path: Path,
        variables: Mapping[str, VariableSpec],
        coords: Mapping[str, tuple[str, np.ndarray]],
        attrs: Mapping[str, Any],
    ) -> None:
        self._path, self._variables, self._coords, self._attrs = path, variables, coords, attrs
        self._exit = contextlib.ExitStack()

    def __enter__(self) -> Self:
        import zarr

        self._scratch = self._exit.enter_context(atomic(self._path))
        self._folder = self._scratch.with_name("store")
        group = zarr.create_group(self._folder, zarr_format=3, attributes=dict(self._attrs))
        self._arrays = {
            name: group.create_array(
                name,
                shape=spec.shape,
                dtype=spec.dtype,
                chunks=chunk_shape(spec.shape, np.dtype(spec.dtype)),
                dimension_names=spec.dims,
                attributes=dict(spec.attrs),
                config=EVERY_CHUNK,
            )
            for name, spec in self._variables.items()
        }
        self._held: dict[str, list[np.ndarray]] = {name: [] for name in self._variables}
        self._written = dict.fromkeys(self._variables, 0)
        return self

    def append(self, **arrays: np.ndarray) -> None:
        """Append rows to the named variables, each array (rows, ...) with the declared shape of a row."""
        for name, rows in arrays.items():
            self._held[name].append(np.asarray(rows))
            chunk = self._arrays[name].chunks[0]
            held = sum(len(block) for block in self._held[name])
            if held >= chunk:
                self._flush(name, held - held % chunk)

    def _flush(self, name: str, count: int) -> None:
        block = np.concatenate(self._held[name])
        start = self._written[name]
        self._arrays[name][start : start + count] = block[:count]
        self._written[name] += count
        self._held[name] = [block[count:].copy()]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._exit.__exit__(kind, error, trace)
            return
        with self._exit:
            for name, spec in self._variables.items():
                if self._held[name]:
                    self._flush(name, sum(len(block) for block in self._held[name]))
                if self._written[name] != spec.shape[0]:
                    raise RuntimeError(
                        f"{self._path}: {name} got {self._written[name]} rows, {spec.shape[0]} were announced"
                    )
            self._write_coords()
            pack(self._folder, self._scratch)

    def _write_coords(self) -> None:
        import xarray as xr

        coords = {
            name: (dim, values.astype(np.dtypes.StringDType()) if values.dtype.kind in "UO" else values)
            for name, (dim, values) in self._coords.items()
        }
        labels = xr.Dataset(coords=coords, attrs=dict(self._attrs))
        labels.to_zarr(self._folder, mode="a", zarr_format=3, consolidated=False, write_empty_chunks=True)


def write_table(frame: "pd.DataFrame", path: Path) -> None:
    """Write a tidy table as CSV (10 significant digits, LF) or, if the suffix is `.parquet`, as Parquet."""
    with atomic(path) as scratch:
        if path.suffix == ".parquet":
            frame.to_parquet(scratch, index=False)
        else:
            frame.to_csv(scratch, index=False, float_format="%.10g", lineterminator="\n")


def read_table(path: Path, text: Collection[str] = ()) -> "pd.DataFrame":
    """Read a table written by `write_table`.

    Args:
        path: a CSV file or, if the suffix is `.parquet`, a Parquet file.
        text: columns of a CSV that are always read as text: a class may be called "1", "007" or "NA".

    Raises:
        UserError: the file is missing or not a readable table.
    """
    import pandas as pd

    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        columns = pd.read_csv(path, nrows=0).columns
        missing = {column: [""] for column in columns if column not in text}
        return pd.read_csv(path, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=missing)
    except FileNotFoundError:
        raise UserError(Problem(str(path), "", "the file does not exist", "make it with snakemake")) from None
    except Exception as error:  # pandas and Arrow raise errors of many kinds
        raise UserError(damaged(path, error)) from error
