"""Fingerprint of the code that a module can run: its import closure inside this package, as syntax trees.

Comments, docstrings and layout do not count; imports inside functions do. Dispatch by `importlib` is
invisible, and so are names that a package exports lazily: importing such a name is refused here.
"""

import ast
import functools
import hashlib
import json
from pathlib import Path

PACKAGE = __package__
ROOT = Path(__file__).resolve().parent.parent


def closure(module: str) -> list[str]:
    """Sorted names of all modules of the package that importing and running `module` can load."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        if (current := waiting.pop()) not in seen:
            seen.add(current)
            waiting += _imports(current)
    return sorted(seen)


@functools.cache
def code_fingerprint(module: str) -> str:
    """12 hexadecimal digits that change when code that `module` can run changes."""
    digests = {name: _digest(name) for name in closure(module)}
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:12]


def source_fingerprint(path: Path) -> str:
    """12 hexadecimal digits of one source file outside the package, such as a user's own model."""
    return _tree_digest(ast.parse(path.read_bytes()))[:12]


def _file(module: str) -> Path | None:
    base = ROOT.joinpath(*module.split("."))
    return next((p for p in (base / "__init__.py", base.with_suffix(".py")) if p.is_file()), None)


@functools.cache
def _tree(module: str) -> ast.Module:
    file = _file(module)
    if file is None:
        raise ValueError(f"no such module: {module}")
    return ast.parse(file.read_bytes())


@functools.cache
def _digest(module: str) -> str:
    return _tree_digest(_tree(module))


def _tree_digest(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = [statement for statement in node.body if not _is_text(statement)]
            node.body = body or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


def _is_text(statement: ast.stmt) -> bool:
    """A docstring, or the text below an attribute that documents it."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


@functools.cache
def _imports(module: str) -> frozenset[str]:
    """Modules of the package that `module` imports, and its parent, whose `__init__` runs too."""
    found = {module.rpartition(".")[0]}
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= _imported_from(module, node)
    return frozenset(name for name in found if name.split(".")[0] == PACKAGE and _file(name)) - {module}


def _imported_from(module: str, node: ast.ImportFrom) -> set[str]:
    base = node.module or ""
    if node.level:
        is_package = _file(module) == ROOT.joinpath(*module.split("."), "__init__.py")
        parts = module.split(".")
        parent = parts[: len(parts) - node.level + is_package]
        base = ".".join([*parent, *([base] if base else [])])
    names = [alias.name for alias in node.names]
    if base.split(".")[0] == PACKAGE and _file(base):
        lazy = [n for n in names if _is_lazy(base) and not _file(f"{base}.{n}") and n not in _defined(base)]
        if lazy and module != base:
            raise ValueError(f"{module} imports {lazy[0]} from {base}, which exports it lazily: import it from its own module")
    return {base} | {f"{base}.{name}" for name in names}


def _is_lazy(module: str) -> bool:
    return "__getattr__" in _defined(module)


@functools.cache
def _defined(module: str) -> frozenset[str]:
    """Names that the top level of `module` defines."""
    names: set[str] = set()
    for node in _tree(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return frozenset(names)
