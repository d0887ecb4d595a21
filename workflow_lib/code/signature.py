"""Arguments of a step, read from its source so that a cached job does not pay for the step's imports."""

import functools
from pathlib import Path
from typing import Literal, NamedTuple

from workflow_lib.code.sources import read_module

Role = Literal["input", "output", "hint"]
ROLES: dict[str, Role] = {"Input": "input", "Output": "output", "Hint": "hint"}


class PathArgument(NamedTuple):
    """A keyword argument of a step: a path or a list of paths.

    Attributes:
        name: of the argument; its flag is `--name`.
        role: input (shapes the result), output, or hint (speeds up the job, never changes the result).
        many: whether it is a list of paths.
        optional: whether it may be omitted (None).
    """

    name: str
    role: Role
    many: bool
    optional: bool


class Signature(NamedTuple):
    """Arguments of one step, without its spec.

    Attributes:
        paths: in the order of the function's arguments.
        context: whether the step takes the runtime context (device, threads, scratch folder).
    """

    paths: tuple[PathArgument, ...]
    context: bool


def step_module(verb: str) -> str:
    """Module of a step: compute_kstar -> workflow_lib.steps.compute_kstar."""
    return f"workflow_lib.steps.{verb}"


@functools.cache
def signature(verb: str, memory: Path | None = None) -> Signature:
    """Arguments of the step function `verb`, defined in the module of the same name.

    Args:
        verb: name of the step.
        memory: folder in which the analysis of source files is cached.
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
