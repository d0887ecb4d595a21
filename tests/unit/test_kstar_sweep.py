import numpy as np
import pytest
import torch
from kstar_cases import METRICS, brute_force, brute_force_pieces, cases

from workflow_lib.errors import UserError
from workflow_lib.kstar import neighbourhood
from workflow_lib.kstar.accelerator import sweep_on
from workflow_lib.kstar.inputs import check
from workflow_lib.kstar.pieces import numbered
from workflow_lib.kstar.rows import rows_of
from workflow_lib.kstar.sweep import available_threads, block_edges, sweep, tiles_of

CASES = cases()
HARD = ("quantised", "clusters", "duplicates", "many classes", "one ulp")


def agree(found, features, labels, metric, order):
    nearest, nearer, parent = found
    kappa, foreign = brute_force(features, labels, metric)
    np.testing.assert_array_equal(nearer + 1, kappa[order])
    np.testing.assert_array_equal(nearest.row, foreign[order])
    ends = np.searchsorted(np.sort(labels), np.sort(labels), side="right")
    np.testing.assert_array_equal(numbered(parent, order, ends), brute_force_pieces(features, labels, metric))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize(("tile", "threads"), [(16, 4), (33, 2), (1024, 1)])
def test_blocks_and_threads_change_nothing(name, metric, tile, threads):
    features, labels = CASES[name]
    samples = check(features, labels, metric)
    found = sweep(rows_of(samples, metric), samples.starts, threads=threads, tile=tile)
    agree(found, features, labels, metric, samples.order)


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_without_a_gpu_cuda_is_a_user_error():
    with pytest.raises(UserError, match="cuda"):
        neighbourhood(*CASES["normal"], device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", CASES)
def test_cuda_gives_the_same(name, metric):
    features, labels = CASES[name]
    kappa, foreign = brute_force(features, labels, metric)
    found = neighbourhood(features, labels, metric, device="cuda")
    np.testing.assert_array_equal(found.kappa, kappa)
    np.testing.assert_array_equal(found.nearest_foreign, foreign)
    np.testing.assert_array_equal(found.piece, brute_force_pieces(features, labels, metric))


@pytest.mark.parametrize("device", ["cpu", "torch"])
def test_progress_counts_up_to_the_total(device):
    features, labels = CASES["normal"]
    samples = check(features, labels, "euclidean")
    rows = rows_of(samples, "euclidean")
    calls = []
    if device == "cpu":
        sweep(rows, samples.starts, threads=2, tile=32, progress=lambda done, total: calls.append((done, total)))
    else:
        sweep_on("cpu", rows, samples.starts, tile=32, progress=lambda done, total: calls.append((done, total)))
    done, totals = zip(*calls, strict=True)
    assert len(calls) > 4
    assert done == tuple(range(1, totals[0] + 1))
    assert set(totals) == {totals[0]}


@pytest.mark.parametrize(
    ("sizes", "edges"),
    [
        ([3, 3, 3], [0, 9]),
        ([20], [0, 10, 20]),
        ([25, 1], [0, 8, 16, 25, 26]),
        ([4, 4, 4, 30], [0, 8, 12, 22, 32, 42]),
        ([1] * 12, [0, 10, 12]),
    ],
)
def test_blocks_by_hand(sizes, edges):
    assert block_edges(np.cumsum([0, *sizes]), 10) == edges


def test_blocks_cover_everything_and_cut_no_class_that_fits():
    rng = np.random.default_rng(0)
    for _ in range(200):
        starts = np.cumsum([0, *rng.integers(1, 40, rng.integers(1, 30))])
        tile = int(rng.integers(1, 50))
        edges = np.array(block_edges(starts, tile))
        assert edges[0] == 0
        assert edges[-1] == starts[-1]
        assert np.all((np.diff(edges) > 0) & (np.diff(edges) <= tile))
        small = np.diff(starts) <= tile
        cut = np.searchsorted(edges, starts[:-1], side="right") != np.searchsorted(edges, starts[1:], side="left")
        assert not np.any(small & cut)


def test_only_tiles_on_the_diagonal_hold_foreign_pairs_and_pairs_of_one_class():
    rng = np.random.default_rng(0)
    for _ in range(100):
        sizes = rng.integers(1, 40, rng.integers(2, 12))
        starts, label = np.cumsum([0, *sizes]), np.repeat(np.arange(len(sizes)), sizes)
        edges = block_edges(starts, int(rng.integers(1, 50)))
        foreign, same = tiles_of(edges, np.repeat(starts[1:], sizes))
        for i in range(len(edges) - 1):
            for j in range(i, len(edges) - 1):
                alike = label[edges[i] : edges[i + 1], None] == label[edges[j] : edges[j + 1]]
                assert ((i, j) in foreign, (i, j) in same) == (not alike.all(), alike.any())
                assert i == j or alike.all() or not alike.any()


@pytest.mark.parametrize(("value", "threads"), [("3", 3), ("1", 1)])
def test_threads_come_from_the_environment(monkeypatch, value, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert available_threads() == threads


@pytest.mark.parametrize("value", ["", "0", "many"])
def test_else_from_the_machine(monkeypatch, value):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    expected = available_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert available_threads() == expected >= 1
