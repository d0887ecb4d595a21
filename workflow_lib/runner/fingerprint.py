"""Fingerprint of the code that a module can run: its import closure in this package, and the libraries it uses.

Modules count as syntax trees, so comments, docstrings and layout do not matter; imports inside functions
count, those for type checkers do not. Libraries count by their version. Dispatch by `importlib` is invisible,
and so are names that a package exports lazily: importing such a name is refused here.
"""

import ast
import contextlib
import functools
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from workflow_lib.files import atomic

PACKAGE = __name__.split(".")[0]
ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTION = {"PIL": "pillow", "sklearn": "scikit-learn", "umap": "umap-learn", "yaml": "pyyaml"}
"""Name under which a library is installed, where it is not the name under which it is imported."""


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
def code_fingerprint(module: str, memory: Path | None = None) -> str:
    """12 hexadecimal digits that change when code that `module` can run changes.

    Args:
        module: a module of this package.
        memory: folder that remembers what was found in equal sources: to parse them takes longer than to restore a job.
    """
    record = _record(module, memory) if memory else None
    parts = _recall(record) if record else None
    if parts is None:
        parts = {name: _digest(name) for name in closure(module)}, _libraries(module)
        if record:
            _remember(parts, record)
    digests, libraries = parts
    content = digests | _versions(libraries)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def _recall(record: Path) -> tuple[dict[str, str], list[str]] | None:
    try:
        digests, libraries = json.loads(record.read_bytes())
        return dict(digests), list(libraries)
    except (OSError, ValueError, TypeError):
        return None


def _remember(parts: tuple[dict[str, str], list[str]], record: Path) -> None:
    with contextlib.suppress(OSError), atomic(record) as scratch:
        scratch.write_text(json.dumps(parts))


def _record(module: str, memory: Path) -> Path:
    digest = hashlib.sha256(sys.version.encode())  # another Python may parse otherwise
    for file, source in _sources().items():
        digest.update(f"{file} {hashlib.sha256(source).hexdigest()}\n".encode())
    return memory / digest.hexdigest() / module


@functools.cache
def _sources() -> dict[str, bytes]:
    """Every source of the package by its path, read once: no edit comes between telling them apart and parsing them."""
    files = [path for path in sorted((ROOT / PACKAGE).rglob("*.py")) if path.is_file()]
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in files}


def module_digests(module: str) -> dict[str, str]:
    """12 hexadecimal digits for each module that `module` can run, by name: tells where a fingerprint changed."""
    return {name: _digest(name)[:12] for name in closure(module)}


def library_versions(module: str) -> dict[str, str]:
    """Installed version, without its build tag, of each library that code of `module` imports."""
    return _versions(_libraries(module))


def _libraries(module: str) -> list[str]:
    names = {name.split(".")[0] for part in closure(module) for name in _imported(part)}
    return sorted(names - set(sys.stdlib_module_names) - {PACKAGE})


def _versions(libraries: list[str]) -> dict[str, str]:
    return {name: version for name in libraries if (version := _version(DISTRIBUTION.get(name, name)))}


@functools.cache
def _version(distribution: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(distribution).split("+")[0]
    except metadata.PackageNotFoundError:
        return ""


def source_fingerprint(path: Path) -> str:
    """12 hexadecimal digits of one source file outside the package, such as a user's own model."""
    return _tree_digest(path.read_bytes())[:12]


def _file(module: str) -> str | None:
    base = module.replace(".", "/")
    return next((file for file in (f"{base}/__init__.py", f"{base}.py") if file in _sources()), None)


@functools.cache
def syntax_tree(module: str) -> ast.Module:
    """The parsed source of a module of the package; not to be changed."""
    return ast.parse(_source(module))


def _source(module: str) -> bytes:
    file = _file(module)
    if file is None:
        raise ValueError(f"no such module: {module}")
    return _sources()[file]


@functools.cache
def _digest(module: str) -> str:
    return _tree_digest(_source(module))


def _tree_digest(source: bytes) -> str:
    # Parsed anew, because docstrings are taken out of it: copying a tree takes ten times as long.
    return hashlib.sha256(ast.unparse(_Bare().visit(ast.parse(source))).encode()).hexdigest()


class _Bare(ast.NodeTransformer):
    """Takes out docstrings and the texts below attributes that document them."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)] or [ast.Pass()]
        return node


def _is_text(statement: ast.stmt) -> bool:
    """A docstring, or the text below an attribute that documents it."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _imports(module: str) -> set[str]:
    """Modules of the package that `module` imports, and its parent, whose `__init__` runs too."""
    names = _imported(module) | {module.rpartition(".")[0]}
    return {name for name in names if name.split(".")[0] == PACKAGE and _file(name)} - {module}


@functools.cache
def _imported(module: str) -> frozenset[str]:
    """Dotted names that `module` imports; a name imported from a package may be a module of it."""
    found: set[str] = set()
    for node in _running(syntax_tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= _imported_from(module, node)
    return frozenset(found)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it, less what stands under `if TYPE_CHECKING`."""
    yield node
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        children: list[ast.AST] = [*node.orelse]
    else:
        children = [*ast.iter_child_nodes(node)]
    for child in children:
        yield from _running(child)


def _imported_from(module: str, node: ast.ImportFrom) -> set[str]:
    base = node.module or ""
    if node.level:
        parts = module.split(".")
        is_package = _file(module) == f"{module.replace('.', '/')}/__init__.py"
        base = ".".join([*parts[: len(parts) - node.level + is_package], *([base] if base else [])])
    names = [alias.name for alias in node.names]
    if base.split(".")[0] == PACKAGE and "__getattr__" in _defined(base):
        lazy = [n for n in names if n not in _defined(base) and not _file(f"{base}.{n}")]
        if lazy:
            raise ValueError(f"{module} imports {lazy[0]} from {base}, which exports it lazily; name its own module")
    return {base} | {f"{base}.{name}" for name in names}


@functools.cache
def _defined(module: str) -> frozenset[str]:
    """Names that the top level of `module` defines."""
    names: set[str] = set()
    for node in syntax_tree(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return frozenset(names)
