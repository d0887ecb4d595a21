"""Stores of k*: made from a store of features, with the samples that have no k* left out and counted."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.io import storage
from workflow_lib.kstar.directions import zero_rows

SHOWN = 10
"""Largest number of classes named in a message."""

MEANING = {
    "kappa": ("rank of the nearest sample of another class", "1"),
    "kstar": ("kappa divided by the size of the class", "1"),
    "nearest_foreign": ("its row, counted from 0", ""),
    "nearest_foreign_distance": ("{metric} distance to the nearest sample of another class", ""),
    "piece": ("number of its piece within its class, 0 the largest", ""),
    "censored": ("whether kappa is only a lower bound, because the list of neighbours ends before", ""),
}
"""Long name and unit of each variable."""


@dataclass(frozen=True)
class Vectors:
    """The samples of a feature store that have a k*.

    Attributes:
        features: (N, d).
        coords: sample, label and, if known, prediction, (N,) each.
        class_names: by label.
        left_out: number of samples without k*, by label.
    """

    features: np.ndarray
    coords: Any
    class_names: list[str]
    left_out: list[int]

    @property
    def labels(self) -> np.ndarray:
        """(N,) label of each sample."""
        labels: np.ndarray = self.coords["label"].values
        return labels


def read(path: Path, spec: Mapping[str, Any]) -> Vectors:
    """Read a feature store; `on_zero` of the spec, "leave_out", leaves out vectors of zeros.

    Raises:
        UserError: all samples of a class would be left out.
    """
    store = storage.load(path)
    names, vectors = [str(name) for name in store["class"].values], store["features"].values
    left_out = zero_rows(vectors) if spec.get("on_zero") == "leave_out" else np.array([], dtype=np.int64)
    lost = _count(left_out, store["label"].values, names)
    coords = store.drop_vars(["features", "class"]).drop_isel(sample=left_out).coords
    return Vectors(np.delete(vectors, left_out, axis=0) if len(left_out) else vectors, coords, names, lost.tolist())


def write(path: Path, vectors: Vectors, metric: str, found: Mapping[str, np.ndarray], **attrs: Any) -> None:
    """Write a k* store: variables of MEANING, (N,) each, with the coords of the samples and the attributes."""
    variables = {}
    for name, values in found.items():
        meaning, units = MEANING[name]
        about = {"long_name": meaning.format(metric=metric)} | ({"units": units} if units else {})
        variables[name] = ("sample", values, about)
    about = {"title": "k* of every sample", "metric": metric}
    by_label = {"class_names": vectors.class_names, "left_out": vectors.left_out}
    storage.save(xr.Dataset(variables, vectors.coords, {**about, **by_label, **attrs}), path)


def _count(left_out: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Number of samples of each class that are left out."""
    lost, sizes = (np.bincount(part, minlength=len(names)) for part in (labels[left_out], labels))
    if len(left_out):
        print(f"k*: {len(left_out)} vectors of zeros are left out", file=sys.stderr)
    if empty := [name for name, few, size in zip(names, lost, sizes, strict=True) if few == size > 0]:
        allowed = "all samples are vectors of zeros, so none is left under cosine"
        repair = "choose another metric, or list only the other classes under the key classes of the dataset"
        raise UserError(Problem("kstar.on_zero", f"class {listed(empty, SHOWN)}", allowed, repair))
    return lost
