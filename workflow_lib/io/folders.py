"""Walk through the folders of users."""

import os
from collections.abc import Iterator
from pathlib import Path


def entries_below(folder: Path, *, hidden: bool = False, above: tuple[str, ...] = ()) -> Iterator[Path]:
    """All entries below a folder that are not entered themselves, in the order of their names.

    These are files, links that lead nowhere, devices and pipes, and of the folders the empty ones and the links that
    lead back to a folder above. Other linked folders are entered.

    Args:
        folder: the folder, which must exist.
        hidden: whether to include files and folders whose names begin with a dot.
        above: real paths of the folders above, as far as the walk has come.
    """
    place = os.path.realpath(folder)
    entries = sorted(path for path in folder.iterdir() if hidden or not path.name.startswith("."))
    if not entries or place in above:
        yield folder
        return
    for path in entries:
        if path.is_dir():
            yield from entries_below(path, hidden=hidden, above=(*above, place))
        else:
            yield path
