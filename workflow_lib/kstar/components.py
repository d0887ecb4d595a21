"""Connected components of a graph given as blocks of a matrix, on a device."""

from types import ModuleType

import torch


def components(
    row: torch.Tensor, column: torch.Tensor, joined: torch.Tensor, count: int, kernels: ModuleType | None = None
) -> torch.Tensor:
    """Smallest node of each node's component, (count,) int64.

    Every node points to a smaller one of its component. In each round a node, and the node that it points to, move to
    the least that their neighbours' pointers point to, until nothing moves (Zhang, Azad & Hu 2020, FastSV). Rounds are
    few: about the logarithm of the longest path.

    Args:
        row: (B,) int64, the node at which the rows of each block begin.
        column: (B,) int64, the same of its columns.
        joined: (B, n, n) bool, whether row and column are joined; False beyond the last node.
        count: number of nodes.
        kernels: the module `kernels`, on a GPU.
    """
    label = torch.arange(count, device=joined.device)
    least_neighbours = kernels.least_neighbours if kernels else _least_neighbours
    while True:
        grand = label[label]
        least = least_neighbours(row, column, joined, grand)
        moved = torch.minimum(grand, least).scatter_reduce(0, label, least, "amin")
        if torch.equal(moved, label):
            return label
        label = moved


def _least_neighbours(
    row: torch.Tensor, column: torch.Tensor, joined: torch.Tensor, label: torch.Tensor
) -> torch.Tensor:
    """Least label of each node's neighbours, (count,) int64; the number of nodes if it has none."""
    count, side = len(label), joined.shape[1]
    lanes = torch.arange(side, device=row.device)
    rows, columns = ((first[:, None] + lanes).clamp(max=count) for first in (row, column))
    filled = torch.nn.functional.pad(label, (0, 1), value=count)
    of_rows = torch.where(joined, filled[columns][:, None], count).amin(2)
    of_columns = torch.where(joined, filled[rows][:, :, None], count).amin(1)
    least = torch.full((count + 1,), count, device=label.device)
    least.scatter_reduce_(0, torch.cat([rows, columns]).flatten(), torch.cat([of_rows, of_columns]).flatten(), "amin")
    return least[:count]
