"""Check from the source alone, without running it, that the user functions named in the config can exist."""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from workflow_lib.cache.digests import code_memory
from workflow_lib.code.functions import function_code, shown
from workflow_lib.errors import Problem, listed, nearest

OPEN = ("__getattr__", "exec", "globals", "setattr", "*")
"""Names that let a module define names that its source does not show."""


def all_problems(where: str, functions: Mapping[str, str]) -> Iterator[Problem]:
    """The `problems` of the functions of a section, each at its key inside `where`."""
    for key, reference in functions.items():
        yield from problems(f"{where}.{key}", reference)


def problems(where: str, reference: str) -> Iterator[Problem]:
    """Reasons why `module:function` cannot be called; the working directory is searched first.

    Args:
        where: config key of the function.
        reference: "module:function".
    """
    module, _, name = reference.partition(":")
    code = function_code(reference, code_memory())
    file = code.files.get(module)
    if file is None and not (code.versions or module.partition(".")[0] in sys.stdlib_module_names):
        allowed = f"there is no module {module}; looked for {Path(*module.split('.')).absolute()}.py"
        yield Problem(where, reference, allowed, "put the file there, or correct the name of the module")
    for problem in code.problems:
        yield Problem(where, reference, f"{problem.where} {problem.allowed}", problem.repair)
    if file and file.suffix == ".py" and not code.problems:
        tree = ast.parse(file.read_bytes())
        names = set(_names(tree))
        if name not in names and not names.intersection(OPEN):
            yield _no_function(where, reference, file, tree)


def _names(tree: ast.Module) -> Iterator[str]:
    """Every name that a module binds anywhere in its source, and the names of `OPEN` that it uses."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Name) and (isinstance(node.ctx, ast.Store) or node.id in OPEN):
            yield node.id


def _no_function(where: str, reference: str, file: Path, tree: ast.Module) -> Problem:
    """A module that does not define the function."""
    name = reference.partition(":")[2]
    known = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    similar = nearest(name, known)
    repair = f"write {reference.partition(':')[0]}:{similar}" if similar else "define it there, or name another one"
    return Problem(where, reference, f"{shown(file)} defines no {name}; it has: {listed(known)}", repair)
