"""Folder in which a step writes: beside the results, or on a faster local disk."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from workflow_lib.errors import Problem, UserError
from workflow_lib.io.files import scratch_folder

SCRATCH = "LATENT_ATLAS_SCRATCH"
"""Environment variable with a folder for steps to write in, before outputs are copied to the results: `$TMPDIR`."""


@contextlib.contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """Yield `folder`, or a new folder in the one set by the user, which is removed after the block.

    Raises:
        UserError: the user's folder does not exist or is not writable.
    """
    named = os.path.expandvars(os.environ.get(SCRATCH, ""))
    if not named:
        yield folder
        return
    if not os.access(named, os.W_OK):
        raise UserError(
            Problem(SCRATCH, named, "is not a writable folder on this machine", f"name another, or unset {SCRATCH}")
        )
    with scratch_folder(Path(named), "latent-atlas-") as work:
        yield work


def bring(written: Mapping[Path, Path], staged: Mapping[Path, Path]) -> None:
    """Copy outputs to the file system of the results, where a rename can publish them.

    Args:
        written: path to which the step wrote each output.
        staged: path of each output before it is published; the same path if no other disk is used.
    """
    for output, source in written.items():
        if source != staged[output]:
            staged[output].parent.mkdir(parents=True)
            shutil.copyfile(source, staged[output])
