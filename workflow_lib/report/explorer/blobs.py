"""Data of the page: arrays, texts and pictures, each in an element of its own that is decoded when it is needed."""

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Data = npt.NDArray[np.generic] | bytes | Sequence[str]
"""An array; a picture as a WebP file; a list of texts."""

TYPES = ("uint8", "uint16", "uint32", "float32")
"""Types of arrays in the page, with the names that JavaScript's typed arrays have in lower case."""

MENTION = 200
"""Bytes in which the page is told of the numbers of some elements."""


class Blobs:
    """Data within a budget. Equal data is kept once.

    Args:
        room: bytes that all elements, and what `add` counts besides, may take.

    Attributes:
        used: bytes taken so far.
    """

    def __init__(self, room: int) -> None:
        self.room, self.used = room, 0
        self._elements: list[str] = []
        self._ids: dict[bytes, int] = {}

    def add(self, *data: Data, besides: object = None, limit: float | None = None) -> list[int] | None:
        """Number of the element of each of `data`; None, and nothing is kept, if they do not all fit.

        Args:
            data: what to keep; arrays have a type of `TYPES`.
            besides: what else is written for them, as JSON.
            limit: bytes that may be taken afterwards; None: the whole room.
        """
        ids: list[bytes] = []
        new: dict[bytes, str] = {}
        for part in data:
            kind, content = _encode(part)
            digest = hashlib.sha256(kind.encode() + content).digest()
            if digest not in self._ids and digest not in new:
                new[digest] = _element(len(self._ids) + len(new), kind, content)
            ids.append(digest)
        size = sum(map(len, new.values())) + len(safe_json(besides)) + MENTION
        if self.used + size > (self.room if limit is None else limit):
            return None
        self.used += size
        for digest, element in new.items():
            self._ids[digest] = len(self._ids)
            self._elements.append(element)
        return [self._ids[digest] for digest in ids]

    @property
    def html(self) -> str:
        """All elements."""
        return "".join(self._elements)


def narrow(values: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """Integers from 0 on in the smallest type that holds them all.

    Raises:
        ValueError: a number is negative.
    """
    array = np.asarray(values)
    if array.min(initial=0) < 0:
        raise ValueError("only numbers from 0 on can be kept")
    most = int(array.max(initial=0))
    return array.astype(np.uint8 if most < 2**8 else np.uint16 if most < 2**16 else np.uint32)


def safe_json(value: object) -> str:
    """JSON that can stand in an element of the page, whatever texts it holds."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace("&", "\\u0026")


def _encode(data: Data) -> tuple[str, bytes]:
    if isinstance(data, bytes):
        return "webp", data
    if isinstance(data, np.ndarray):
        if data.dtype.name not in TYPES:
            raise ValueError(f"{data.dtype} is none of {TYPES}")
        little = data.astype(data.dtype.newbyteorder("<"))
        return data.dtype.name, zlib.compress(little.tobytes(), 9)
    return "text", zlib.compress(json.dumps(list(data)).encode(), 9)


def _element(number: int, kind: str, content: bytes) -> str:
    text = base64.b64encode(content).decode()
    return f'<script type="text/plain" id="explorer-{number}" data-kind="{kind}">{text}</script>\n'
