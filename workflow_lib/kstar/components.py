"""Connected components of a graph given as a matrix, on a device."""

import torch


def components(joined: torch.Tensor, *, square: bool) -> torch.Tensor:
    """Smallest node of each node's component, (nodes,) int64.

    Every node points to a smaller one of its component. In each round a node, and the node that it points to, move to
    the least that their neighbours' pointers point to, until nothing moves (Zhang, Azad & Hu 2020, FastSV). Rounds are
    few: about the logarithm of the longest path.

    Args:
        joined: (n, m) bool, whether row and column are joined.
        square: whether rows and columns are the same n nodes; else there are n + m, rows first.
    """
    height, width = joined.shape
    none = width if square else height + width
    label = torch.arange(none, device=joined.device)
    while True:
        grand = label[label]
        small = grand.int()
        of_rows = torch.where(joined, small[-width:], none).amin(1)
        of_columns = torch.where(joined, small[:height, None], none).amin(0)
        least = (torch.minimum(of_rows, of_columns) if square else torch.cat([of_rows, of_columns])).long()
        moved = torch.minimum(grand, least).scatter_reduce(0, label, least, "amin")
        if torch.equal(moved, label):
            return label
        label = moved
