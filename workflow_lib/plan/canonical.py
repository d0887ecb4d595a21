"""Settings of a job as one string, so that Snakemake notices every change."""

import json


def canonical(**settings: object) -> str:
    """Canonical JSON of named settings: sorted keys, no spaces, "<" escaped.

    Snakemake compares parameters as a set of values without names, and skips values that are not plain. With separate
    parameters it would miss changes, such as two values that are swapped. Its report copies parameters into a script
    element, which a "<" in a title could end.
    """
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), allow_nan=False).replace("<", r"\u003c")
