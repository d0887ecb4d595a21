"""Byte code that is compared with the content of its source.

Python itself compares size and time stamp. A source that was edited and has kept both, as `tar` and `rsync` allow,
would run as before the edit, while its fingerprint is that of the new text.
"""

import os
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import source_hash
from typing import Any

PACKAGE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (pathlib would slow down restored jobs)
UNCHECKED = b"\1\0\0\0"
"""Flags of byte code that asks not to be compared with its source."""


class ContentLoader(SourceFileLoader):
    """Loads a source whose byte code has a digest of the source in the place of the time stamp."""

    _source: bytes | None = None

    def get_data(self, path: str) -> bytes:
        """Bytes of a file; the source is read once, so that what is compared is what is compiled."""
        if path != self.path:
            data = super().get_data(path)
            if data[4:8] == UNCHECKED:
                raise OSError(f"{path} does not say which source it was compiled from")
            return data
        if self._source is None:
            self._source = super().get_data(path)
        return self._source

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Digest and size of the source."""
        source = self.get_data(path)
        return {"mtime": int.from_bytes(source_hash(source)[:4], "little"), "size": len(source)}


def compare_content(covers: Callable[[str], bool]) -> None:
    """Compare the byte code of all modules in some folders with the content of their sources.

    Args:
        covers: whether modules of this folder are compared.
    """
    finder = FileFinder.path_hook(
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (ContentLoader, SOURCE_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    )

    def hook(folder: str) -> Any:
        if not covers(folder):
            raise ImportError(f"modules of {folder} are found as usual")
        return finder(folder)

    sys.path_hooks.insert(0, hook)
    for folder in [folder for folder in sys.path_importer_cache if covers(folder)]:
        del sys.path_importer_cache[folder]


def in_package(folder: str) -> bool:
    """Whether a folder belongs to this package."""
    return f"{folder}{os.sep}".startswith(f"{PACKAGE}{os.sep}")
