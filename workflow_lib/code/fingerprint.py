"""Fingerprint of the code that a module can run: its import closure in this package, and the libraries it uses.

Modules are compared as syntax trees, so comments, docstrings and layout do not matter. Imports inside functions are
included; imports for type checkers are not. Libraries are compared by version. Imports by `importlib` and names that a
package exports lazily cannot be traced; importing a lazy name raises an error here.
"""

import functools
import hashlib
import json
import sys
from pathlib import Path

from workflow_lib.code import libraries, sources

DISTRIBUTION = {"PIL": "pillow", "sklearn": "scikit-learn", "umap": "umap-learn", "yaml": "pyyaml"}
"""Distribution name of libraries whose import name differs from it."""


def closure(module: str, memory: Path | None = None) -> list[str]:
    """Sorted names of all modules of the package that importing and running `module` can load."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        if (current := waiting.pop()) not in seen:
            seen.add(current)
            waiting += _loaded(current, memory)
    return sorted(seen)


@functools.cache
def code_fingerprint(module: str, memory: Path | None = None) -> str:
    """12 hexadecimal digits that change when code that `module` can run changes.

    Args:
        module: a module of this package.
        memory: folder in which the analysis of source files is cached: parsing takes longer than restoring a job.
    """
    modules = closure(module, memory)
    content = {name: sources.read_module(name, memory).digest for name in modules} | _versions(modules, memory)
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def module_digests(module: str, memory: Path | None = None) -> dict[str, str]:
    """12 hexadecimal digits for each module that `module` can run, by name; shows where a fingerprint changed."""
    return {name: sources.read_module(name, memory).digest[:12] for name in closure(module, memory)}


def library_versions(module: str, memory: Path | None = None) -> dict[str, str]:
    """Installed version, without its build tag, of each library that code of `module` imports."""
    return _versions(closure(module, memory), memory)


def forget() -> None:
    """Look at all files again in the next fingerprint: each is read once, so that a job sees one state of the code."""
    for cached in (code_fingerprint, sources.read_module, sources.source, sources.list_files, *libraries.CACHED):
        cached.cache_clear()


def _versions(modules: list[str], memory: Path | None) -> dict[str, str]:
    imported = {name.split(".")[0] for part in modules for name in sources.read_module(part, memory).imports}
    names = imported - set(sys.stdlib_module_names) - {sources.PACKAGE}
    return libraries.versions(DISTRIBUTION.get(name, name) for name in names)


def _loaded(module: str, memory: Path | None) -> set[str]:
    """Modules of the package that `module` imports, and its parent package, whose `__init__` runs too."""
    imports = sources.read_module(module, memory).imports
    # A name imported from a package may be one of its modules.
    names = {module.rpartition(".")[0], *imports, *(f"{base}.{name}" for base in imports for name in imports[base])}
    _refuse_lazy(module, imports, memory)
    return {name for name in names if name.split(".")[0] == sources.PACKAGE and sources.file_of(name)} - {module}


def _refuse_lazy(module: str, imports: dict[str, list[str]], memory: Path | None) -> None:
    """Raise ValueError for a name exported by a package's `__getattr__`: the module that defines it is unknown."""
    for base, names in imports.items():
        if base.split(".")[0] != sources.PACKAGE or "__getattr__" not in sources.read_module(base, memory).defined:
            continue
        defined = sources.read_module(base, memory).defined
        lazy = [name for name in names if name not in defined and not sources.file_of(f"{base}.{name}")]
        if lazy:
            raise ValueError(f"{module} imports {lazy[0]} from {base}, which exports it lazily; name its own module")
