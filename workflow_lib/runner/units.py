"""Outputs that are kept and restored together.

A job's outputs are one unit, unless its spec names a mapping `each`: `{"each": "layers", "layers": {…}, …}`. Then every
output is a unit of its own, shaped by the rest of the spec and by the entry that is called as its file is. So a list of
layers or seeds that grows or shrinks costs nothing for those that stay.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Unit(NamedTuple):
    """Outputs of a job that share a key.

    Attributes:
        spec: the settings that shape these outputs, and no others.
        outputs: paths by role: `argument/0`, `argument/1`, …; a unit of its own is called by its argument alone.
    """

    spec: dict[str, Any]
    outputs: dict[str, Path]


def split(spec: Mapping[str, Any], outputs: Mapping[str, Path]) -> list[Unit]:
    """The units of a job.

    Args:
        spec: settings of the job.
        outputs: paths by role.

    Raises:
        KeyError: an output is not in the mapping that `each` names.
    """
    if "each" not in spec:
        return [Unit(dict(spec), dict(outputs))]
    each = spec["each"]
    units = []
    for role, path in outputs.items():
        name = path.name.partition(".")[0]
        units.append(Unit({**spec, each: {name: spec[each][name]}}, {role.partition("/")[0]: path}))
    return units


def join(spec: Mapping[str, Any], units: Sequence[Unit]) -> dict[str, Any]:
    """The spec of a job that makes only these of its units."""
    if "each" not in spec:
        return dict(spec)
    each = spec["each"]
    return {**spec, each: {name: value for unit in units for name, value in unit.spec[each].items()}}
