"""Features computed elsewhere (embeddings with labels): read, check, and write them as a features artifact."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.files import open_arrays, require_names
from workflow_lib.datasets.labels import encode, problems_of, texts
from workflow_lib.datasets.selection import select
from workflow_lib.datasets.split import Labelled, Labels, Rows, numbered, strings
from workflow_lib.errors import Problem, UserError
from workflow_lib.io.storage import SampleWriter, VariableSpec


@dataclass(frozen=True, eq=False)
class ImportedFeatures(Labelled):
    """Labelled feature vectors.

    Attributes:
        features: (N, d) float32 or float64, finite.
        predictions: (N,) int64, predicted classes, or None if the file has none; -1 is a class that no sample has or
            that is not selected.
    """

    features: NDArray[Any]
    predictions: Labels | None

    def take(self, rows: Rows) -> Self:
        """These samples only, in this order."""
        predictions = None if self.predictions is None else self.predictions[rows]
        return replace(super().take(rows), features=self.features[rows], predictions=predictions)

    def renumber(self, new_label: Labels, class_names: tuple[str, ...]) -> Self:
        """The same samples with other classes: label or prediction c becomes `new_label[c]`."""
        predictions = self.predictions
        if predictions is not None:
            predictions = np.where(predictions < 0, -1, new_label[predictions])
        return replace(super().renumber(new_label, class_names), predictions=predictions)


def read_imported(spec: Mapping[str, Any]) -> ImportedFeatures:
    """Features of a source `features`: an .npz, .zarr, .zarr.zip or .parquet file.

    Args:
        spec: `path`, and the names in the file of the arrays `features`, `labels`, `predictions`, `ids` and
            `class_names`; the last three may be None. Without class names, the classes are the sorted distinct
            labels. Optional: `classes`, `superclasses` and `subsample` (with the key "imported").

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
    counts = {role: len(np.atleast_1d(array)) for role, array in arrays.items() if role != "class_names"}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{count} {role}" for role, count in counts.items())
        allowed = "features, labels and the like have one row per sample"
        raise UserError(Problem(str(path), found, allowed, "save arrays of the same length"))
    given = {role: (f"{path}: {spec[role]}", array) for role, array in arrays.items()}
    (labels, *predictions), class_names = encode(
        [given["labels"]],
        texts(arrays["class_names"], given["class_names"][0]) if "class_names" in arrays else None,
        given.get("predictions"),
    )
    return ImportedFeatures(
        source="features",
        origin=str(path),
        labels=labels,
        ids=strings(texts(arrays["ids"], given["ids"][0])) if "ids" in arrays else numbered("row", len(labels)),
        class_names=class_names,
        features=_as_float(arrays["features"], given["features"][0]),
        predictions=predictions[0] if predictions else None,
    )


def _read(path: Path, spec: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Arrays by kind (features, labels, ...), for the kinds of array that the spec names."""
    roles = ("features", "labels", "predictions", "ids", "class_names")
    names = {role: spec[role] for role in roles if spec.get(role) is not None}
    if path.suffix == ".parquet":
        from workflow_lib.datasets.parquet import read_columns

        columns = read_columns(path, names["features"], [names[role] for role in names if role != "features"])
        return {role: columns[name] for role, name in names.items()}
    file = open_arrays(path)
    require_names(path, list(names.values()), file.names)
    return {role: file.read(name) for role, name in names.items()}


def _as_float(features: NDArray[Any], origin: str) -> NDArray[Any]:
    """Features (N, d) as float32 if that is exact (half precision, short integers), else float64."""
    if features.ndim != 2 or features.shape[1] == 0:
        allowed = "features are a matrix with a row per sample and a column per feature"
        raise UserError(Problem(origin, f"shape {features.shape}", allowed, "reshape to (samples, features)"))
    if features.dtype.kind not in "fiub":
        allowed = "features are real numbers"
        raise UserError(Problem(origin, f"type {features.dtype}", allowed, "save them as float32 or float64"))
    dtype = np.float32 if np.can_cast(features.dtype, np.float32) else np.float64
    return features.astype(dtype, copy=False)


def _not_finite(imported: ImportedFeatures) -> list[Problem]:
    rows = np.flatnonzero(~np.isfinite(imported.features).all(axis=1))
    if not len(rows):
        return []
    first = imported.features[rows[0]]
    column = int(np.flatnonzero(~np.isfinite(first))[0])
    more = f" ({len(rows)} samples have such values)" if len(rows) > 1 else ""
    found = f"sample {imported.ids[rows[0]]} has {first[column]} as feature {column}{more}"
    repair = "repair these samples, or save the file without them"
    return [Problem(imported.origin, found, "features are finite numbers", repair)]


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
    features = VariableSpec(("sample", "feature"), imported.features.shape, imported.features.dtype.name)
    attrs = {"title": "Imported features", "source": "features"}
    with SampleWriter(path, {"features": features}, coords, attrs) as writer:
        writer.append(features=imported.features)
