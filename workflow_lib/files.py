"""Files that appear under their names only when they are whole."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a scratch path beside `path`; it takes the place of `path` only when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name[:60]}.", dir=path.parent))
    try:
        scratch = folder / path.name
        yield scratch
        scratch.replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
