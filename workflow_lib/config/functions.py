"""Check from the source alone, without running it, that the user functions named in the config can exist."""

import ast
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import Path

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
    file = source_file(module)
    if file is None:
        if not _is_installed(module.partition(".")[0]):
            allowed = f"there is no module {module}; looked for {Path(*module.split('.')).absolute()}.py"
            yield Problem(where, reference, allowed, "put the file there, or correct the name of the module")
        return
    try:
        tree = ast.parse(importlib.util.decode_source(file.read_bytes()))
    except SyntaxError as error:
        place, message = f"{file}:{error.lineno}" if error.lineno else str(file), error.msg
        yield Problem(where, reference, f"{place} is not valid Python: {message}", "correct this line")
    except (ValueError, OSError) as error:  # not UTF-8, zero bytes, or no permission to read
        yield Problem(where, reference, f"{file} cannot be read: {error}", "save it as UTF-8 text that you may read")
    else:
        names = set(_names(tree))
        if name not in names and not names.intersection(OPEN):
            yield _no_function(where, reference, file, tree)


def source_file(module: str) -> Path | None:
    """The file of a module in the working directory; None for an installed module."""
    path = Path(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _is_installed(package: str) -> bool:
    """Whether Python finds a package; the package is not run."""
    if package in sys.modules or PathFinder.find_spec(package, [str(Path.cwd())]):
        return True
    return importlib.util.find_spec(package) is not None


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
    return Problem(where, reference, f"{file} defines no {name}; it has: {listed(known)}", repair)
