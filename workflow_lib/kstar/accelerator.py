"""Both passes of k* on a GPU, through torch: tiles of lower bounds, and open pairs in float64, all on the device.

As on the CPU, only the upper triangle of pairs is computed, and each tile serves both sides. The search takes the
fastest products, because few pairs stay open whatever their error. The count takes float64 where the card is fast at
it, so that only true ties stay open.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise

import numpy as np
import torch

from workflow_lib.errors import Problem, UserError
from workflow_lib.kstar.blocks import BLOCK
from workflow_lib.kstar.device_passes import Count, Search
from workflow_lib.kstar.device_rows import DeviceRows
from workflow_lib.kstar.lower_bounds import FLOAT32, FLOAT64, TF32, LowerBounds, Precision, Side
from workflow_lib.kstar.metrics import SCORES
from workflow_lib.kstar.pairs import Rows
from workflow_lib.kstar.pieces import join_all
from workflow_lib.kstar.sweep import Steps, Swept, block_edges, close_duplicates, tiles_of, unknown
from workflow_lib.progress import Progress

TILE = 32_768
"""Most rows per side of a tile."""
COUNT_TILE = 8192
"""The same where the tile itself is made."""
SMALL_TILE = 4096
"""Rows per side in the count, if the classes are smaller."""
MOST_OPEN = 2**24
"""Rows and blocks that may wait for their decision in the search; fewer if the memory is small."""
MOST_BLOCKS = 2**16
"""Blocks that may wait in the count: `torch.nonzero` takes at most 2**31 - 1 pairs. Fewer if the memory is small."""
BYTES_OF_PAIR = 64
"""What a pair of a tile takes: its bound, and comparisons and labels made of it."""
FULL_RATE = ((6, 0), (7, 0), (8, 0), (9, 0), (10, 0))
"""Compute capabilities whose float64 products are at least half as fast as those in float32."""
TRUNCATED = (8, 9, 10)
"""Generations whose TF32 products were found to keep at least 24 bits of the largest summand."""


def sweep_on(
    device: str,
    rows: Rows,
    starts: np.ndarray,
    *,
    progress: Progress | None = None,
    memory: int | None = None,
    tile: int = TILE,
    precisions: tuple[Precision, Precision] | None = None,
) -> Swept:
    """Compute the same as `sweep.sweep` on `device` ("cuda", "cuda:1"; "cpu" for tests).

    Args:
        device: where the tiles are made.
        rows: the rows to compare, from at least two classes; their kind has scores.
        starts: (C + 1,) int64, position where each class begins, and N.
        progress: called with the number of finished tiles and of all tiles.
        memory: bytes to use on the device; None takes four fifths of what is free. Features that need more than half of
            it stay in host memory.
        tile: most rows per side of a tile; less if the memory is small.
        precisions: of the products of the search and of the count; None chooses by the card.

    Raises:
        UserError: there is no such device.
    """
    _check(device)
    memory = memory or _free_memory(device)
    on_device = DeviceRows(device, rows, memory)
    for_search, for_count = precisions or _precisions(device, rows)
    largest = int(np.diff(starts).max())
    search_edges = block_edges(starts, _side(tile, on_device.width, memory, whole=not on_device.kernels))
    count_edges = block_edges(starts, _side(min(tile, COUNT_TILE, max(largest, SMALL_TILE)), on_device.width, memory))
    foreign, same = tiles_of(search_edges, rows.class_end)[0], tiles_of(count_edges, rows.class_end)[1]
    steps = Steps(len(foreign) + len(same), progress)
    capacity = min(memory // 512, MOST_OPEN)
    with torch.inference_mode(), products_of(for_search, on_device.device):
        search = Search(LowerBounds(on_device, for_search), _spans(search_edges), capacity)
        _each(foreign, search.bounds, search.spans, search.tile, steps)
        search.open.decide()
    with torch.inference_mode(), products_of(for_count, on_device.device):
        count = Count(LowerBounds(on_device, for_count), search.distance, min(memory // (16 * BLOCK**2), MOST_BLOCKS))
        _each(same, count.bounds, _spans(count_edges), count.tile, steps)
        count.open.decide()
    found = unknown(on_device.count)
    found.nearest.distance[:] = search.distance.cpu().numpy()
    found.nearest.row[:] = search.row.cpu().numpy()
    found.nearest.limit[:] = found.nearest.distance
    close_duplicates(found.nearest)
    found.nearer[:] = count.nearer.cpu().numpy()
    join_all(found.parent, *(torch.cat(part).cpu().numpy() for part in zip(*count.joined, strict=True)))
    return found


def _check(device: str) -> None:
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        allowed = "torch finds no CUDA device on this machine"
        raise UserError(Problem("device", device, allowed, "Choose cpu, or run where there is a GPU"))


def _free_memory(device: str) -> int:
    """Bytes to use: of a GPU four fifths of what is free or kept by torch for reuse."""
    if torch.device(device).type != "cuda":
        return 2**30
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return (torch.cuda.mem_get_info(device)[0] + kept) * 4 // 5


def _side(largest: int, width: int, memory: int, *, whole: bool = True) -> int:
    """Rows per side such that a `whole` tile and the float64 rows of its sides take at most a quarter of the memory."""
    side = largest
    while side > 16 and side * (side * BYTES_OF_PAIR * whole + width * 64) > memory // 4:
        side //= 2
    return side


def _spans(edges: list[int]) -> list[slice]:
    return [slice(first, end) for first, end in pairwise(edges)]


def _precisions(device: str, rows: Rows) -> tuple[Precision, Precision]:
    """Precisions of the search and the count, by the compute capability of the card and not by measuring."""
    if not SCORES[rows.kind].product:
        return FLOAT32, FLOAT32
    if torch.device(device).type != "cuda" or torch.version.cuda is None:
        return FLOAT32, FLOAT64
    capability = torch.cuda.get_device_capability(device)
    narrow = rows.features.shape[1] <= 2**17  # beyond, the worst case of truncated sums says nothing
    return TF32 if capability[0] in TRUNCATED and narrow else FLOAT32, FLOAT64 if capability in FULL_RATE else FLOAT32


def _each(
    tiles: list[tuple[int, int]],
    bounds: LowerBounds,
    spans: list[slice],
    consider: Callable[[Side, Side], None],
    steps: Steps,
) -> None:
    """Call consider(rows, columns) for each tile, a pair of numbers of spans."""
    for i, tiles_of_row in groupby(tiles, key=lambda tile: tile[0]):
        left = bounds.side(spans[i])
        for _, j in tiles_of_row:
            consider(left, left if i == j else bounds.side(spans[j]))
            steps.advance()


@contextmanager
def products_of(precision: Precision, device: torch.device) -> Iterator[None]:
    """Let a GPU use TF32 exactly where the bounds allow for it. On a CPU "high" could mean bfloat16, so never there."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision.tf32 and device.type == "cuda" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
