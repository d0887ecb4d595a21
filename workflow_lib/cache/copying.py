"""Copy a file and compute its digest in a single read."""

import contextlib
import hashlib
from io import FileIO
from pathlib import Path
from typing import BinaryIO

FICLONE = 0x40049409
"""Linux request to share the blocks of a file until one copy changes; supported by Btrfs, XFS and others."""

BLOCK = 1 << 18
"""Bytes read at a time; few enough to stay in the CPU cache between reading, hashing and writing."""


def copy_with_digest(source: FileIO, target: Path) -> str:
    """Copy a file and return the digest of the copy; uses no extra space if the file system can share blocks.

    Args:
        source: open for reading, at its start; the file may be unlinked meanwhile.
        target: path of the copy; overwritten if it exists.

    Returns:
        SHA-256 of the bytes in the copy, in hexadecimal.

    Raises:
        OSError: the file cannot be read, or the copy cannot be written; a partial copy may remain.
    """
    with target.open("w+b") as copy:
        if _share_blocks(source, copy):
            return hashlib.file_digest(copy, "sha256").hexdigest()
        digest = hashlib.sha256()
        block = memoryview(bytearray(BLOCK))
        while size := source.readinto(block):
            digest.update(block[:size])
            copy.write(block[:size])
    return digest.hexdigest()


def _share_blocks(source: FileIO, target: BinaryIO) -> bool:
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.ioctl(target.fileno(), FICLONE, source.fileno())
        return True
    return False
