"""Short names for long lists of paths: `seed-{0,1}/{early,logits}.csv` stands for four paths, in that order.

A command line may hold 128 KiB; the inputs of a large study are longer than that when they are written out.
"""

import itertools
import re
from collections.abc import Iterable


def expand(pattern: str) -> list[str]:
    """All paths that a pattern stands for; the last braces vary fastest. A pattern without braces is one path."""
    parts = re.split(r"\{([^{}]*)\}", pattern)
    choices = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
    return ["".join(path) for path in itertools.product(*choices)]


def braces(values: Iterable[object]) -> str:
    """The pattern part for a list of values: `{0,1}`; a single value stands for itself."""
    texts = [str(value) for value in values]
    return texts[0] if len(texts) == 1 else "{" + ",".join(texts) + "}"
