"""The matrix P of a network: class prototypes and the intermediaries between classes (docs/science.md 2)."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from workflow_lib import seeds
from workflow_lib.errors import Problem, UserError
from workflow_lib.progress import Progress
from workflow_lib.prototypes.batches import default_batch
from workflow_lib.prototypes.descent import Descent, Settings
from workflow_lib.prototypes.frozen import Frozen

IMAGE = ("channel", "y", "x")
"""Dimensions of an image."""


@dataclass(frozen=True)
class Layout:
    """An array of the set: its dimensions, shape, type, and the value of missing entries."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    missing: float

    def empty(self) -> np.ndarray:
        """The array in memory, all missing."""
        return np.full(self.shape, self.missing, self.dtype)


@dataclass
class State:
    """Progress of an unfinished set; the arrays hold the finished entries.

    Attributes:
        queued: number of entries that have started.
        origins: class prototypes in the order in which they finished; their intermediaries start in this order.
        live: the images being optimised (`Descent.state`).
    """

    queued: int
    origins: list[int]
    live: dict[str, Tensor]

    @property
    def finished(self) -> int:
        """Number of entries that have finished, converged or not."""
        return self.queued - len(self.live["entry"])


def noise(initialisation: int, class_names: Sequence[str], image_shape: Sequence[int]) -> np.ndarray:
    """Start images (n, c, y, x) float32, uniform in [0, 1); each depends only on the number and its class's name."""
    return np.stack(
        [
            seeds.generator("prototype", initialisation, name).random(tuple(image_shape), dtype=np.float32)
            for name in class_names
        ]
    )


def trajectory_steps(limit: int) -> list[int]:
    """Numbers of steps after which an image of the trajectory is kept: 0, 1, 2, 4, 8, … and the limit."""
    return sorted({0, limit, *(2**power for power in range(limit.bit_length()))})


def layout(classes: int, network: Frozen, settings: Settings) -> dict[str, Layout]:
    """The arrays of a set by name, as in the store; `target` is the class of the goal, `origin` that of the start."""
    pair, n, shape = ("target", "origin"), (classes, classes), network.image_shape
    axes, snapshots = ("target", "snapshot"), (classes, len(trajectory_steps(settings.steps)))
    nan = float("nan")
    return {
        "image": Layout((*pair, *IMAGE), (*n, *shape), "float32", nan),
        "features": Layout((*pair, "feature"), (*n, network.width), "float32", nan),
        "loss": Layout(pair, n, "float32", nan),
        "confidence": Layout(pair, n, "float32", nan),
        "predicted": Layout(pair, n, "int64", -1),
        "steps": Layout(pair, n, "int64", -1),
        "converged": Layout(pair, n, "bool", False),
        "length": Layout(pair, n, "float32", nan),
        "crossing": Layout((*pair, "side", *IMAGE), (*n, 2, *shape), "float32", nan),
        "crossing_length": Layout(pair, n, "float32", nan),
        "crossing_step": Layout(pair, n, "int64", -1),
        "trajectory": Layout((*axes, *IMAGE), (*snapshots, *shape), "float32", nan),
        "trajectory_step": Layout(axes, snapshots, "int64", -1),
        "trajectory_loss": Layout(axes, snapshots, "float32", nan),
        "trajectory_confidence": Layout(axes, snapshots, "float32", nan),
    }


def make_matrix(
    network: Frozen,
    starts: np.ndarray,
    settings: Settings,
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    batch: int | None = None,
    device: str = "cpu",
    state: State | None = None,
    save_state: Callable[[State], None] | None = None,
    save_every: float = 30.0,
    progress: Progress | None = None,
) -> Mapping[str, np.ndarray]:
    """Make the n class prototypes from `starts`, and from each one the intermediaries to the n - 1 other classes.

    With the same batch size, device and number of threads the result is the same, on a CPU byte for byte, also after
    interruptions. Another batch size only changes the rounding: see docs/benchmarks/prototypes.md.

    Args:
        network: from `frozen`, on the device.
        starts: (n, c, y, x) float32 in [0, 1], start images of the class prototypes: `noise`, or the prototypes of
            another interval for a warm start.
        settings: optimiser, learning rate, step limit, loss threshold.
        arrays: by name the arrays of `layout`, such as memory maps, filled as entries finish; None: in memory.
        batch: most images at once; None: `default_batch`.
        device: "cpu" or "cuda".
        state: where to continue; `arrays` then contain at least what they contained when it was saved.
        save_state: called from time to time with the state; must store it, and the arrays, before it returns.
        save_every: least number of seconds between two such calls.
        progress: called with the entries finished and n * n.

    Returns:
        `arrays`. Entries that did not converge are included as they were at the step limit, with `converged` False.

    Raises:
        UserError: the loss of an entry is not finite.
    """
    if arrays is None:
        arrays = {name: array.empty() for name, array in layout(len(starts), network, settings).items()}
    matrix = _Matrix(network, starts, settings, arrays, device, state)
    batch = batch or default_batch(network, device)
    saved = time.monotonic()
    while matrix.unfinished:
        matrix.fill(batch)
        matrix.advance()
        if save_state and matrix.unfinished and time.monotonic() - saved >= save_every:
            save_state(matrix.state())
            saved = time.monotonic()
        if progress:
            progress(matrix.total - matrix.unfinished, matrix.total)
    return arrays


class _Matrix:
    """An unfinished set. Queue: all class prototypes, then the intermediaries of each origin once it has finished."""

    def __init__(
        self,
        network: Frozen,
        starts: np.ndarray,
        settings: Settings,
        arrays: Mapping[str, np.ndarray],
        device: str,
        state: State | None,
    ) -> None:
        self.starts, self.arrays, self.classes = starts, arrays, len(starts)
        self.total = self.classes**2
        self.snapshot_at = {step: at for at, step in enumerate(trajectory_steps(settings.steps))}
        self.queued, self.origins = (state.queued, list(state.origins)) if state else (0, [])
        live = state.live if state else None
        self.descent = Descent(network, settings, device=device, state=live, watch=self._keep_snapshot)

    @property
    def unfinished(self) -> int:
        return self.total - self.queued + len(self.descent)

    def state(self) -> State:
        return State(self.queued, list(self.origins), self.descent.state())

    def fill(self, batch: int) -> None:
        """Start entries until `batch` are in progress or none is ready."""
        ready = self.classes + len(self.origins) * (self.classes - 1)
        count = min(batch - len(self.descent), ready - self.queued)
        if count <= 0:
            return
        pairs = np.array([self._pair(place) for place in range(self.queued, self.queued + count)], np.int64)
        targets, origins = np.ascontiguousarray(pairs.T)
        images = np.empty((count, *self.starts.shape[1:]), np.float32)
        first = targets == origins
        images[first] = self.starts[targets[first]]
        images[~first] = self.arrays["image"][origins[~first], origins[~first]]
        self.descent.enter(targets * self.classes + origins, images, targets, origins)
        self.queued += count

    def advance(self) -> None:
        finished = self.descent.advance()
        if not finished:
            return
        targets, origins = np.divmod(finished.pop("entry"), self.classes)
        _check_finite(finished["loss"], targets, origins)
        for name, values in finished.items():
            self.arrays[name][targets, origins] = values
        for target in targets[targets == origins].tolist():
            self._end_trajectory(target)
            self.origins.append(target)

    def _pair(self, place: int) -> tuple[int, int]:
        """Target and origin of a place in the queue."""
        if place < self.classes:
            return place, place
        which, target = divmod(place - self.classes, self.classes - 1)
        origin = self.origins[which]
        return target + (target >= origin), origin

    def _keep_snapshot(self, entries: np.ndarray, steps: np.ndarray, images: np.ndarray, losses: np.ndarray) -> None:
        for entry, step, image, loss in zip(entries.tolist(), steps.tolist(), images, losses, strict=True):
            target, origin = divmod(entry, self.classes)
            if target == origin and step in self.snapshot_at:
                self._put_snapshot(target, self.snapshot_at[step], step, image, loss)

    def _end_trajectory(self, target: int) -> None:
        """Put the end image into the first free place of the trajectory, and clear the places after it."""
        end = int(self.arrays["steps"][target, target])
        at = sum(step < end for step in self.snapshot_at)
        self._put_snapshot(target, at, end, self.arrays["image"][target, target], self.arrays["loss"][target, target])
        self.arrays["trajectory_step"][target, at + 1 :] = -1
        for name in ("trajectory", "trajectory_loss", "trajectory_confidence"):
            self.arrays[name][target, at + 1 :] = np.nan

    def _put_snapshot(self, target: int, at: int, step: int, image: np.ndarray, loss: Any) -> None:
        values = {
            "trajectory": image,
            "trajectory_step": step,
            "trajectory_loss": loss,
            "trajectory_confidence": np.exp(-loss),
        }
        for name, value in values.items():
            self.arrays[name][target, at] = value


def _check_finite(losses: np.ndarray, targets: np.ndarray, origins: np.ndarray) -> None:
    if np.isfinite(losses).all():
        return
    at = int(np.flatnonzero(~np.isfinite(losses))[0])
    raise UserError(
        Problem(
            "network",
            str(losses[at]),
            f"the loss of the image from class {origins[at]} to class {targets[at]} is not finite",
            "check the network's weights and its learning curve",
        )
    )
