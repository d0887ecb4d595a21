"""Where a step writes: beside the results, or on a disk of its machine when that is faster."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from workflow_lib.errors import Problem, UserError
from workflow_lib.io.files import scratch_folder

SCRATCH = "LATENT_ATLAS_SCRATCH"
"""Variable with a folder in which steps write before their outputs are copied to the results: `$TMPDIR`, /local/me."""


@contextlib.contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """Give `folder`, or a new folder on the disk that the user has named, gone when the block ends.

    Raises:
        UserError: there is no such disk, or it may not be written.
    """
    named = os.path.expandvars(os.environ.get(SCRATCH, ""))
    if not named:
        yield folder
        return
    if not os.access(named, os.W_OK):
        raise UserError(
            Problem(
                SCRATCH, named, "no folder that may be written on this machine", f"name another, or unset {SCRATCH}"
            )
        )
    with scratch_folder(Path(named), "latent-atlas-") as work:
        yield work


def bring(written: Mapping[Path, Path], staged: Mapping[Path, Path]) -> None:
    """Copy outputs to the file system of the results, where a rename can publish them whole.

    Args:
        written: where the step has written each output.
        staged: where it must be before it is published; the same place, if there is no other disk.
    """
    for output, source in written.items():
        if source != staged[output]:
            staged[output].parent.mkdir(parents=True)
            shutil.copyfile(source, staged[output])
