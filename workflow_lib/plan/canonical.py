"""Settings of a job as one string that Snakemake compares faithfully."""

import json


def canonical(**settings: object) -> str:
    """Canonical JSON of named settings: keys sorted and kept, no spaces.

    Snakemake compares parameters as a set without names and skips what is not plain, so loose values would lose
    changes (two that swap, one that takes the value of another). Its report copies them into a script element, which
    a "<" in a title could end.
    """
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), allow_nan=False).replace("<", r"\u003c")
