"""Copy a file and hash its bytes in a single read."""

import contextlib
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Protocol

FICLONE = 0x40049409
"""Linux request to share the blocks of a file until one copy changes; supported by Btrfs, XFS and others."""

BLOCK = 1 << 18
"""Bytes read at a time; few enough to stay in the CPU cache between reading, hashing and writing."""


class Hash(Protocol):
    """A hash object, such as those of `hashlib`."""

    def update(self, data: memoryview, /) -> object:
        """Add bytes."""

    def hexdigest(self) -> str:
        """The hash of all bytes so far, in hexadecimal."""


def xxh3() -> Hash | None:
    """A new 128-bit XXH3, some twenty times as fast as SHA-256; None if xxhash is not installed.

    It notices damage, but not intent: it is not cryptographic.
    """
    try:
        from xxhash import xxh3_128  # here, because most jobs need none
    except ImportError:
        return None
    return xxh3_128()


def copy_hashed(source: FileIO, target: Path, *hashes: Hash) -> None:
    """Copy a file and add the bytes of the copy to `hashes`; uses no extra space if the file system can share blocks.

    Args:
        source: open for reading, at its start; the file may be unlinked meanwhile.
        target: path of the copy; overwritten if it exists.
        hashes: to be updated.

    Raises:
        OSError: the file cannot be read, or the copy cannot be written; a partial copy may remain.
    """
    with target.open("w+b") as copy:
        shared = _share_blocks(source, copy)
        read = copy.readinto if shared else source.readinto
        block = memoryview(bytearray(BLOCK))
        while size := read(block):
            for hash_ in hashes:
                hash_.update(block[:size])
            if not shared:
                copy.write(block[:size])


def _share_blocks(source: FileIO, target: BinaryIO) -> bool:
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.ioctl(target.fileno(), FICLONE, source.fileno())
        return True
    return False
