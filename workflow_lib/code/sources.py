"""Analysis of the package's source files. It is cached on disk, because parsing takes longer than a small job."""

import contextlib
import functools
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

from workflow_lib.io.files import atomic

PACKAGE = __name__.split(".")[0]
ROOT = Path(__file__).resolve().parents[2]
READERS = [Path(__file__), Path(__file__).with_name("syntax.py")]
"""Files of the analysis code; changing them invalidates cached results."""


class Module(NamedTuple):
    """Facts about a module that determine which code it can run, and how to call it if it is a step.

    Attributes:
        digest: SHA-256 of its syntax tree without docstrings; comments and layout do not matter.
        imports: imported names, by module; imports for type checkers only are left out.
        defined: names defined at its top level.
        arguments: type of each keyword argument of the function with the module's name.
    """

    digest: str
    imports: dict[str, list[str]]
    defined: list[str]
    arguments: dict[str, str]


def file_of(module: str) -> str | None:
    """Source file of a module of the package, relative to ROOT; None if there is no such module."""
    base = module.replace(".", "/")
    return next((file for file in (f"{base}/__init__.py", f"{base}.py") if file in _files()), None)


@functools.cache
def source(module: str) -> bytes:
    """Source of a module of the package, read once so that it cannot change between hashing and parsing."""
    file = file_of(module)
    if file is None:
        raise ValueError(f"no such module: {module}")
    return (ROOT / file).read_bytes()


@functools.cache
def read_module(module: str, memory: Path | None = None) -> Module:
    """Analyse a module of the package.

    Args:
        module: its dotted name.
        memory: folder in which the analysis of source files is cached.
    """
    record = _record(module, memory) if memory else None
    found = _recall(record) if record else None
    if found is None:
        found = _parse(module)
        if record:
            # If the cache is full or read-only, the source is parsed again next time; the job goes on.
            with contextlib.suppress(OSError), atomic(record) as scratch:
                scratch.write_text(json.dumps(found))
    return found


def _parse(module: str) -> Module:
    import ast

    from workflow_lib.code import syntax

    tree, is_package = ast.parse(source(module)), str(file_of(module)).endswith("/__init__.py")
    return Module(
        digest=syntax.tree_digest(source(module)),
        imports=syntax.imports(tree, module, is_package),
        defined=syntax.defined(tree),
        arguments=syntax.arguments(tree, module.rpartition(".")[2]),
    )


def _recall(record: Path) -> Module | None:
    try:
        digest, imports, defined, arguments = json.loads(record.read_bytes())
        imports = {base: list(names) for base, names in imports.items()}
        return Module(str(digest), imports, list(defined), dict(arguments))
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _record(module: str, memory: Path) -> Path:
    name = hashlib.sha256(f"{_readers()} {file_of(module)}\n".encode() + source(module)).hexdigest()
    return memory / name[:2] / name[2:]


@functools.cache
def _readers() -> str:
    """Digest of the analysis code and the Python version."""
    return hashlib.sha256(b"\n".join([sys.version.encode(), *(file.read_bytes() for file in READERS)])).hexdigest()


@functools.cache
def _files() -> frozenset[str]:
    """All source files of the package, relative to ROOT."""
    # `Path.rglob` takes ten times as long.
    folders = [(Path(folder).relative_to(ROOT).as_posix(), names) for folder, _, names in os.walk(ROOT / PACKAGE)]
    return frozenset(f"{folder}/{name}" for folder, names in folders for name in names if name.endswith(".py"))
