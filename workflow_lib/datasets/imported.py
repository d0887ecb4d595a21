"""Features computed elsewhere (embeddings with labels): read, checked and written in blocks as a features artifact."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.files import damaged, require_names
from workflow_lib.datasets.labels import encode, names_or_numbers, problems_of, texts
from workflow_lib.datasets.selection import select
from workflow_lib.datasets.split import Labelled, Labels, Rows, numbered, strings
from workflow_lib.datasets.tensor_files import SINGLE, open_tensors
from workflow_lib.datasets.text_table import read_text_columns
from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.io.storage import SampleWriter, VariableSpec

ROLES = ("features", "labels", "predictions", "ids", "class_names")
OF_SAMPLES = ("labels", "predictions", "ids")
BLOCK_BYTES = 32 * 2**20
"""Size of a block of features in the file; they need not fit into memory."""


@dataclass(frozen=True, eq=False)
class ImportedFeatures(Labelled):
    """Labelled feature vectors, which are read only on request.

    Attributes:
        stored: (M, d) all vectors of the file, with `.shape`, `.dtype` and slices of rows.
        rows: (N,) ascending rows of `stored` that are the samples.
        dtype: float32 or float64.
        predictions: (N,) int64, predicted classes, or None if the file has none; -1 is a class that no sample has or
            that is not selected.
    """

    stored: Any
    rows: Rows
    dtype: np.dtype[Any]
    predictions: Labels | None

    def blocks(self) -> Iterator[NDArray[Any]]:
        """The vectors of the samples, in their order, in blocks (n, d) of `dtype`.

        Raises:
            UserError: the file is damaged.
        """
        step = max(1, BLOCK_BYTES // (self.stored.shape[1] * self.stored.dtype.itemsize))
        for start in range(0, self.stored.shape[0], step):
            first, last = np.searchsorted(self.rows, (start, start + step))
            if first < last:
                yield self._read(start, start + step)[self.rows[first:last] - start]

    @property
    def features(self) -> NDArray[Any]:
        """All vectors (N, d) in memory."""
        return np.concatenate([np.empty((0, self.stored.shape[1]), self.dtype), *self.blocks()])

    def _read(self, start: int, stop: int) -> NDArray[Any]:
        try:
            return np.asarray(self.stored[start:stop]).astype(self.dtype, copy=False)
        except Exception as error:  # decoders of stored arrays raise errors of their own kinds
            raise UserError(damaged(self.origin, error)) from error

    def take(self, rows: Rows) -> Self:
        """These samples only, in this order."""
        predictions = None if self.predictions is None else self.predictions[rows]
        return replace(super().take(rows), rows=self.rows[rows], predictions=predictions)

    def renumber(self, new_label: Labels, class_names: tuple[str, ...]) -> Self:
        """The same samples with other classes: label or prediction c becomes `new_label[c]`."""
        predictions = self.predictions
        if predictions is not None:
            predictions = np.where(predictions < 0, -1, new_label[predictions])
        return replace(super().renumber(new_label, class_names), predictions=predictions)


def read_imported(spec: Mapping[str, Any]) -> ImportedFeatures:
    """Features of a source `features`: of NumPy, Zarr, Parquet, torch, safetensors or AnnData.

    Args:
        spec: `path`; `labels_path` of another file with all but the features, or None; and the names in these files
            of the arrays `features`, `labels`, `predictions`, `ids` and `class_names`; the last three may be None.
            Without class names, the classes are the sorted distinct labels. Optional: `classes`, `superclasses` and
            `subsample` (with the key "imported").

    Raises:
        UserError: file or arrays missing or damaged, labels without a class, classes too small, features that are not
            finite numbers. The error names the file and the sample or class.
    """
    imported = select(_whole(spec), spec, "imported")
    problems = problems_of(imported.labels, imported.ids, imported.class_names, imported.origin) + _not_finite(imported)
    if problems:
        raise UserError(*problems)
    return imported


def _whole(spec: Mapping[str, Any]) -> ImportedFeatures:
    """All samples of the file; their values are not checked yet."""
    path = Path(spec["path"])
    arrays = _read(path, spec)
    features = arrays["features"]
    dtype = _float_type(features, f"{path}: {spec['features']}")
    counts = {role: (*array.shape, 1)[0] for role, array in arrays.items() if role != "class_names"}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{count} {role}" for role, count in counts.items())
        allowed = "features, labels and the like have one row per sample"
        raise UserError(Problem(str(path), found, allowed, "save arrays of the same length"))
    beside = spec.get("labels_path") or path
    given = {role: (f"{beside}: {spec[role]}", array) for role, array in arrays.items() if role != "features"}
    (labels, *predictions), class_names = encode(
        [given["labels"]],
        texts(arrays["class_names"], f"{path}: {spec['class_names']}") if "class_names" in arrays else None,
        given.get("predictions"),
    )
    return ImportedFeatures(
        source="features",
        origin=str(path),
        labels=labels,
        ids=strings(texts(arrays["ids"], given["ids"][0])) if "ids" in arrays else numbered("row", len(labels)),
        class_names=class_names,
        stored=features,
        rows=np.arange(len(labels)),
        dtype=dtype,
        predictions=predictions[0] if predictions else None,
    )


def _read(path: Path, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays by kind (features, labels, ...), for the kinds that the spec names; features are not read yet."""
    names = {role: spec[role] for role in ROLES if spec.get(role) is not None}
    beside = {role: name for role, name in names.items() if role in OF_SAMPLES} if spec.get("labels_path") else {}
    names = {role: name for role, name in names.items() if role not in beside}
    return _within(path, names) | (_beside(Path(spec["labels_path"]), beside) if beside else {})


def _within(path: Path, names: dict[str, str]) -> dict[str, Any]:
    """Arrays of the file of the features."""
    if path.suffix == ".parquet":
        from workflow_lib.datasets.parquet import class_names_of, read_columns

        found = read_columns(path, names)
        known = class_names_of(path, names["labels"]) if "labels" in names and "class_names" not in names else None
        return found | ({"class_names": known} if known else {})
    file = open_tensors(path)
    if file.names == (SINGLE,) and "labels" in names:
        allowed = "the file holds one array, and no labels"
        raise UserError(Problem(str(path), "", allowed, "name the file of the labels: labels_path"))
    require_names(path, names, file.names)
    return {role: file.lazy(name) if role == "features" else file.read(name) for role, name in names.items()}


def _beside(path: Path, names: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Labels and other properties of the samples from a file of their own."""
    if path.suffix == ".npy":
        array = open_tensors(path).read(SINGLE)
        if len(names) > 1:
            allowed = "the file holds one array, which is taken for the labels"
            raise UserError(Problem(str(path), listed(names), allowed, "save a table with columns of these names"))
        return dict.fromkeys(names, array)
    columns = read_text_columns(path, names)
    return {role: names_or_numbers(columns[name]) for role, name in names.items()}


def _float_type(features: Any, origin: str) -> np.dtype[Any]:
    """float32 if features (N, d) are exact in it (half precision, short integers), else float64."""
    shape, dtype = tuple(features.shape), np.dtype(features.dtype)
    if len(shape) != 2 or shape[1] == 0:
        allowed = "features are a matrix with a row per sample and a column per feature"
        raise UserError(Problem(origin, f"shape {shape}", allowed, "reshape to (samples, features)"))
    if dtype.kind not in "fiub":
        allowed = "features are real numbers"
        raise UserError(Problem(origin, f"type {dtype}", allowed, "save them as float32 or float64"))
    return np.dtype(np.float32 if np.can_cast(dtype, np.float32) else np.float64)


def _not_finite(imported: ImportedFeatures) -> list[Problem]:
    first, count, start = "", 0, 0
    for block in imported.blocks():
        wrong = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(wrong) and not first:
            column = int(np.flatnonzero(~np.isfinite(block[wrong[0]]))[0])
            first = f"sample {imported.ids[start + wrong[0]]} has {block[wrong[0], column]} as feature {column}"
        count, start = count + len(wrong), start + len(block)
    if not first:
        return []
    more = f" ({count} samples have such values)" if count > 1 else ""
    repair = "repair these samples, or save the file without them"
    return [Problem(imported.origin, f"{first}{more}", "features are finite numbers", repair)]


def write_imported(imported: ImportedFeatures, path: Path) -> None:
    """Write the same kind of artifact as for extracted features.

    It holds `features` (sample, feature) and the coords sample, label, class and, if available, prediction.
    """
    coords: dict[str, tuple[str, NDArray[Any]]] = {
        "sample": ("sample", imported.ids),
        "label": ("sample", imported.labels),
        "class": ("class", np.array(imported.class_names)),
    }
    if imported.predictions is not None:
        coords["prediction"] = ("sample", imported.predictions)
    shape = len(imported), imported.stored.shape[1]
    features = VariableSpec(("sample", "feature"), shape, imported.dtype.name)
    attrs = {"title": "Imported features", "source": "features"}
    with SampleWriter(path, {"features": features}, coords, attrs) as writer:
        for block in imported.blocks():
            writer.append(features=block)
