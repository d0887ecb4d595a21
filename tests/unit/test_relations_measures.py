"""Measures of pairs of classes: by hand from small stores and tables, and where they are not defined."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from confusion_cases import study

from workflow_lib.confusion import tables
from workflow_lib.confusion.effects import effect_table
from workflow_lib.confusion.runs import read
from workflow_lib.relations.measures import MEASURES, mean, of_confusion, of_kstar, of_prototypes, shares

NAN = np.nan


def kstar_store(label, foreign, piece, prediction=None):
    """A k* store of classes a, b, c; `foreign` are rows."""
    coords = {"label": ("sample", np.array(label))}
    if prediction is not None:
        coords["prediction"] = ("sample", np.array(prediction))
    variables = {"nearest_foreign": ("sample", np.array(foreign)), "piece": ("sample", np.array(piece))}
    return xr.Dataset(variables, coords, {"class_names": ["a", "b", "c"]})


LABEL, FOREIGN = [0, 0, 0, 0, 1, 1, 2], [4, 4, 5, 6, 0, 0, 3]
PIECE = [0, 0, 0, 1, 0, 0, 0]
"""Of class a, three samples in one piece lie next to b, and a piece of one sample next to c."""


def test_nearest_classes_by_hand():
    names, found = of_kstar([kstar_store(LABEL, FOREIGN, PIECE, [0, 1, 0, -1, 1, 1, 0])])
    assert names == ["a", "b", "c"]
    np.testing.assert_allclose(found["nearest_foreign"], [[0, 3 / 4, 1 / 4], [1, 0, 0], [1, 0, 0]])
    np.testing.assert_allclose(found["nearest_foreign_pieces"], [[0, 1 / 2, 1 / 2], [1, 0, 0], [1, 0, 0]])
    np.testing.assert_allclose(found["predicted"], [[2 / 4, 1 / 4, 0], [0, 1, 0], [1, 0, 0]])


def test_seeds_are_averaged():
    turned = [6, 6, 6, 6, 0, 0, 3]
    _, found = of_kstar([kstar_store(LABEL, foreign, PIECE) for foreign in (FOREIGN, turned)])
    np.testing.assert_allclose(found["nearest_foreign"][0], [0, 3 / 8, 5 / 8])
    assert "predicted" not in found


def test_of_approximate_kstar_samples_without_a_nearest_one_and_pieces_are_left_out():
    foreign = [4, -1, -1, 6, 0, 0, -1]
    _, found = of_kstar([kstar_store(LABEL, foreign, [-1] * 7)])
    np.testing.assert_allclose(found["nearest_foreign"], [[0, 1 / 2, 1 / 2], [1, 0, 0], [NAN, NAN, NAN]])
    assert set(found) == {"nearest_foreign"}


def test_shares_of_a_class_without_samples_are_nan():
    np.testing.assert_array_equal(shares(np.array([0]), np.array([1]), 2), [[0, 1], [NAN, NAN]])


def prototypes(features, steps, converged=None):
    """The stores of a set of prototypes of two classes."""
    dims = ("target", "origin")
    converged = np.ones((2, 2), dtype=bool) if converged is None else np.array(converged)
    variables = {
        "features": ((*dims, "feature"), np.array(features, dtype=np.float32)),
        "steps": (dims, np.array(steps)),
        "converged": (dims, converged),
    }
    store = xr.Dataset(variables, {"target": ["1", "2"], "origin": ["1", "2"]})
    return store.drop_vars("features"), store


RIGHT, UP, DIAGONAL = [1, 0], [0, 1], [1, 1]
PAIRS = pd.DataFrame(
    [("C", "1", "2", 0.4), ("C", "2", "1", 0.4), ("R", "1", "2", 0.1), ("R", "2", "1", 0.1)],
    columns=["tensor", "class_a", "class_b", "mean"],
)


def test_prototypes_by_hand():
    sets = [
        prototypes([[RIGHT, UP], [RIGHT, UP]], [[9, 3], [5, 9]]),  # steps[target, origin]
        prototypes([[RIGHT, UP], [RIGHT, DIAGONAL]], [[9, 4], [7, 9]]),
    ]
    names, found = of_prototypes(sets, PAIRS, unconverged="leave_out")
    assert names == ["1", "2"]
    cosine = (0 + 1 / np.sqrt(2)) / 2
    np.testing.assert_allclose(found["prototype_dissimilarity"], [[0, 1 - cosine], [1 - cosine, 0]])
    assert (found["steps"][0, 1], found["steps"][1, 0]) == (6, 3.5)  # from "1" to "2", and back
    np.testing.assert_array_equal(found["C"], [[NAN, 0.4], [0.4, NAN]])
    np.testing.assert_array_equal(found["R"], [[NAN, 0.1], [0.1, NAN]])
    assert "boundary_share" not in found


@pytest.mark.parametrize(("unconverged", "steps", "apart"), [("leave_out", NAN, NAN), ("keep", 5, 1)])
def test_images_that_did_not_converge_are_left_out_or_kept(unconverged, steps, apart):
    images = prototypes([[RIGHT, UP], [RIGHT, UP]], [[9, 3], [5, 9]], [[False, True], [False, True]])
    _, found = of_prototypes([images], PAIRS, unconverged=unconverged)
    np.testing.assert_array_equal(found["steps"][0, 1], steps)
    np.testing.assert_array_equal(found["prototype_dissimilarity"][0, 1], apart)
    assert found["steps"][1, 0] == 3


def test_boundaries_by_hand():
    columns = ["route", "origin", "target", "converged", "share"]
    columns += ["dissimilarity_to_origin", "dissimilarity_to_target"]
    rows = [
        ("line", "1", "2", True, 0.5, 0.1, 0.3),
        ("line", "1", "2", True, 0.5, 0.2, 0.4),
        ("line", "2", "1", False, 0.5, 0.9, 0.9),
        ("path", "1", "2", True, 0.2, 0.1, 0.3),
        ("path", "2", "1", True, NAN, NAN, NAN),
    ]
    images = prototypes([[RIGHT, UP], [RIGHT, UP]], [[9, 3], [5, 9]])
    boundaries = pd.DataFrame(rows, columns=columns)
    _, found = of_prototypes([images], PAIRS, boundaries, unconverged="leave_out")
    np.testing.assert_allclose(found["boundary_dissimilarity"], [[NAN, 0.25], [NAN, NAN]])
    np.testing.assert_allclose(found["boundary_share"], [[NAN, 0.2], [NAN, NAN]])


def test_confusion_finds_the_effect_that_was_put_in():
    effect = np.zeros((5, 5))
    effect[3, 1] = 0.3  # class "30" is worse where "10" is confused
    runs = read(study(5, 8, effect=effect, names=["00", "10", "20", "30", "40"]))
    pairs, predicted = tables.pair_table(runs), tables.matrix_table(runs)
    names, found = of_confusion(effect_table(runs), pairs, predicted)
    assert names == ["00", "10", "20", "30", "40"]
    off = ~np.eye(5, dtype=bool)
    assert found["effect"][3, 1] == np.nanmax(found["effect"][off]) > 0.2
    assert np.unravel_index(np.nanargmax(np.where(off, found["bits"], NAN)), (5, 5)) == (3, 1)
    np.testing.assert_allclose(found["baseline_predicted"].sum(axis=1), 1)
    own = pairs.set_index("pair").loc["10+30"]
    for a, b in ((1, 3), (3, 1)):
        assert found["accuracy_loss"][a, b] == own["baseline_own"] - own["accuracy_own"]
        assert found["telling_apart"][a, b] == own["telling_apart"]


def test_pairs_that_were_not_confused_are_nan():
    runs = read(study(5, 3, pairs=[(0, 1), (2, 3), (3, 4)]))
    _, found = of_confusion(effect_table(runs), tables.pair_table(runs), tables.matrix_table(runs))
    assert np.isfinite(found["telling_apart"]).sum() == 6
    assert np.isfinite(found["effect"][0]).tolist() == [False, False, True, False, True]  # every other pair has class 3


def test_mean_leaves_out_what_is_not_known():
    found = mean([np.array([[1.0, NAN, NAN]]), np.array([[3.0, 5.0, NAN]])])
    np.testing.assert_array_equal(found, [[2, 5, NAN]])


def test_measures_without_a_direction_are_symmetric():
    runs = read(study(5, 4))
    _, found = of_confusion(effect_table(runs), tables.pair_table(runs), tables.matrix_table(runs))
    for name, matrix in found.items():
        if not MEASURES[name].directed:
            np.testing.assert_array_equal(matrix, matrix.T)
