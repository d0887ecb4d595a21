"""Functions of the user's own: told from the source alone, without running it, whether they can be there."""

import ast
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import Path

from workflow_lib.errors import Problem, listed, nearest

OPEN = ("__getattr__", "exec", "globals", "setattr", "*")
"""Names by which a module can get more names than its source shows."""


def all_problems(where: str, functions: Mapping[str, str]) -> Iterator[Problem]:
    """The `problems` of a section's functions, each at its key below `where`."""
    for key, reference in functions.items():
        yield from problems(f"{where}.{key}", reference)


def problems(where: str, reference: str) -> Iterator[Problem]:
    """What keeps `module:function`, looked for from the working directory on, from being called.

    Args:
        where: key that names the function.
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
    except (ValueError, OSError) as error:  # other than UTF-8; bytes of zero; a file that may not be read
        yield Problem(where, reference, f"{file} cannot be read: {error}", "save it as UTF-8 text that you may read")
    else:
        names = set(_names(tree))
        if name not in names and not names.intersection(OPEN):
            yield _no_function(where, reference, file, tree)


def source_file(module: str) -> Path | None:
    """The file of a module below the working directory; None for an installed one."""
    path = Path(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _is_installed(package: str) -> bool:
    """Whether Python would find a package, which is not run."""
    if package in sys.modules or PathFinder.find_spec(package, [str(Path.cwd())]):
        return True
    return importlib.util.find_spec(package) is not None


def _names(tree: ast.Module) -> Iterator[str]:
    """Every name that the source of a module binds anywhere, and those of `OPEN` that it uses."""
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
