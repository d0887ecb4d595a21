"""Figures and tables as parts of a page, within a limit of size."""

import base64
import json
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

VECTOR = 300_000
"""Largest SVG in bytes: browsers take long to draw larger ones, and a PNG is smaller then."""
ROWS = 2_000
"""Most rows of a table inside the page."""
TABLE = 400_000
"""Most bytes of a table inside the page."""


@dataclass
class Budget:
    """Bytes that one kind of parts may still take."""

    left: int

    def take(self, size: int) -> bool:
        """Whether this many bytes fit; if so, they are taken."""
        fits = size <= self.left
        self.left -= size if fits else 0
        return fits


@dataclass(frozen=True)
class Picture:
    """A figure inside the page.

    Attributes:
        source: the image as a data URL; "" if it does not fit.
        width, height: in pixels of the PNG.
    """

    source: str
    width: int
    height: int


@dataclass(frozen=True)
class Sheet:
    """A table inside the page.

    Attributes:
        name: of its file, without suffix.
        text: the first rows as CSV, written as a JSON string that cannot end a script.
        rows: number of rows of the file.
        shown: number of rows inside the page.
    """

    name: str
    text: Markup
    rows: int
    shown: int


def link(path: str | Path, page: Path) -> str:
    """Relative URL of a file, from the folder of the page."""
    return quote(Path(os.path.relpath(path, page.parent)).as_posix())


def picture(svg: Path, png: Path, budget: Budget) -> Picture:
    """The SVG of a figure if it is small, else the PNG.

    Raises:
        OSError, ValueError: a file is missing or damaged.
    """
    width, height = png_size(png)
    kind, path = ("svg+xml", svg) if svg.stat().st_size <= VECTOR else ("png", png)
    source = f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
    return Picture(source if budget.take(len(source)) else "", width, height)


def png_size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG in pixels."""
    with path.open("rb") as file:
        head = file.read(24)
    if head[:8] != b"\x89PNG\r\n\x1a\n" or len(head) < 24:
        raise ValueError(f"{path} is not a PNG")
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def sheet(path: Path, budget: Budget) -> Sheet:
    """The first rows of a CSV: at most `ROWS`, and as many as fit.

    Raises:
        OSError, ValueError: the file is missing or no text.
    """
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = list(_records(file)) or [""]
    kept, size = [head], len(head)
    for row in rows[:ROWS]:
        size += len(row)
        if size > min(TABLE, budget.left):
            break
        kept.append(row)
    text = "".join(kept)
    budget.take(len(text))
    return Sheet(path.stem, script_text(text), len(rows), len(kept) - 1)


def _records(lines: Iterable[str]) -> Iterator[str]:
    """Rows of a CSV with their ends; a quoted field can have several lines."""
    record = ""
    for line in lines:
        record += line
        if record.count('"') % 2 == 0:
            yield record
            record = ""
    if record:
        yield record


def script_text(content: object) -> Markup:
    """JSON that can be inside a script element."""
    text = json.dumps(content, ensure_ascii=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)
