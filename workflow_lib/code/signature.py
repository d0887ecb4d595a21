"""What a step takes, read from its source: a cached job must not pay for the imports of the step."""

import functools
from pathlib import Path
from typing import Literal, NamedTuple

from workflow_lib.code.sources import read_module

Role = Literal["input", "output", "hint"]
ROLES: dict[str, Role] = {"Input": "input", "Output": "output", "Hint": "hint"}


class PathArgument(NamedTuple):
    """A path, or a list of paths, that a step takes by name.

    Attributes:
        name: the argument; its flag is `--name`.
        role: input (shapes the result), output, or hint (speeds the job up, never changes the result).
        many: a list of paths.
        optional: may be left out (None).
    """

    name: str
    role: Role
    many: bool
    optional: bool


class Signature(NamedTuple):
    """Arguments of one step besides its spec.

    Attributes:
        paths: in the order of the function's arguments.
        context: the step asks for the runtime (device, threads, scratch folder).
    """

    paths: tuple[PathArgument, ...]
    context: bool


def step_module(verb: str) -> str:
    """Module of the step that a verb names: compute_kstar -> workflow_lib.steps.compute_kstar."""
    return f"workflow_lib.steps.{verb}"


@functools.cache
def signature(verb: str, memory: Path | None = None) -> Signature:
    """Arguments of the step function `verb` of the module of the same name.

    Args:
        verb: name of the step.
        memory: folder that remembers what was found in equal sources.
    """
    types = read_module(step_module(verb), memory).arguments
    paths = [_path_argument(name, text) for name, text in types.items() if name not in ("spec", "context")]
    return Signature(tuple(paths), "context" in types)


def _path_argument(name: str, annotation: str) -> PathArgument:
    optional = annotation.endswith(" | None")
    plain = annotation.removesuffix(" | None")
    many = plain.startswith("list[")
    role = ROLES[plain.removeprefix("list[").removesuffix("]")]
    return PathArgument(name, role, many, optional)
