import inspect
import pydoc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from kstar_cases import METRICS, brute_force, brute_force_pieces, cases
from scipy.spatial.distance import cdist

import workflow_lib.kstar
from workflow_lib.kstar import bounds, kstar, neighbourhood, summarize
from workflow_lib.kstar.metrics import METRICS as DISTANCES
from workflow_lib.kstar.metrics import SCORES

CASES = cases()
LINE = np.array([0.0, 1, 3, 10, 4, 11, 12])[:, None]
LINE_LABELS = np.array(["a", "a", "a", "a", "b", "b", "b"])


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "chebyshev"])
def test_by_hand_on_a_line(metric):
    # 11 has 10 (foreign) and 12 (own) at the same distance: the foreign one counts as nearer.
    found = neighbourhood(LINE, LINE_LABELS, metric)
    assert found.kappa.tolist() == [3, 3, 1, 1, 1, 1, 2]
    assert found.nearest_foreign.tolist() == [4, 4, 4, 5, 2, 3, 3]
    assert found.nearest_foreign_distance.tolist() == [4, 3, 1, 1, 1, 1, 2]
    assert found.kappa.dtype == found.nearest_foreign.dtype == np.int64
    assert found.kstar.tolist() == [3 / 4, 3 / 4, 1 / 4, 1 / 4, 1 / 3, 1 / 3, 2 / 3]
    np.testing.assert_array_equal(kstar(LINE, LINE_LABELS, metric), found.kstar)


def test_cosine_by_hand_knows_directions_only():
    degrees = np.radians([0, 10, 30, 45, 200])
    length = np.array([1, 50, 0.2, 7, 3])
    features = length[:, None] * np.stack([np.cos(degrees), np.sin(degrees)], axis=1)
    found = neighbourhood(features, [0, 0, 0, 1, 1], "cosine")
    assert found.kappa.tolist() == [3, 3, 1, 1, 2]
    assert found.nearest_foreign.tolist() == [3, 3, 3, 2, 0]
    expected = 1 - np.cos(np.radians([45, 35, 15, 15, 160]))
    np.testing.assert_allclose(found.nearest_foreign_distance, expected, rtol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", CASES)
def test_equals_brute_force(name, metric):
    features, labels = CASES[name]
    kappa, foreign = brute_force(features, labels, metric)
    found = neighbourhood(features, labels, metric)
    np.testing.assert_array_equal(found.kappa, kappa)
    np.testing.assert_array_equal(found.nearest_foreign, foreign)
    np.testing.assert_array_equal(found.piece, brute_force_pieces(features, labels, metric))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", ["normal", "huge", "tiny", "offset 1e3", "float64"])
def test_distance_is_in_the_units_of_the_features(name, metric):
    features, labels = CASES[name]
    found = neighbourhood(features, labels, metric)
    reference = cdist(features.astype(float), features.astype(float), metric)
    expected = reference[np.arange(len(labels)), found.nearest_foreign]
    # scipy takes cosine as 1 - x.y, which loses what the direct difference keeps.
    np.testing.assert_allclose(found.nearest_foreign_distance, expected, rtol=1e-7 if metric == "cosine" else 1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_without_the_error_bound_near_ties_go_wrong(metric, monkeypatch):
    monkeypatch.setattr(bounds, "error_of", lambda width, kind: (0.0, 0.0))
    features, labels = CASES["dust on few values"]
    assert np.any(neighbourhood(features, labels, metric).kappa != brute_force(features, labels, metric)[0])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", ["normal", "dust on few values", "duplicates", "many classes"])
def test_without_scores_every_pair_is_decided_in_float64(name, metric, monkeypatch):
    monkeypatch.delitem(SCORES, DISTANCES[metric].kind)
    features, labels = CASES[name]
    kappa, foreign = brute_force(features, labels, metric)
    for device in ("cpu", "cuda"):  # without scores there is nothing that a GPU could do
        found = neighbourhood(features, labels, metric, device=device)
        np.testing.assert_array_equal(found.kappa, kappa)
        np.testing.assert_array_equal(found.nearest_foreign, foreign)


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.float32, st.tuples(st.integers(2, 24), st.integers(1, 5)), elements=st.integers(-3, 3).map(float)),
    st.sampled_from(METRICS[:3]),
    st.integers(2, 4),
)
def test_small_integers_are_full_of_ties(features, metric, classes):
    labels = np.arange(len(features)) % classes
    kappa, foreign = brute_force(features, labels, metric)
    found = neighbourhood(features, labels, metric)
    np.testing.assert_array_equal(found.kappa, kappa)
    np.testing.assert_array_equal(found.nearest_foreign, foreign)
    np.testing.assert_array_equal(found.piece, brute_force_pieces(features, labels, metric))


@pytest.mark.parametrize("metric", METRICS)
def test_permuting_samples_permutes_results(metric):
    features, labels = CASES["quantised"]
    order = np.random.default_rng(0).permutation(len(labels))
    np.testing.assert_array_equal(kstar(features[order], labels[order], metric), kstar(features, labels, metric)[order])


def test_names_of_classes_do_not_matter():
    features, labels = CASES["normal"]
    names = np.array(["zebra", "ant", "Mole", "élan"])
    expected = kstar(features, labels)
    np.testing.assert_array_equal(kstar(features, names[labels]), expected)
    np.testing.assert_array_equal(kstar(features, 10**12 - 5 * labels), expected)
    np.testing.assert_array_equal(kstar(features.tolist(), names[labels].tolist()), expected)


def test_an_offset_changes_nothing_that_the_numbers_can_hold():
    features = np.random.default_rng(0).integers(-64, 64, (150, 12)).astype(np.float32)
    labels = np.arange(150) % 3
    np.testing.assert_array_equal(kstar(features + np.float32(2**20), labels), kstar(features, labels))


@pytest.mark.parametrize("metric", METRICS)
def test_a_duplicate_in_another_class_gives_one(metric):
    features = np.repeat(np.random.default_rng(0).standard_normal((30, 8), dtype=np.float32), 2, axis=0)
    found = neighbourhood(features, np.tile([0, 1], 30), metric)
    assert found.kappa.tolist() == [1] * 60
    assert found.nearest_foreign_distance.tolist() == [0] * 60
    np.testing.assert_array_equal(found.nearest_foreign, np.arange(60) ^ 1)


@pytest.mark.parametrize("metric", METRICS)
def test_identical_samples_of_a_class_do_not_count_themselves(metric):
    features = np.repeat([[1.0, 0.0], [0.0, 1.0]], [5, 3], axis=0)
    found = neighbourhood(features, [0] * 5 + [1] * 3, metric)
    assert found.kappa.tolist() == [5] * 5 + [3] * 3
    assert found.nearest_foreign.tolist() == [5] * 5 + [0] * 3


def test_apart_is_the_class_size_and_shuffled_is_near_the_floor():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 50)
    features = rng.standard_normal((200, 16)) + 100 * np.eye(4, 16)[labels]
    assert np.all(kstar(features, labels) == 1)
    assert np.mean(kstar(features, rng.permutation(labels))) < 2.5 / 50


def test_input_is_left_alone_and_any_memory_layout_will_do():
    features, labels = CASES["normal"]
    before = features.copy()
    expected = kstar(features, labels)
    np.testing.assert_array_equal(features, before)
    np.testing.assert_array_equal(kstar(np.asfortranarray(features), labels), expected)
    np.testing.assert_array_equal(kstar(np.repeat(features, 2, axis=1)[:, ::2], labels), expected)
    before.setflags(write=False)
    np.testing.assert_array_equal(kstar(before, labels), expected)


@pytest.mark.parametrize("function", [kstar, neighbourhood, summarize])
def test_help_shows_short_signatures(function):
    assert "npt.ArrayLike" in str(inspect.signature(function))
    assert "Buffer" not in str(inspect.signature(function))
    assert function.__name__ in pydoc.plain(pydoc.render_doc(workflow_lib.kstar))


def test_a_module_is_imported_only_by_what_needs_it():
    script = (
        "import sys, workflow_lib.kstar as k; heavy = {'torch', 'numba', 'pandas', 'scipy.stats', 'sklearn'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "k.kstar; late = {'torch', 'pandas', 'scipy.stats', 'sklearn'}; assert not late & set(sys.modules);"
        "assert 'workflow_lib.kstar.summary' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_benchmark_finds_every_rank_right():
    command = [sys.executable, "-m", "bench.bench_kstar", "--tiny"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    ours = [line for line in done.stdout.splitlines() if line.startswith("| **k")]
    assert len(ours) == len(METRICS)
    assert all(line.endswith("| 0 of 60 |") for line in ours), done.stdout
