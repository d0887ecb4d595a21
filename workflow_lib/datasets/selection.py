"""Selection of labelled samples: superclasses, class subsets, subsamples, train and test parts.

Each draw depends only on the seed and the sample's id, not on the order of files. A larger draw contains the samples of
a smaller one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from workflow_lib import seeds
from workflow_lib.datasets.labels import SHOWN, composed
from workflow_lib.datasets.split import Labelled, Labels, Rows, Strings
from workflow_lib.errors import Problem, UserError, listed, write_nearest

Samples = TypeVar("Samples", bound=Labelled)


def select(samples: Samples, spec: Mapping[str, Any], name: str) -> Samples:
    """Apply `superclasses`, `classes` and `subsample` of a data set's spec to its split `name`.

    Superclasses are numbered in alphabetical order, a class subset in the order of its list.
    `subsample[name]` is the largest number of samples per class.

    Raises:
        UserError: the spec names a class that the samples do not have, or two classes differ only in their Unicode
            form.
    """
    samples = replace(samples, class_names=tuple(composed(samples.class_names, samples.origin)))
    if spec.get("superclasses"):
        groups = {group: spec["superclasses"][group] for group in sorted(spec["superclasses"])}
        samples = regroup(samples, groups, "superclasses")
    if spec.get("classes"):
        samples = regroup(samples, {member: [member] for member in spec["classes"]}, "classes")
    subsample = spec.get("subsample") or {name: None}
    if name not in subsample:
        where, allowed = f"{samples.source}: subsample", f"the samples of this source are the split {name}"
        raise UserError(Problem(where, "", allowed, f"write subsample: {{{name}: COUNT}}"))
    if subsample[name] is not None:
        samples = samples.take(subsample_rows(samples.labels, samples.ids, subsample[name], seed=subsample["seed"]))
    return samples


def regroup(samples: Samples, groups: Mapping[str, Sequence[str]], key: str) -> Samples:
    """The samples of the classes in `groups`; the new labels are the groups, in the order of the mapping.

    Raises:
        UserError: a name is not a class of the samples; the error names the setting `key`.
    """
    members = [member for group in groups.values() for member in group]
    unknown = [member for member in members if member not in samples.class_names]
    if unknown:
        raise UserError(*(_not_a_class(member, samples, key) for member in unknown))
    new_label = np.full(len(samples.class_names), -1, dtype=np.int64)
    for label, group in enumerate(groups.values()):
        new_label[[samples.class_names.index(member) for member in group]] = label
    kept = np.flatnonzero(new_label[samples.labels] >= 0)
    return samples.take(kept).renumber(new_label, tuple(groups))


def _not_a_class(name: str, samples: Labelled, key: str) -> Problem:
    return Problem(
        f"{samples.source}: {key}",
        name,
        f"the classes are {listed(samples.class_names, SHOWN)}",
        write_nearest(name, samples.class_names, "name one of these classes"),
    )


def subsample_rows(labels: Labels, ids: Strings, per_class: int, *, seed: int) -> Rows:
    """Ascending rows of at most `per_class` samples of each class; the draw depends on seed and ids."""
    wanted = np.full(int(labels.max(initial=-1)) + 1, per_class)
    return np.flatnonzero(_first_of_each(labels, _ranks(ids, "subsample", seed), wanted))


def split_rows(labels: Labels, ids: Strings, test_fraction: float, *, seed: int) -> tuple[Rows, Rows]:
    """Ascending rows (train, test); the test part has `test_fraction` of each class, rounded to a whole number.

    A class of two or more samples has at least one in each part.
    """
    sizes = np.bincount(labels)
    wanted = np.clip(np.floor(test_fraction * sizes + 0.5).astype(np.int64), 1, np.maximum(sizes - 1, 0))
    in_test = _first_of_each(labels, _ranks(ids, "test", seed), wanted)
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)


def train_and_test(split: Samples, spec: Mapping[str, Any]) -> dict[str, Samples]:
    """A split divided by `test_fraction` and `split_seed` of its spec, with the same share of each class.

    With a fraction of 1 all samples are in the test split.
    """
    if spec["test_fraction"] == 1:
        return {"train": split.take(np.arange(0)), "test": split}
    train, test = split_rows(split.labels, split.ids, spec["test_fraction"], seed=spec["split_seed"])
    return {"train": split.take(train), "test": split.take(test)}


def _ranks(ids: Strings, *names: object) -> NDArray[np.int64]:
    """A number for each sample, derived from its id; samples are drawn in the order of these numbers."""
    return np.array([seeds.derive(*names, identity) for identity in ids], dtype=np.int64)


def _first_of_each(labels: Labels, ranks: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mask of the `wanted[c]` samples with the lowest ranks in each class c."""
    order = np.lexsort((ranks, labels))
    starts = np.searchsorted(labels[order], np.arange(len(wanted)))
    place = np.arange(len(labels)) - starts[labels[order]]
    chosen = np.empty(len(labels), dtype=np.bool_)
    chosen[order] = place < wanted[labels[order]]
    return chosen
