"""Measures of pairs of classes (A, B), each an (n, n) matrix with A in rows and B in columns (docs/science.md 4.1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workflow_lib.dissimilarity.cosine import dissimilarities, unit_vectors
from workflow_lib.names import BASELINE

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Matrices = Mapping[str, Array]
"""Matrices by the name of the measure; NaN where it is not defined. The diagonal is never used."""
TEXT = (
    *("model", "layer", "tensor", "class_a", "class_b", "route", "origin", "target"),
    *("reference", "unit", "confused", "undefined", "pair", "true", "predicted"),
)
"""Columns of the tables of studies that hold names, which may look like numbers."""


@dataclass(frozen=True)
class Measure:
    """What a matrix holds.

    Attributes:
        method: section of the config that its study belongs to.
        directed: whether (A, B) and (B, A) differ.
        meaning: of entry (A, B), with its unit if it has one.
    """

    method: str
    directed: bool
    meaning: str


MEASURES: Mapping[str, Measure] = {
    "nearest_foreign": Measure("kstar", True, "share of A's samples whose nearest sample of another class is of B"),
    "nearest_foreign_pieces": Measure(
        "kstar", True, "the share nearest_foreign in each piece of A; mean over the pieces"
    ),
    "predicted": Measure("kstar", True, "share of A's samples that the network predicts as B"),
    "C": Measure("prototypes", False, "dissimilarity of images driven to A and to B; mean over origins"),
    "R": Measure("prototypes", False, "dissimilarity of images that start at A and at B; mean over targets"),
    "prototype_dissimilarity": Measure("prototypes", False, "dissimilarity of the class prototypes of A and B"),
    "steps": Measure("prototypes", True, "steps of the descent from the prototype of A to class B"),
    "boundary_dissimilarity": Measure(
        "prototypes", True, "dissimilarity of the boundary image on the line to its ends"
    ),
    "boundary_share": Measure("prototypes", True, "share of the path from A to B on which A is ahead of B"),
    "baseline_predicted": Measure("confusion", True, "share of A's samples that the baseline predicts as B"),
    "effect": Measure("confusion", True, "accuracy of A that is lost if B is confused with a third class"),
    "bits": Measure("confusion", True, "bits about A's predictions, with the sign of effect"),
    "accuracy_loss": Measure("confusion", False, "mean accuracy that A and B lose if they are confused"),
    "telling_apart": Measure("confusion", False, "how well A and B are told apart if confused; 0.5 is chance"),
}
"""All measures by name, in the order of tables and figures."""


def of_kstar(stores: Iterable[xr.Dataset]) -> tuple[list[str], Matrices]:
    """Class names, and the measures of k* stores of several seeds: means over the stores."""
    names: list[str] = []
    found: dict[str, list[Array]] = {}
    for store in stores:
        names = [str(name) for name in store.attrs["class_names"]]
        for measure, matrix in _of_samples(store, len(names)).items():
            found.setdefault(measure, []).append(matrix)
    return names, {measure: mean(matrices) for measure, matrices in found.items()}


def _of_samples(store: xr.Dataset, n: int) -> Matrices:
    labels, foreign, piece = (store[name].values for name in ("label", "nearest_foreign", "piece"))
    known = foreign >= 0  # it is -1 where k* is approximate and only a lower bound
    own, other = labels[known], labels[foreign[known]]
    found = {"nearest_foreign": shares(own, other, n)}
    if (piece >= 0).all():
        found["nearest_foreign_pieces"] = shares(own, other, n, 1 / _piece_sizes(labels, piece)[known])
    if "prediction" in store.coords:
        found["predicted"] = shares(labels, store["prediction"].values, n)
    return found


def shares(own: Labels, other: Labels, n: int, weights: Array | float = 1.0) -> Array:
    """(n, n) share of the samples of each class, by weight, that belong to each other class; NaN without samples.

    Args:
        own: (N,) class of each sample.
        other: (N,) the class that it is counted for; -1 for none of the n classes.
        n: number of classes.
        weights: (N,) of the samples.
    """
    counts = np.zeros((n, n + 1))  # -1 is the last column
    np.add.at(counts, (own, other), weights)
    total = counts.sum(axis=1, keepdims=True)
    found: Array = np.divide(counts[:, :n], total, out=np.full((n, n), np.nan), where=total > 0)
    return found


def _piece_sizes(labels: Labels, piece: Labels) -> Array:
    """(N,) number of samples in the piece of each sample."""
    _, place, sizes = np.unique(np.stack([labels, piece]), axis=1, return_inverse=True, return_counts=True)
    return sizes[place].astype(np.float64)


def of_prototypes(
    sets: Iterable[tuple[xr.Dataset, xr.Dataset]],
    pairs: pd.DataFrame,
    boundaries: pd.DataFrame | None = None,
    *,
    unconverged: str,
) -> tuple[list[str], Matrices]:
    """Class names, and the measures of the prototype sets of one model and interval: means over the sets.

    Args:
        sets: prototype stores, each with the store of its C and R, which has the features of the layer.
        pairs: tensor, class_a, class_b, mean, from `prototype_tables`.
        boundaries: from `boundary_table`; None without boundary images.
        unconverged: "leave_out" leaves out images that did not converge, "keep" includes all.
    """
    names: list[str] = []
    dissimilarity, steps = [], []
    for images, compared in sets:
        names = [str(name) for name in images["target"].values]
        converged = images["converged"].values | (unconverged == "keep")
        steps.append(np.where(converged, images["steps"].values, np.nan).T)  # [target, origin] -> [origin, target]
        dissimilarity.append(_of_class_prototypes(compared["features"], np.diagonal(converged)))
    tensors = {tensor: matrix_of(rows, names, "class_a", "class_b", "mean") for tensor, rows in pairs.groupby("tensor")}
    found = {str(tensor): matrix for tensor, matrix in tensors.items()}
    found |= {"prototype_dissimilarity": mean(dissimilarity), "steps": mean(steps)}
    if boundaries is not None:
        own = boundaries[boundaries["converged"] | (unconverged == "keep")]
        ends = own.assign(ends=own[["dissimilarity_to_origin", "dissimilarity_to_target"]].mean(axis=1, skipna=False))
        means = ends.groupby(["route", "origin", "target"], as_index=False)[["ends", "share"]].mean()
        for measure, route, value in (("boundary_dissimilarity", "line", "ends"), ("boundary_share", "path", "share")):
            found[measure] = matrix_of(means[means["route"] == route], names, "origin", "target", value)
    return names, found


def _of_class_prototypes(features: xr.DataArray, counted: npt.NDArray[np.bool_]) -> Array:
    """(n, n) dissimilarity of the class prototypes, from features (target, origin, feature); NaN for those left out."""
    every = xr.DataArray(np.arange(features.sizes["target"]), dims="own")
    own = features.isel(target=every, origin=every).values  # (n, feature)
    with np.errstate(invalid="ignore"):  # features of zeros have no direction
        found = dissimilarities(unit_vectors(own[None]))[0]
    return np.where(counted[:, None] & counted, found, np.nan)


def of_confusion(effects: pd.DataFrame, pairs: pd.DataFrame, predicted: pd.DataFrame) -> tuple[list[str], Matrices]:
    """Class names, and the measures of the tables of a confusion study.

    Args:
        effects: from `effect_table`; the rows of runs against "otherwise" are used.
        pairs: from `pair_table`.
        predicted: from `matrix_table`; the rows of the baseline are used.
    """
    names = list(dict.fromkeys(effects["target"]))
    own = effects[(effects["reference"] == "otherwise") & (effects["unit"] == "run")]
    baseline = predicted[predicted["pair"] == BASELINE]
    confused = pairs[pairs["pair"] != BASELINE]
    confused = confused.assign(accuracy_loss=confused["baseline_own"] - confused["accuracy_own"])
    found = {
        "baseline_predicted": matrix_of(baseline, names, "true", "predicted", "share"),
        "effect": matrix_of(own, names, "target", "confused", "diff"),
        "bits": matrix_of(own, names, "target", "confused", "bits_predictions"),
    }
    for measure in ("accuracy_loss", "telling_apart"):
        one_way = matrix_of(confused, names, "class_a", "class_b", measure)
        found[measure] = np.where(np.isnan(one_way), one_way.T, one_way)
    return names, found


def matrix_of(table: pd.DataFrame, names: Sequence[str], row: str, column: str, value: str) -> Array:
    """(n, n) the values by row and column, in the order of the names; NaN without one. None may be there twice."""
    matrix = table.pivot(index=row, columns=column, values=value)
    return matrix.reindex(index=list(names), columns=list(names)).to_numpy(dtype=np.float64)


def mean(matrices: Iterable[Array]) -> Array:
    """Mean of matrices, entry by entry, over those that are not NaN; NaN if all are."""
    several = np.stack(list(matrices))
    known = np.isfinite(several)
    total, number = several.sum(axis=0, where=known), known.sum(axis=0)
    found: Array = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return found
