"""Brace patterns for long lists of paths: `seed-{0,1}/{early,logits}.csv` means four paths, in that order.

A shell command is limited to 128 KiB; the paths of a large study would exceed that.
"""

import itertools
import re
from collections.abc import Iterable


def expand(pattern: str) -> list[str]:
    """All paths that match a pattern; the last braces vary fastest. A pattern without braces is one path."""
    if "{" not in pattern:  # nearly all
        return [pattern]
    parts = re.split(r"\{([^{}]*)\}", pattern)
    choices = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
    return ["".join(path) for path in itertools.product(*choices)]


def braces(values: Iterable[object]) -> str:
    """Pattern for a list of values, such as `{0,1}`; a single value is returned without braces."""
    texts = [str(value) for value in values]
    return texts[0] if len(texts) == 1 else "{" + ",".join(texts) + "}"
