"""Where runs were when they were killed, on disk."""

import sys
from pathlib import Path

from workflow_lib.errors import UserError
from workflow_lib.training import checkpoints
from workflow_lib.training.loop import State


class KeptStates:
    """States of runs under way, a file each.

    Args:
        folder: belongs to these runs and this runtime alone: device and threads decide how sums are rounded.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, name: str, state: State) -> None:
        """Keep the state of a run in the place of the one before."""
        checkpoints.save(vars(state), self._file(name))

    def load(self, name: str) -> State | None:
        """The state that was kept last; None where there is none, or it is damaged."""
        if not self._file(name).is_file():
            return None
        try:
            return State(**checkpoints.load(self._file(name)))
        except UserError as error:
            print(f"not used: {error}", file=sys.stderr)
            return None

    def remove(self, name: str) -> None:
        """Forget a run that has ended."""
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.pt"
