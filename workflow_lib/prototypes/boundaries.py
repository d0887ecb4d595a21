"""Images on the boundary of two classes, where their logits are equal (docs/science.md 2.7)."""

import copy
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from workflow_lib.prototypes.batches import default_batch
from workflow_lib.prototypes.frozen import Frozen

TOLERANCE = 1e-4
"""Largest difference of the two logits on the boundary."""

SCAN = 32
"""Number of parts of a line, searched from the origin for the first one in which the target's logit overtakes."""

HALVINGS = {torch.float32: 24, torch.float64: 52}
"""Further halvings would be below the precision of the type."""


@dataclass(frozen=True)
class Boundaries:
    """Images at which the logits of target and origin are equal, one row per pair of images.

    Attributes:
        image: float32 (m, c, y, x) in [0, 1].
        features: float32 (m, d).
        share: float64 (m,), position on the route as a share of it, from the origin, in [0, 1].
        difference: float64 (m,), logit of the target minus that of the origin, at most `TOLERANCE` in magnitude.
        found: bool (m,), False if both ends are on the same side of the boundary; the other values are then NaN.
    """

    image: np.ndarray
    features: np.ndarray
    share: np.ndarray
    difference: np.ndarray
    found: np.ndarray


@dataclass(frozen=True)
class _Lines:
    """Lines between images on the device, and the two classes of each; `share` is 0 at `start` and 1 at `end`."""

    start: Tensor
    end: Tensor
    origin: Tensor
    target: Tensor

    def __getitem__(self, chosen: Tensor) -> "_Lines":
        return _Lines(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.start)

    def double(self) -> "_Lines":
        return _Lines(self.start.double(), self.end.double(), self.origin, self.target)

    def at(self, share: Tensor) -> Tensor:
        """The images at these shares (m,), float64, of the lines."""
        column = share.to(self.start.dtype).view(-1, *[1] * (self.start.ndim - 1))
        return torch.lerp(self.start, self.end, column)


def straight(
    network: Frozen,
    start: np.ndarray,
    end: np.ndarray,
    origin: np.ndarray,
    target: np.ndarray,
    *,
    batch: int | None = None,
    device: str = "cpu",
) -> Boundaries:
    """The boundary on the straight line between two images.

    The line is divided into 32 parts. The first part, from the origin, in which the target's logit overtakes is
    bisected. Of several crossings this finds the first, unless two crossings lie within one part.

    Args:
        network: from `frozen`, on the device.
        start: (m, c, y, x) float32: prototypes of the origins.
        end: (m, c, y, x) float32: prototypes of the targets.
        origin: (m,) int64: classes.
        target: (m,) int64: classes.
        batch: most images in a pass; None: `default_batch`.
        device: "cpu" or "cuda".
    """
    return _boundaries(network, (start, end, origin, target), SCAN, batch, device)


def on_path(
    network: Frozen,
    crossing: np.ndarray,
    origin: np.ndarray,
    target: np.ndarray,
    *,
    crossing_length: np.ndarray,
    length: np.ndarray,
    batch: int | None = None,
    device: str = "cpu",
) -> Boundaries:
    """The boundary on the path of an image during descent: on the line between the two images of the crossing step.

    Args:
        network: from `frozen`, on the device.
        crossing: (m, 2, c, y, x) float32: the images before and after that step; NaN if the path never crossed.
        origin: (m,) int64: classes.
        target: (m,) int64: classes.
        crossing_length: (m,) float32: length of the path up to the image before.
        length: (m,) float32: length of the whole path.
        batch: most images in a pass; None: `default_batch`.
        device: "cpu" or "cuda".

    Returns:
        `share` is a share of the length of the path.
    """
    before, after = crossing[:, 0], crossing[:, 1]
    found = _boundaries(network, (before, after, origin, target), 1, batch, device)
    step = np.linalg.norm((after - before).reshape(len(crossing), -1).astype(np.float64), axis=1)
    share = (crossing_length + found.share * step) / length
    return Boundaries(found.image, found.features, share, found.difference, found.found)


def _boundaries(
    network: Frozen, arrays: tuple[np.ndarray, ...], parts: int, batch: int | None, device: str
) -> Boundaries:
    count, size = len(arrays[0]), batch or default_batch(network, device)
    image = np.full((count, *network.image_shape), np.nan, np.float32)
    features = np.full((count, network.width), np.nan, np.float32)
    share, difference = np.full(count, np.nan), np.full(count, np.nan)
    found = np.zeros(count, bool)
    with torch.inference_mode():
        for begin in range(0, count, size):
            part = slice(begin, begin + size)
            lines = _Lines(*(torch.from_numpy(np.array(array[part])).to(device) for array in arrays))
            left = torch.arange(len(lines), device=device)
            for precise in (False, True):  # float64 for those that float32 cannot bring within the tolerance
                if not len(left):
                    break
                net = copy.deepcopy(network).double() if precise else network
                chosen = lines[left].double() if precise else lines[left]
                crossed, shares = _search(net, chosen, parts)
                rows, chosen = left[crossed], chosen[crossed]
                images = chosen.at(shares)
                ahead, vectors = _ahead(net, chosen, images)
                near = ahead.abs() <= TOLERANCE
                at = (rows[near].cpu() + begin).numpy()
                image[at], features[at] = images[near].float().cpu(), vectors[near].float().cpu()
                share[at], difference[at], found[at] = shares[near].cpu(), ahead[near].cpu(), True
                left = rows[~near]
    return Boundaries(image, features, share, difference, found)


def _search(network: Frozen, lines: _Lines, parts: int) -> tuple[Tensor, Tensor]:
    """Which lines cross (m,), and the share of each of these crossings, as exact as the type allows."""
    grid = torch.linspace(0, 1, parts + 1, dtype=torch.float64, device=lines.start.device)
    points = [_ahead(network, lines, lines.at(share.expand(len(lines))))[0] for share in grid]
    passed = torch.stack(points, 1) > 0
    known = torch.stack(points, 1).isfinite().all(1)
    crossed = known & ~passed[:, 0] & passed[:, -1]
    first = passed[crossed].int().argmax(1)
    low, high = grid[first - 1], grid[first]
    lines, left = lines[crossed], torch.arange(len(first), device=first.device)
    middle = (low + high) / 2
    for _ in range(HALVINGS[lines.start.dtype]):
        if not len(left):
            break
        ahead, _ = _ahead(network, lines[left], lines[left].at(middle[left]))
        high[left] = torch.where(ahead > 0, middle[left], high[left])
        low[left] = torch.where(ahead > 0, low[left], middle[left])
        left = left[ahead.abs() > TOLERANCE / 2]  # half, because another batch may round differently
        middle[left] = (low[left] + high[left]) / 2
    return crossed, middle


def _ahead(network: Frozen, lines: _Lines, images: Tensor) -> tuple[Tensor, Tensor]:
    """Logit of the target minus that of the origin, float64 (m,), and the features."""
    logits, features = network(images.contiguous(memory_format=network.memory_format))
    both = logits.gather(1, torch.stack([lines.target, lines.origin], 1)).double()
    return both[:, 0] - both[:, 1], features
