"""Saved states of unfinished runs, to continue after a kill."""

import sys
from pathlib import Path

from workflow_lib.errors import UserError
from workflow_lib.io import checkpoints
from workflow_lib.training.loop import State


class KeptStates:
    """States of unfinished runs, one file per run.

    Args:
        folder: used only for these runs and this runtime, because device and threads affect the rounding of sums.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, name: str, state: State) -> None:
        """Save the state of a run, replacing its previous state."""
        checkpoints.save(vars(state), self._file(name))

    def load(self, name: str) -> State | None:
        """The last saved state of a run; None if there is none or it is damaged."""
        if not self._file(name).is_file():
            return None
        try:
            return State(**checkpoints.load(self._file(name)))
        except UserError as error:
            print(f"not used: {error}", file=sys.stderr)
            return None

    def remove(self, name: str) -> None:
        """Remove the state of a finished run."""
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.pt"
