"""Splits of encoded texts."""

import sys
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.split import Rows, Split, Texts

BLOCK = 256
"""Texts that are encoded at a time."""


class Encoder(Protocol):
    """A frozen encoder.

    Attributes:
        layers: names of its layers.
        width: numbers in each layer.
        words: how it makes one row of a text; stored with the rows.
    """

    layers: tuple[str, ...]
    width: int
    words: str

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Rows (n, layers, width) of n texts."""

    def too_long(self, texts: list[str]) -> str:
        """How many of the texts are cut, and where; "" if none is."""


def encoded(texts: Mapping[str, Texts], spec: Mapping[str, Any], device: str) -> dict[str, Split]:
    """Splits of rows (layers, 1, width), which are encoded when they are read.

    Args:
        texts: the splits "train" and "test".
        spec: encoder, folder, layers, pooling, terms.
        device: "cpu" or "cuda".

    Raises:
        UserError: the folder holds no model or no tokenizer, a layer does not exist or has another width.
    """
    encoder = _encoder(texts["train"], spec, device)
    return {name: _split(split, encoder, spec) for name, split in texts.items()}


def _encoder(train: Texts, spec: Mapping[str, Any], device: str) -> Encoder:
    if spec["encoder"] == "tfidf":
        from workflow_lib.texts.tfidf import TfIdf

        return TfIdf(train.texts.tolist(), spec["terms"])
    from workflow_lib.texts.transformer import Transformer

    library = spec["encoder"].partition("/")[0]
    return Transformer(library, spec["folder"], spec["layers"], spec["pooling"], device)


def _split(split: Texts, encoder: Encoder, spec: Mapping[str, Any]) -> Split:
    changes = {"encoder": encoder.words, "layers": ", ".join(encoder.layers)}
    if cut := encoder.too_long(split.texts.tolist()):
        changes["cut"] = cut
        print(f"{spec['of']}: {cut}", file=sys.stderr)

    def read(rows: Rows) -> NDArray[np.float32]:
        texts = split.texts[rows].tolist()
        blocks = [encoder.encode(texts[start : start + BLOCK]) for start in range(0, len(texts), BLOCK)]
        return np.concatenate(blocks)[:, :, None] if blocks else np.empty((0, *shape), np.float32)

    shape = (len(encoder.layers), 1, encoder.width)
    return Split(
        source="encoded",
        origin=f"encoded {spec['of']}",
        labels=split.labels,
        ids=split.ids,
        class_names=split.class_names,
        image_shape=shape,
        dtype=np.dtype(np.float32),
        read=read,
        scale="numbers as the encoder gives them",
        is_table=True,
        changes=changes,
    )
