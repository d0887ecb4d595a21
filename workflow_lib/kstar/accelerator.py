"""Both passes of k* with float32 tiles on a GPU, through torch; undecided pairs are settled in float64 on the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from workflow_lib.errors import Problem, UserError
from workflow_lib.kstar.bounds import stand_in
from workflow_lib.kstar.metrics import SCORES
from workflow_lib.kstar.pairs import Nearest, Rows, count_pairs, search_pairs
from workflow_lib.kstar.pieces import join_mask, join_near
from workflow_lib.kstar.sweep import Steps, Swept, close_duplicates, unknown
from workflow_lib.progress import Progress

TILE = 8192
"""Rows per block: a tile of 256 MB keeps a GPU busy, and several tiles fit into the memory of any GPU."""


def sweep_on(
    device: str, rows: Rows, starts: np.ndarray, *, progress: Progress | None = None, tile: int = TILE
) -> Swept:
    """Compute the same as `sweep.sweep`, with tiles on `device` ("cuda", "cuda:1"; "cpu" for tests)."""
    _check(device)
    scores = _Scores(device, rows)
    count = len(rows.order)
    found = unknown(count)
    nearest = found.nearest
    blocks = [(i, min(i + tile, count)) for i in range(0, count, tile)]
    steps = Steps(2 * len(blocks), progress)
    with torch.inference_mode(), _full_precision():
        for first, end in blocks:
            scores.search(first, end, blocks, nearest)
            steps.advance()
        close_duplicates(nearest)
        limit = torch.from_numpy(nearest.limit).to(device)
        for first, end in blocks:
            scores.count(first, end, blocks, limit, found)
            steps.advance()
    return found


def _check(device: str) -> None:
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        allowed = "torch finds no CUDA device on this machine"
        raise UserError(Problem("device", device, allowed, "Choose cpu, or run where there is a GPU"))


@contextmanager
def _full_precision() -> Iterator[None]:
    """Use true float32 products: with TF32 or bfloat16 the error bound would not hold."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


class _Scores:
    """Tiles of lower and upper bounds on a device.

    Unlike on the CPU, tiles cover the full square of pairs, not a triangle. So each tile serves one side of its pairs,
    and every step is a row-wise reduction.
    """

    def __init__(self, device: str, rows: Rows) -> None:
        values, bounds = stand_in(rows)
        self.rows, self.device = rows, device
        self.values = torch.from_numpy(values).to(device)
        self.low, self.high = (torch.from_numpy(bound).to(device) for bound in bounds)
        self.class_end = torch.from_numpy(rows.class_end).to(device)

    def _bounds(self, first: int, end: int, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        scores = SCORES[self.rows.kind].on_device(self.values[first:end], self.values[start:stop])
        low = (self.low[first:end, None] + self.low[None, start:stop]) - scores
        high = (self.high[first:end, None] + self.high[None, start:stop]) - scores
        return low, high

    def _same(self, first: int, end: int, start: int, stop: int) -> torch.Tensor:
        return self.class_end[first:end, None] == self.class_end[None, start:stop]

    def search(self, first: int, end: int, blocks: list[tuple[int, int]], nearest: Nearest) -> None:
        """Find the nearest foreign samples of positions first to end.

        The smallest upper bound so far is a ceiling: only pairs with a lower bound at or below it are checked exactly.
        """
        ceiling = torch.full((end - first, 1), torch.inf, device=self.device)
        for start, stop in blocks:
            low, high = self._bounds(first, end, start, stop)
            same = self._same(first, end, start, stop)
            ceiling = torch.minimum(ceiling, high.masked_fill_(same, torch.inf).amin(1, keepdim=True))
            i, j = torch.nonzero((low <= ceiling) & ~same, as_tuple=True)
            search_pairs((i + first).cpu().numpy(), (j + start).cpu().numpy(), nearest, self.rows)

    def count(
        self,
        first: int,
        end: int,
        blocks: list[tuple[int, int]],
        limit: torch.Tensor,
        found: Swept,
    ) -> None:
        """Count the samples of the same class nearer than `limit`, and join pieces, for positions first to end."""
        ends = self.rows.class_end
        blocks = [(start, stop) for start, stop in blocks if ends[stop - 1] >= ends[first] and start < ends[end - 1]]
        row = torch.arange(first, end, device=self.device)[:, None]
        for start, stop in blocks:
            low, high = self._bounds(first, end, start, stop)
            column = torch.arange(start, stop, device=self.device)[None]
            same = self._same(first, end, start, stop) & (row != column)
            sure = same & (high < limit[first:end, None])
            found.nearer[first:end] += sure.sum(1).cpu().numpy()
            near = same & (low <= limit[first:end, None])
            i, j = torch.nonzero(near & ~sure, as_tuple=True)
            count_pairs((i + first).cpu().numpy(), (j + start).cpu().numpy(), found.nearest, self.rows, found.nearer)
            if start < first:  # joining is symmetric
                continue
            mutual = sure & (high < limit[None, start:stop])
            join_mask(found.parent, mutual.cpu().numpy(), first, start)
            i, j = torch.nonzero(near & ~mutual & (low <= limit[None, start:stop]), as_tuple=True)
            join_near(found.parent, (i + first).cpu().numpy(), (j + start).cpu().numpy(), found.nearest, self.rows)
