"""The samples of a split in the page: ids, labels, and pictures, texts or sounds."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from workflow_lib.datasets.artifact import StoredSplit
from workflow_lib.errors import UserError
from workflow_lib.report.explorer.blobs import Blobs, narrow
from workflow_lib.report.explorer.pictures import COLUMNS, EXACT, PER_SHEET, cell_of, sheets
from workflow_lib.report.explorer.sounds import Sounds
from workflow_lib.seeds import sample_rows

SHOWN = 100_000
"""Of more samples, an even selection from the classes is shown."""

PER_POINT = 100
"""Samples of every point that get pictures or texts first: the 50 most suspicious, with their nearest foreign ones."""
CHARACTERS = 600
"""Longer texts are cut."""
LESS = 1.05
"""Pictures may take so much more room than the first ones; beyond it, the last rows get none."""
PLAYED, PER_PACK = 1000, 50
"""So many samples have a sound at most, and so many sounds are in one element."""
ROW_BYTES = 6
"""Of the list of rows with pictures, for each of them."""

Rows = npt.NDArray[np.int64]


@dataclass(eq=False)
class Samples:
    """Samples that many points of studies share.

    Attributes:
        ids: (N,) text.
        labels: (N,) int64.
        class_names: by label.
        shown: (S,) rows of the samples in the page.
        images: their images; None if they have none.
        texts: (N,) their texts; None if they have none.
        sounds: their sounds; None if they have none.
        entry: what the page is told.
        wanted: of each point, places in the page of its samples and their nearest foreign ones, most suspicious first.
    """

    ids: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]
    class_names: list[str]
    images: StoredSplit | None = None
    texts: npt.NDArray[Any] | None = None
    sounds: Sounds | None = None
    entry: dict[str, Any] = field(default_factory=dict)
    wanted: list[Rows] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shown: Rows = sample_rows(self.labels, SHOWN, seed=0)
        self._places = {name: place for place, name in enumerate(self.ids[self.shown].tolist())}

    def places(self, ids: npt.NDArray[Any]) -> Rows:
        """Place in the page of the samples with these ids; -1 for those that are not shown."""
        if np.array_equal(ids, self.ids[self.shown]):
            return np.arange(len(ids))
        return np.array([self._places.get(name, -1) for name in ids.tolist()], dtype=np.int64)

    def add(self, blobs: Blobs, name: str) -> bool:
        """Put ids and labels into the page; False if they do not fit."""
        about = {"name": name, "classes": self.class_names, "count": len(self.shown), "of": len(self.ids)}
        added = blobs.add(self.ids[self.shown].tolist(), narrow(self.labels[self.shown]), besides=about)
        if added:
            self.entry = about | {"ids": added[0], "labels": added[1], "media": None}
        return added is not None

    def add_media(self, blobs: Blobs, limit: float) -> None:
        """Put as many texts, or pictures and sounds, into the page as fit below `limit` bytes in all.

        First come the most suspicious samples of every point, then the other ones of the first point. Of the room,
        pictures may leave half to sounds.
        """
        heads = [places[:PER_POINT] for places in self.wanted]
        every = np.concatenate([*heads, *self.wanted[:1], np.arange(len(self.shown))])
        wanted = every[np.sort(np.unique(every, return_index=True)[1])]
        if self.texts is not None:
            self._add_texts(self.texts[self.shown], wanted, blobs, limit)
        elif self.images is not None:
            half = (blobs.used + limit) / 2
            self._add_pictures(self.images, wanted, blobs, half if self.sounds else limit)
            if self.sounds and self.entry["media"]:
                self.entry["media"]["sounds"] = self._add_sounds(self.sounds, wanted[:PLAYED], blobs, limit)

    def _add_texts(self, texts: npt.NDArray[Any], wanted: Rows, blobs: Blobs, limit: float) -> None:
        count = len(wanted)
        while count:
            chosen = np.sort(wanted[:count])
            if added := blobs.add([text[:CHARACTERS] for text in texts[chosen].tolist()], narrow(chosen), limit=limit):
                self.entry["media"] = {"kind": "text", "texts": added[0], "rows": added[1], "count": count}
                return
            count //= 2

    def _add_pictures(self, images: StoredSplit, wanted: Rows, blobs: Blobs, limit: float) -> None:
        first = next(sheets(images, np.sort(self.shown[wanted[:PER_SHEET]])))
        each = LESS * 4 / 3 * len(first) / min(PER_SHEET, len(wanted)) + ROW_BYTES
        chosen = np.sort(wanted[: max(int((limit - blobs.used) / each), 0)])
        rows = [None] if len(chosen) == len(self.shown) else blobs.add(narrow(chosen), limit=limit)
        numbers: list[int] = []
        for made in sheets(images, self.shown[chosen]):
            if (added := blobs.add(made, besides=0, limit=limit)) is None:
                break
            numbers += added
        if rows and numbers:
            cell = cell_of(*images.image_shape[1:])
            self.entry["media"] = {
                "kind": "audio" if self.sounds else "image",
                "sheets": numbers,
                "rows": rows[0],
                "count": min(len(numbers) * PER_SHEET, len(chosen)),
                "width": cell.width,
                "height": cell.height,
                "columns": COLUMNS,
                "each": PER_SHEET,
                "exact": max(images.image_shape[1:]) <= EXACT,
            }

    def _add_sounds(self, sounds: Sounds, wanted: Rows, blobs: Blobs, limit: float) -> dict[str, Any] | None:
        """What the page is told of the sounds, in elements of several; None if there are none."""
        packs: list[int] = []
        sizes: list[int] = []
        for start in range(0, len(wanted), PER_PACK):
            try:
                made = [sounds.mp3(name) for name in self.ids[self.shown[wanted[start : start + PER_PACK]]].tolist()]
            except UserError:  # files that have moved, or no extra for sounds: pictures are enough
                break
            added = blobs.add(np.frombuffer(b"".join(made), np.uint8), limit=limit - 2 * ROW_BYTES * len(wanted))
            if added is None:
                break
            packs += added
            sizes += map(len, made)
        added = blobs.add(narrow(wanted[: len(sizes)]), narrow(sizes), besides=packs, limit=limit) if packs else None
        if added is None:
            return None
        return {"packs": packs, "rows": added[0], "sizes": added[1], "each": PER_PACK, "count": len(sizes)}
