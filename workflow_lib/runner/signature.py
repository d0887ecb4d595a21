"""What a step takes, read from its source: a cached job must not pay for the imports of the step."""

import ast
from dataclasses import dataclass
from typing import Literal

from workflow_lib.runner.fingerprint import syntax_tree

Role = Literal["input", "output", "hint"]
ROLES: dict[str, Role] = {"Input": "input", "Output": "output", "Hint": "hint"}


@dataclass(frozen=True)
class PathArgument:
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


@dataclass(frozen=True)
class Signature:
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


def signature(verb: str) -> Signature:
    """Read the arguments of the step function `verb` of the module of the same name."""
    tree = syntax_tree(step_module(verb))
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == verb)
    annotations = {arg.arg: ast.unparse(arg.annotation) for arg in function.args.kwonlyargs if arg.annotation}
    paths = [_path_argument(name, text) for name, text in annotations.items() if name not in ("spec", "context")]
    return Signature(tuple(paths), "context" in annotations)


def _path_argument(name: str, annotation: str) -> PathArgument:
    optional = annotation.endswith(" | None")
    plain = annotation.removesuffix(" | None")
    many = plain.startswith("list[")
    role = ROLES[plain.removeprefix("list[").removesuffix("]")]
    return PathArgument(name, role, many, optional)
