"""Mistakes that users make in configs, code and data, and what must be said about each."""

from dataclasses import replace

from mistake import Mistake, setting
from mistakes_config import COMMAND_LINE, EVERY_COMMAND, FILES, IN_CONFIG, override
from mistakes_data import CODE, DATA, NETWORKS_AND_WEIGHTS, embeddings, images, loader, network, pictures, tree
from mistakes_studies import CONFUSION, PROTOTYPES, RELATIONS, STUDIES, STUDY

BASES = ("default", "miniature", "cifar10-resnet18", "embeddings")
GOOD = [
    *(Mistake(f"{base} as it is shipped", (), base=base) for base in BASES),
    Mistake("a good --configfile", (), arguments=("-n", "--configfile", "configs/miniature.yaml")),
    override("kstar={threshold: 0.7, neighbours: 3}"),
    embeddings("good embeddings"),
    images("good images"),
    tree("a good tree", pictures()),
    loader("a good function", "return {name: (images, labels, None) for name in ('train', 'test')}"),
    network("a good network"),
    Mistake("good prototypes", (), setting(f"{STUDIES}/sure", STUDY)),
]
"""What the mistakes are made from, and what must go through the same calls without a mistake."""

OF_STUDIES = [*PROTOTYPES, *CONFUSION, *RELATIONS]
MISTAKES = [*IN_CONFIG, *CODE, *FILES, *EVERY_COMMAND, *COMMAND_LINE, *DATA, *NETWORKS_AND_WEIGHTS, *OF_STUDIES]
CONTROLS = [replace(good, when="never", said=()) for good in GOOD]


def cases() -> list[Mistake]:
    """All mistakes, and what looks like them and is none."""
    return [*MISTAKES, *CONTROLS]
