import functools
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from kstar_cases import METRICS, brute_force, brute_force_pieces, cases
from scipy.sparse.csgraph import connected_components

from workflow_lib.kstar import accelerator, device_rows
from workflow_lib.kstar.accelerator import sweep_on
from workflow_lib.kstar.components import components
from workflow_lib.kstar.device_rows import DeviceRows
from workflow_lib.kstar.inputs import check
from workflow_lib.kstar.lower_bounds import FLOAT32, FLOAT64, TF32, LowerBounds, round_to_tf32
from workflow_lib.kstar.metrics import SCORES
from workflow_lib.kstar.pairs import distance_between
from workflow_lib.kstar.pieces import numbered
from workflow_lib.kstar.rows import rows_of
from workflow_lib.kstar.sweep import sweep

CASES = cases()
HARD = ("quantised", "closer than tf32", "duplicates", "many classes", "one ulp")
LARGE, TINY = 2**30, 5_000
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def rows_and_starts(name, metric):
    samples = check(*CASES[name], metric)
    return rows_of(samples, metric), samples.starts


def same(found, expected, rows):
    for mine, other in zip(found.nearest, expected.nearest, strict=True):
        np.testing.assert_array_equal(mine, other)
    np.testing.assert_array_equal(found.nearer, expected.nearer)
    pieces = [numbered(swept.parent, rows.order, rows.class_end) for swept in (found, expected)]
    np.testing.assert_array_equal(*pieces)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", CASES)
def test_equals_the_sweep_of_the_cpu(name, metric):
    rows, starts = rows_and_starts(name, metric)
    precisions = (TF32, FLOAT64) if SCORES[rows.kind].product else None
    found = sweep_on("cpu", rows, starts, tile=48, precisions=precisions)
    same(found, sweep(rows, starts, threads=1), rows)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("tile", [16, 33, 1024])
@pytest.mark.parametrize("precisions", [(TF32, TF32), (FLOAT32, FLOAT32), (FLOAT64, FLOAT64)])
def test_precision_and_blocks_change_nothing(name, metric, tile, precisions):
    rows, starts = rows_and_starts(name, metric)
    found = sweep_on("cpu", rows, starts, tile=tile, precisions=precisions)
    features, labels = CASES[name]
    kappa, foreign = brute_force(features, labels, metric)
    np.testing.assert_array_equal(found.nearer + 1, kappa[rows.order])
    np.testing.assert_array_equal(found.nearest.row, foreign[rows.order])
    piece = numbered(found.parent, rows.order, rows.class_end)
    np.testing.assert_array_equal(piece, brute_force_pieces(features, labels, metric))


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_without_the_error_bound_near_ties_go_wrong(metric, monkeypatch):
    monkeypatch.setattr(LowerBounds, "_error", lambda *_: (0.0, 0.0))
    rows, starts = rows_and_starts("closer than tf32", metric)
    found = sweep_on("cpu", rows, starts, precisions=(TF32, TF32))
    assert np.any(found.nearer + 1 != brute_force(*CASES["closer than tf32"], metric)[0][rows.order])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", HARD)
def test_little_memory_streams_the_rows_and_changes_nothing(name, metric):
    rows, starts = rows_and_starts(name, metric)
    assert rows.features.nbytes > TINY // 2
    moved = []
    at = DeviceRows.at

    def watched(self, positions):
        moved.append(len(positions))
        return at(self, positions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DeviceRows, "at", watched)
        found = sweep_on("cpu", rows, starts, memory=TINY)
    assert max(moved) <= 16 < len(rows.order)
    same(found, sweep(rows, starts, threads=1), rows)


@pytest.mark.parametrize(
    ("width", "memory", "side"),
    [(512, 2**36, 4096), (512, 2**32, 2048), (2048, 2**36, 4096), (10**6, 2**30, 4), (8, 0, 4)],
)
def test_blocks_fit_into_the_memory(width, memory, side):
    found = accelerator._side(4096, width, memory)
    assert found == max(side, 16)
    assert found == 16 or found * (found * accelerator.BYTES_OF_PAIR + width * 64) <= memory // 4


@functools.cache
def true_distances(name, metric):
    rows, _ = rows_and_starts(name, metric)
    count = range(len(rows.order))
    return np.array([[distance_between(rows, i, j) for j in count] for i in count])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("device", DEVICES)
def test_distances_are_those_of_the_cpu_bit_for_bit(device, name, metric):
    rows, _ = rows_and_starts(name, metric)
    count = len(rows.order)
    i, j = torch.from_numpy(np.indices((count, count)).reshape(2, -1)).to(device)
    found = DeviceRows(device, rows, LARGE).distances(i, j)
    np.testing.assert_array_equal(found.cpu().numpy().reshape(count, count), true_distances(name, metric))


class Card:
    """A device that copies as late as it may: a buffer is read when someone waits for the event behind it."""

    def __init__(self, shape):
        self.memory, self.due = np.full(shape, np.nan, np.float32), []

    def __getitem__(self, rows):
        return SimpleNamespace(copy_=lambda buffer, non_blocking: self.due.append((rows, buffer)))

    def finish(self):
        for rows, buffer in self.due:
            self.memory[rows] = buffer
        self.due = []


class Sent:
    """An event of a card."""

    def __init__(self, card):
        self.card, self.recorded = card, False

    def record(self):
        self.recorded = True

    def synchronize(self):
        if self.recorded:  # before, there is nothing to wait for
            self.card.finish()


@pytest.mark.parametrize(("count", "size"), [(7, 3), (6, 3), (2, 3), (9, 1), (1, 1)])
def test_a_buffer_is_filled_again_only_when_it_was_sent(count, size):
    source = torch.arange(4.0 * count).reshape(count, 4)
    card, buffers = Card((count, 4)), [torch.empty(size, 4) for _ in range(2)]
    device_rows.copy_through(buffers, [Sent(card), Sent(card)], source, card)
    card.finish()
    np.testing.assert_array_equal(card.memory, source)


def test_the_card_of_this_test_notices_a_buffer_filled_too_early():
    source = torch.arange(28.0).reshape(7, 4)
    card, never = Card((7, 4)), SimpleNamespace(record=lambda: None, synchronize=lambda: None)
    device_rows.copy_through([torch.empty(3, 4)], [never], source, card)
    card.finish()
    assert not np.array_equal(card.memory, source)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU: page-locked buffers are those of CUDA")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_features_reach_the_gpu_unchanged(dtype, monkeypatch):
    monkeypatch.setattr(device_rows, "BUFFER_BYTES", 4096)
    features = torch.from_numpy(np.random.default_rng(0).standard_normal((1001, 33)).astype(dtype))
    assert torch.equal(device_rows._moved(features, torch.device("cuda")).cpu(), features)


def bounds_of(name, metric, precision, product=None, device="cpu"):
    """Lower bounds, float64 distances and upper bounds of all pairs."""
    rows, _ = rows_and_starts(name, metric)
    count = len(rows.order)
    bounds = LowerBounds(DeviceRows(device, rows, LARGE), precision)
    block = bounds.side(slice(0, count))
    if product is None:
        with accelerator.products_of(precision, torch.device(device)):
            low = bounds.tile(block, block).double().cpu().numpy()
    else:
        low = product((bounds.low[:, None] + bounds.low).numpy(), block.values[:count].numpy())
    gap = bounds.gap.cpu().numpy()
    return low, true_distances(name, metric), low + (gap[:, None] + gap)


def truncated(base, values, block=8):
    """Products as on tensor cores: of each block of summands, only bits down to 2**-23 of the largest are added."""
    total = base.astype(np.float64)
    for first in range(0, values.shape[1], block):
        part = values[:, first : first + block].astype(np.float64)
        terms = np.concatenate([total[None], -np.einsum("if,jf->fij", part, part)])
        with np.errstate(divide="ignore"):
            unit = np.exp2(np.floor(np.log2(np.abs(terms).max(0))) - 23)
        kept = np.trunc(terms / np.where(unit > 0, unit, 1)) * unit
        total = kept.sum(0)
        lost = np.exp2(np.floor(np.log2(np.maximum(np.abs(total), 2.0**-140))) - 23)
        total = np.trunc(total / lost) * lost
    return total


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("device", DEVICES)
def test_every_distance_lies_between_its_bounds(device, name, metric):
    precisions = (TF32, FLOAT32, FLOAT64) if metric in ("euclidean", "cosine") else (FLOAT32,)
    for precision in precisions:
        low, true, high = bounds_of(name, metric, precision, device=device)
        assert np.all((low <= true) & (true <= high)), precision


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize(
    "name", ["normal", "offset 1e6", "scales by sample", "closer than tf32", "one ulp", "near the overflow"]
)
def test_bounds_hold_for_truncated_sums(name, metric):
    low, true, high = bounds_of(name, metric, TF32, truncated)
    assert np.all((low <= true) & (true <= high))


@pytest.mark.parametrize("precision", [TF32, FLOAT32, FLOAT64])
def test_without_the_error_they_would_not_hold(precision, monkeypatch):
    monkeypatch.setattr(LowerBounds, "_error", lambda *_: (0.0, 0.0))
    low, true, high = bounds_of("normal", "euclidean", precision)
    assert not np.all((low <= true) & (true <= high))


def test_sums_that_truncation_hurts_most_stay_within_the_bound():
    # After the first product, 1, every one is just too small to be added, and truncation loses all of it.
    width = 1024
    first = np.full(width, 2.0**-12)
    first[0] = 1.0
    exact, lossy = 1 + (width - 1) * 2.0**-24, truncated(np.zeros((1, 1)), first[None].astype(np.float32))[0, 0]
    lost = exact + lossy  # `truncated` subtracts
    unit = 2.0**-24
    assert lost > 0.9 * width * unit
    assert lost < TF32.loss * (width + 8) * 2 * unit


def test_tf32_has_ten_bits_and_ties_go_to_even():
    one, last = 1.0, 2.0**-10
    given = torch.tensor(
        [one + last / 2, one + last * 1.5, one + last / 2 + 2**-23, one + last, 0.0, 2.0**-149, 1.999999]
    )
    expected = torch.tensor([one, one + 2 * last, one + last, one + last, 0.0, 0.0, 2.0])
    assert torch.equal(round_to_tf32(given), expected)
    assert torch.equal(round_to_tf32(-given), -expected)


def test_tf32_is_the_nearest_number_of_its_kind():
    given = torch.randn(10_000, generator=torch.Generator().manual_seed(0)) * torch.logspace(-30, 30, 10_000)
    found = round_to_tf32(given)
    assert torch.all(found.view(torch.int32) & 0x1FFF == 0)
    assert torch.all((found.double() - given.double()).abs() <= 2.0**-11 * given.double().abs())


def test_few_pairs_are_left_to_float64(monkeypatch):
    decided = []
    distances = DeviceRows.distances
    monkeypatch.setattr(DeviceRows, "distances", lambda self, i, j: decided.append(len(i)) or distances(self, i, j))
    rows, starts = rows_and_starts("normal", "euclidean")
    sweep_on("cpu", rows, starts, precisions=(TF32, FLOAT64))
    assert len(rows.order) <= sum(decided) < 2 * len(rows.order)  # of 12,720 pairs
    decided.clear()
    monkeypatch.setattr(LowerBounds, "_error", lambda *_: (0.1, 0.0))
    sweep_on("cpu", rows, starts, precisions=(TF32, FLOAT64))
    assert sum(decided) > 20 * len(rows.order)


def graphs():
    rng = np.random.default_rng(0)
    path = np.zeros((200, 200), bool)
    order = rng.permutation(200)
    path[order[:-1], order[1:]] = True
    return {"none": np.zeros((9, 9), bool), "path": path} | {
        f"{share}": rng.random((90, 90)) < share for share in (0.002, 0.01, 0.1, 1)
    }


@pytest.mark.parametrize("name", graphs())
def test_components_are_those_of_scipy(name):
    graph = graphs()[name]
    count, side = len(graph), 32
    _, expected = connected_components(graph, directed=False)
    smallest = np.array([np.flatnonzero(expected == one)[0] for one in expected])
    filled = np.pad(graph, (0, -count % side))
    row, column = (part.flatten() * side for part in np.indices([len(filled) // side] * 2))
    joined = np.stack([filled[i : i + side, j : j + side] for i, j in zip(row, column, strict=True)])
    found = components(*map(torch.from_numpy, (row, column, joined)), count)
    np.testing.assert_array_equal(found.numpy(), smallest)


def test_tf32_only_on_a_gpu_and_only_where_the_bounds_allow_for_it(monkeypatch):
    chosen = []
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "medium")
    monkeypatch.setattr(torch, "set_float32_matmul_precision", chosen.append)
    rows, starts = rows_and_starts("normal", "euclidean")
    sweep_on("cpu", rows, starts, precisions=(TF32, FLOAT32))
    assert chosen == ["highest", "medium"] * 2
    chosen.clear()
    for precision in (TF32, FLOAT32):
        with accelerator.products_of(precision, torch.device("cuda")):
            pass
    assert chosen == ["high", "medium", "highest", "medium"]


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((9, 0), (TF32, FLOAT64)),
        ((8, 0), (TF32, FLOAT64)),
        ((8, 9), (TF32, FLOAT32)),
        ((7, 0), (FLOAT32, FLOAT64)),
        ((7, 5), (FLOAT32, FLOAT32)),
        ((13, 0), (FLOAT32, FLOAT32)),
    ],
)
def test_precisions_by_card(capability, expected, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert accelerator._precisions("cuda", rows_and_starts("normal", "euclidean")[0]) == expected
    assert accelerator._precisions("cuda", rows_and_starts("normal", "cityblock")[0]) == (FLOAT32, FLOAT32)


def test_memory_that_torch_keeps_for_reuse_is_free(monkeypatch):
    for name, value in {"mem_get_info": (700, 900), "memory_reserved": 150, "memory_allocated": 50}.items():
        monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
    assert accelerator._free_memory("cuda:1") == (700 + 150 - 50) * 4 // 5


def test_kernels_that_do_not_run_are_not_used(monkeypatch, capsys):
    def of_pairs(*_):
        raise RuntimeError("Failed to find C compiler\nand more")

    monkeypatch.setattr("workflow_lib.kstar.kernels", SimpleNamespace(of_pairs=of_pairs), raising=False)
    assert device_rows._kernels.__wrapped__(torch.device("cpu")) is None
    assert capsys.readouterr().err == "k* without kernels, so slower: RuntimeError: Failed to find C compiler\n"


INTERPRETED = """
from kstar_cases import cases
from test_kstar_accelerator import rows_and_starts, same
from workflow_lib.kstar import device_rows, kernels
from workflow_lib.kstar.accelerator import sweep_on
from workflow_lib.kstar.lower_bounds import FLOAT64, TF32
from workflow_lib.kstar.metrics import SCORES
from workflow_lib.kstar.sweep import sweep

made = device_rows.DeviceRows.__init__

def with_kernels(self, *args):
    made(self, *args)
    self.kernels = kernels

device_rows.DeviceRows.__init__ = with_kernels
for name in ("quantised", "many classes"):
    for metric in ("euclidean", "cityblock", "chebyshev"):
        rows, starts = rows_and_starts(name, metric)
        precisions = (TF32, FLOAT64) if SCORES[rows.kind].product else None
        same(sweep_on("cpu", rows, starts, tile=100, precisions=precisions), sweep(rows, starts, threads=1), rows)
"""


@pytest.mark.skipif(
    torch.cuda.is_available(), reason="on a GPU the kernels themselves are tested, by test_kstar_sweep.py"
)
def test_the_kernels_in_tritons_interpreter():
    pytest.importorskip("triton")
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(["tests/unit", "."])}
    subprocess.run([sys.executable, "-c", INTERPRETED], check=True, env=environment, cwd=Path(__file__).parents[2])


def test_the_benchmark_runs_and_finds_nothing_wrong():
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "bench.gpu_kstar", "--tiny"]
    shown = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    lines = [line.strip("| ").split(" | ") for line in shown.splitlines() if " classes | " in line]
    assert [line[1] for line in lines] == [*METRICS, "euclidean"]
    assert {line[-1].split()[0] for line in lines} == {"0"}
