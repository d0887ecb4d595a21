"""Units: outputs of a job that are cached and restored together.

The outputs of a job are one unit, unless its spec has the key `each`: `{"each": "layers", "layers": {…}, …}`. Then each
output is its own unit. Its settings are the rest of the spec and the entry of `layers` with its name, which is the end
of its path: `conv1` for `…/conv1.zarr.zip`, `cat+dog/seed-3` for `…/cat+dog/seed-3.zarr.zip`. So adding or removing
layers or seeds does not recompute the others, and jobs that differ only in these entries can be done as one.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Unit(NamedTuple):
    """Outputs of a job that share a cache key.

    Attributes:
        spec: the settings that shape these outputs, and no others.
        outputs: paths by role: `argument/0`, `argument/1`, …; with `each`, the role is the argument alone.
    """

    spec: dict[str, Any]
    outputs: dict[str, Path]


def split(spec: Mapping[str, Any], outputs: Mapping[str, Path]) -> list[Unit]:
    """Split the outputs of a job into units.

    Args:
        spec: settings of the job.
        outputs: paths by role.

    Raises:
        KeyError: an output is missing in the mapping that `each` names.
    """
    if "each" not in spec:
        return [Unit(dict(spec), dict(outputs))]
    each = spec["each"]
    parts = 1 + next(iter(spec[each])).count("/")
    units = []
    for role, path in outputs.items():
        name = "/".join(path.parts[-parts:]).partition(".")[0]
        units.append(Unit({**spec, each: {name: spec[each][name]}}, {role.partition("/")[0]: path}))
    return units


def join(spec: Mapping[str, Any], units: Sequence[Unit]) -> dict[str, Any]:
    """Spec of a job that makes these units, of one job or of several that differ in nothing else."""
    if "each" not in spec:
        return dict(spec)
    each = spec["each"]
    return {**spec, each: {name: value for unit in units for name, value in unit.spec[each].items()}}
