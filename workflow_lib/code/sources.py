"""Analysis of the package's source files. It is cached on disk, because parsing takes longer than a small job."""

import contextlib
import functools
import hashlib
import json
import os
import sys
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from pathlib import Path
from typing import NamedTuple

from workflow_lib.errors import Problem, UserError
from workflow_lib.io.files import atomic

PACKAGE = __name__.split(".")[0]
ROOT = Path(__file__).resolve().parents[2]
SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES, *BYTECODE_SUFFIXES)
"""Suffixes of modules, in the order in which Python looks for them."""
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
    """File of a module of the package, relative to ROOT, in Python's order; None if there is no such module."""
    base = module.replace(".", "/")
    files = (f"{start}{suffix}" for start in (f"{base}/__init__", base) for suffix in SUFFIXES)
    return next((file for file in files if file in list_files()), None)


@functools.cache
def source(module: str) -> bytes:
    """Source of a module of the package, read once so that it cannot change between hashing and parsing."""
    file = file_of(module)
    if file is None:
        raise ValueError(f"no such module: {module}")
    if not file.endswith(".py"):
        allowed = f"Python runs this file, and not the source of {module}"
        raise UserError(Problem(str(ROOT / file), "", allowed, "remove it"))
    return (ROOT / file).read_bytes()


@functools.cache
def read_module(module: str, memory: Path | None = None) -> Module:
    """Analyse a module of the package.

    Args:
        module: its dotted name.
        memory: folder in which the analysis of source files is cached.
    """
    return analyse(source(module), module, str(file_of(module)).endswith("/__init__.py"), memory)


def analyse(source: bytes, module: str, is_package: bool, memory: Path | None = None) -> Module:
    """Analyse the source of a module.

    Args:
        source: its content.
        module: its dotted name.
        is_package: whether it is an `__init__.py`.
        memory: folder in which the analysis of source files is cached.

    Raises:
        SyntaxError, ValueError: it is no Python.
    """
    record = _record(source, module, is_package, memory) if memory else None
    found = _recall(record) if record else None
    if found is None:
        found = _parse(source, module, is_package)
        if record:
            # If the cache is full or read-only, the source is parsed again next time; the job goes on.
            with contextlib.suppress(OSError), atomic(record) as scratch:
                scratch.write_text(json.dumps(found))
    return found


def _parse(source: bytes, module: str, is_package: bool) -> Module:
    import ast

    from workflow_lib.code import syntax

    tree = ast.parse(source)
    return Module(
        digest=syntax.tree_digest(source),
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


def _record(source: bytes, module: str, is_package: bool, memory: Path) -> Path:
    name = hashlib.sha256(f"{_readers()} {module} {is_package}\n".encode() + source).hexdigest()
    return memory / name[:2] / name[2:]


@functools.cache
def _readers() -> str:
    """Digest of the analysis code and the Python version."""
    return hashlib.sha256(b"\n".join([sys.version.encode(), *(file.read_bytes() for file in READERS)])).hexdigest()


@functools.cache
def list_files() -> frozenset[str]:
    """All files of the package that are modules, relative to ROOT."""
    # `Path.rglob` takes ten times as long.
    folders = [(Path(folder).relative_to(ROOT).as_posix(), names) for folder, _, names in os.walk(ROOT / PACKAGE)]
    return frozenset(f"{folder}/{name}" for folder, names in folders for name in names if name.endswith(SUFFIXES))
