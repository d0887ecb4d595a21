"""A dataset of texts as rows of numbers, made by a frozen encoder."""

from collections.abc import Mapping
from typing import Any

from workflow_lib.datasets.artifact import open_texts
from workflow_lib.datasets.selection import select
from workflow_lib.datasets.writing import write
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Context, Input, Output
from workflow_lib.texts.encoded import encoded
from workflow_lib.training.devices import configure


def encode_texts(
    *,
    spec: Mapping[str, Any],
    train_parts: list[Input],
    test_parts: list[Input],
    train: Output,
    test: Output,
    context: Context,
) -> None:
    """Write both splits, encoded block by block; tfidf takes its words from the training texts that are kept.

    Args:
        spec: of (name of the texts), encoder, folder, layers, pooling, terms; classes, superclasses, subsample.
        train_parts: the training texts.
        test_parts: the test texts.
        train: the encoded training split.
        test: the encoded test split.
        context: the device of the encoder.
    """
    device = configure(context.device, context.threads)
    (train_texts,), (test_texts,) = train_parts, test_parts
    texts = {"train": open_texts(train_texts), "test": open_texts(test_texts)}
    texts = {name: select(split, spec, name) for name, split in texts.items()}
    for (name, split), path in zip(encoded(texts, spec, device).items(), (train, test), strict=True):
        write(split, path, progress=bar(f"{name} texts"))
