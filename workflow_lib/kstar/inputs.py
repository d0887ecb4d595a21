"""Check the inputs of k*, features and labels; errors name the sample."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workflow_lib.errors import Problem, UserError
from workflow_lib.kstar.directions import not_defined, zero_rows
from workflow_lib.kstar.metrics import METRICS
from workflow_lib.kstar.sweep import available_threads

if TYPE_CHECKING:
    import numpy.typing as npt

SMALLEST, LARGEST = 1e-290, 1e290
"""Range of largest magnitudes that float64 can scale to 1: of each row for cosine, of all features otherwise."""

ROWS = 1024
"""Rows that a thread looks at together, while they are in its cache."""


@dataclass(frozen=True)
class Samples:
    """Checked input and an order of the samples by class.

    Attributes:
        features: (N, d) float32 or float64, C-contiguous, writable (never written), finite, in the caller's order.
        order: (N,) int64, the caller's row at each sorted position; each class is contiguous.
        starts: (C + 1,) int64, sorted position where each class begins, and N.
        magnitude: float64, the largest of each row, (N,), if the metric is one of directions; else of all, ().
    """

    features: np.ndarray
    order: np.ndarray
    starts: np.ndarray
    magnitude: np.ndarray


def check(features: "npt.ArrayLike", labels: "npt.ArrayLike", metric: str, device: str = "cpu") -> Samples:
    """Validate the inputs of k* and sort the samples by class.

    Args:
        features: (N, d) real numbers; float32 and float64 are used as given, other types are converted to float64.
        labels: (N,) integers, strings or bytes; a class may have a single sample.
        metric: one of METRICS.
        device: where k* is to be computed. Beyond the CPU torch is at hand, which looks through the features faster.

    Raises:
        UserError: unknown metric, wrong shapes, different lengths, labels of another type, a non-finite feature, a
            zero vector with cosine, or a single class, for which k* is undefined (docs/science.md 1.1).
    """
    matrix, names = _array(features, "features"), _array(labels, "labels")
    problems = [*_metric_problems(metric), *_shape_problems(matrix, names)]
    if problems:
        raise UserError(*problems)
    if matrix.dtype not in (np.float32, np.float64):
        matrix = matrix.astype(np.float64)
    # numba would compile everything again for the type of read-only arrays: a copy is cheaper.
    matrix = np.require(matrix, requirements=["C", "W"])
    magnitude = _magnitude(matrix, metric, device)
    order = _order(names)
    in_order = names[order]
    starts = np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1])[: len(names)])
    problems = [*_value_problems(matrix, magnitude, metric), *_class_problems(in_order[starts])]
    if problems:
        raise UserError(*problems)
    return Samples(matrix, order, np.append(starts, len(names)).astype(np.int64), magnitude)


def _array(values: "npt.ArrayLike", where: str) -> np.ndarray:
    if hasattr(values, "toarray"):
        found = f"sparse {type(values).__name__} {getattr(values, 'shape', '')}"
        raise UserError(Problem(where, found, "must be a dense array", f"Pass {where}.toarray()"))
    try:
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # rows of different lengths, tensors of many kinds
        repair = f"Pass an array; of a tensor {where}.detach().cpu().float().numpy()"
        raise UserError(
            Problem(where, f"{type(values).__name__}: {error}", "NumPy has no such array", repair)
        ) from error


def _metric_problems(metric: str) -> list[Problem]:
    if metric in METRICS:
        return []
    return [Problem("metric", str(metric), f"allowed: {', '.join(METRICS)}", "Choose one of these")]


def _shape_problems(features: np.ndarray, labels: np.ndarray) -> list[Problem]:
    problems = []
    if features.ndim != 2 or features.shape[1] == 0 or features.dtype.kind not in "biuf":
        allowed = "features must be real numbers in a matrix (sample, feature) with at least one feature"
        problems.append(Problem("features", f"{features.dtype} {features.shape}", allowed, _as_matrix(features)))
    if labels.ndim != 1 or not _are_names(labels):
        allowed = "labels must be integers or strings, one for each sample"
        problems.append(Problem("labels", f"{labels.dtype} {labels.shape}", allowed, "Pass class indices or names"))
    elif features.ndim == 2 and len(features) != len(labels):
        found = f"{len(features)} rows of features, {len(labels)} labels"
        allowed = "each sample needs one label"
        problems.append(Problem("features, labels", found, allowed, "Pass both for the same samples"))
    return problems


def _as_matrix(features: np.ndarray) -> str:
    """What to do with features that are no matrix of numbers."""
    if features.dtype.kind == "O" and features.ndim == 1:
        return "Make one array of the rows: numpy.stack(features)"
    if features.dtype.kind not in "biuf":
        return "Pass real numbers: features.astype(float), without gaps and texts"
    return "Flatten each sample to one row: features.reshape(len(features), -1)"


def _are_names(labels: np.ndarray) -> bool:
    if labels.dtype.kind == "O":
        return any(all(isinstance(label, kind) for label in labels) for kind in (str, int, bytes))
    return labels.dtype.kind in "biuSUT"


def _order(names: np.ndarray) -> np.ndarray:
    """Where each label comes when sorted, equal ones in the order given, (N,) int64."""
    if names.dtype.kind in "iu" and names.size:
        least, largest = int(names.min()), int(names.max())
        if largest - least < 2**16:  # NumPy sorts 16 bits by counting; the subtraction is modulo 2**16, so exact
            names = names.astype(np.uint16) - np.uint16(least % 2**16)
    return np.argsort(names, kind="stable").astype(np.int64)


def _magnitude(features: np.ndarray, metric: str, device: str) -> np.ndarray:
    axis = 1 if METRICS[metric].of_directions else None
    if device != "cpu" and features.size:
        import torch

        values, axes = torch.from_numpy(features), () if axis is None else (axis,)
        return torch.maximum(values.amax(axes), -values.amin(axes)).clamp_(min=0).double().numpy()

    def of_rows(first: int) -> np.ndarray:
        part = features[first : first + ROWS]
        largest, smallest = part.max(axis=axis, initial=0), part.min(axis=axis, initial=0)
        return np.asarray(np.maximum(largest, -smallest))  # NaN stays NaN

    with ThreadPoolExecutor(available_threads()) as pool:
        parts = list(pool.map(of_rows, range(0, max(len(features), 1), ROWS)))
    return np.asarray(np.max(parts) if axis is None else np.concatenate(parts), dtype=np.float64)


def _value_problems(features: np.ndarray, magnitude: np.ndarray, metric: str) -> list[Problem]:
    if not np.all(np.isfinite(magnitude)):
        endless = np.flatnonzero(~np.isfinite(features).all(axis=1))
        column = int(np.flatnonzero(~np.isfinite(features[endless[0]]))[0])
        found = f"{features[endless[0], column]} at sample {endless[0]}, feature {column}"
        allowed = f"features must be finite ({endless.size} samples are not)"
        return [Problem("features", found, allowed, "Find out where it arises")]
    if METRICS[metric].of_directions:
        zero = zero_rows(features)
        if zero.size:
            return [not_defined(zero)]
    if np.any((magnitude > 0) & ((magnitude < SMALLEST) | (magnitude > LARGEST))):
        allowed = f"magnitudes must lie between {SMALLEST:g} and {LARGEST:g}, or float64 cannot square them"
        return [Problem("features", f"{np.min(magnitude)} to {np.max(magnitude)}", allowed, "Scale the features")]
    return []


def _class_problems(classes: np.ndarray) -> list[Problem]:
    if classes.size > 1:
        return []
    found = f"only class {classes[0]}" if classes.size else "no samples"
    allowed = "k* is the rank of the first neighbour of another class, so it needs two classes"
    return [Problem("labels", found, allowed, "Add samples of another class")]
