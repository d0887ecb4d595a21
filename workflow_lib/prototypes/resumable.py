"""An unfinished set of prototypes on disk, so that a killed job continues where it stopped."""

import contextlib
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from workflow_lib.errors import UserError
from workflow_lib.io import checkpoints
from workflow_lib.prototypes.descent import Settings
from workflow_lib.prototypes.frozen import Frozen
from workflow_lib.prototypes.matrix import Layout, State, layout

STATE = "state.pt"


@contextlib.contextmanager
def resumable_matrix(
    folder: Path, classes: int, network: Frozen, settings: Settings, runtime: str
) -> Iterator["ResumableMatrix"]:
    """A `ResumableMatrix`; after an error, files that no later job could continue from are removed."""
    try:
        yield ResumableMatrix(folder, classes, network, settings, runtime)
    except Exception as error:
        if isinstance(error, UserError) or not (folder / STATE).is_file():
            shutil.rmtree(folder, ignore_errors=True)
        raise


class ResumableMatrix:
    """The arrays of a set as memory maps, and the state that belongs to them.

    A set of 100 classes at 224 x 224 pixels takes 18 GB on disk; only the part being written is in memory.

    Args:
        folder: for this set alone; files of an earlier job in it are used to continue.
        classes: number of classes.
        network: of the set.
        settings: of its descents.
        runtime: device, threads and anything else that changes how sums are rounded; files of another runtime are not
            used.

    Attributes:
        arrays: name -> array of `layout`.
        state: where to continue; None at the beginning.
    """

    def __init__(self, folder: Path, classes: int, network: Frozen, settings: Settings, runtime: str) -> None:
        self._folder, self._state_file, self._runtime = folder, folder / STATE, runtime
        wanted = layout(classes, network, settings)
        self.state = self._load()
        found = self._found(wanted) if self.state is not None else None
        if found is None:
            self.state = None
        self.arrays = found or {name: self._new(name, array) for name, array in wanted.items()}

    def save(self, state: State) -> None:
        """Save a state, after the arrays: so they contain at least everything that the state says is done."""
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

    def _found(self, wanted: Mapping[str, Layout]) -> dict[str, np.memmap] | None:
        """The arrays that belong to the state; None if any is missing or of another shape."""
        arrays = {}
        for name, array in wanted.items():
            try:
                arrays[name] = np.lib.format.open_memmap(self._file(name), mode="r+")
                if (arrays[name].shape, arrays[name].dtype) != (array.shape, np.dtype(array.dtype)):
                    raise ValueError(f"{self._file(name)}: another set")
            except (OSError, ValueError) as error:
                print(f"starting again: {error}", file=sys.stderr)
                return None
        return arrays

    def _new(self, name: str, array: Layout) -> np.memmap:
        """An array without entries, written in full: a disk that fills up under a memory map would kill the process."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._file(name).open("wb") as file:
            np.lib.format.write_array(file, np.broadcast_to(np.array(array.missing, array.dtype), array.shape))
        return np.lib.format.open_memmap(self._file(name), mode="r+")

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.npy"
