"""Files that appear under their names only when they are whole."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_open: set[Path] = set()


@contextlib.contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Give a new folder in `parent`; it is gone, with what is left in it, when the block ends."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    _open.add(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _open.discard(folder)


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a scratch path beside `path`; it takes the place of `path` only when the block ends well."""
    with scratch_folder(path.parent, f".{path.name[:60]}.") as folder:
        scratch = folder / path.name
        yield scratch
        scratch.replace(path)


def remove_scratch() -> None:
    """Remove every scratch folder of this process; for a process that must end at once."""
    for folder in list(_open):
        shutil.rmtree(folder, ignore_errors=True)
