"""A set of prototypes under way, kept on disk so that a killed job goes on where it was."""

import sys
from pathlib import Path

import numpy as np

from workflow_lib import checkpoints
from workflow_lib.errors import UserError
from workflow_lib.prototypes.descent import Settings
from workflow_lib.prototypes.frozen import Frozen
from workflow_lib.prototypes.matrix import Layout, State, layout


class KeptMatrix:
    """The arrays of a set as memory maps, and the state that belongs to them.

    A set of 100 classes at 224 x 224 pixels takes 6 GB three times over; memory holds the part that is written.

    Args:
        folder: belongs to this set alone; what an earlier job has left there is gone on with.
        classes: number of classes.
        network: of the set.
        settings: of its descents.
        runtime: device, threads and what else decides how sums are rounded; what was kept under another is not used.

    Attributes:
        arrays: name -> array of `layout`.
        state: where to go on; None at the beginning.
    """

    def __init__(self, folder: Path, classes: int, network: Frozen, settings: Settings, runtime: str) -> None:
        self._folder, self._state_file, self._runtime = folder, folder / "state.pt", runtime
        wanted = layout(classes, network, settings)
        self.state = self._load()
        try:
            self.arrays = {name: self._open(name, array, new=self.state is None) for name, array in wanted.items()}
        except (OSError, ValueError) as error:
            print(f"begun anew: {error}", file=sys.stderr)
            self.state = None
            self.arrays = {name: self._open(name, array, new=True) for name, array in wanted.items()}

    def save(self, state: State) -> None:
        """Keep a state; the arrays are on disk before it, so that they hold at least what it speaks of."""
        for array in self.arrays.values():
            array.flush()
        checkpoints.save({"runtime": self._runtime, **vars(state)}, self._state_file)

    def _load(self) -> State | None:
        if not self._state_file.is_file():
            return None
        try:
            kept = checkpoints.load(self._state_file)
        except UserError as error:
            print(f"not used: {error}", file=sys.stderr)
            return None
        return State(**kept) if kept.pop("runtime") == self._runtime else None

    def _open(self, name: str, array: Layout, *, new: bool) -> np.memmap:
        file = self._folder / f"{name}.npy"
        if not new:
            found = np.lib.format.open_memmap(file, mode="r+")
            if (found.shape, found.dtype) != (array.shape, np.dtype(array.dtype)):
                raise ValueError(f"{file}: another set")
            return found
        self._folder.mkdir(parents=True, exist_ok=True)
        made = np.lib.format.open_memmap(file, mode="w+", dtype=array.dtype, shape=array.shape)
        made[...] = array.missing
        return made
