"""Where Python finds a module, without running it: in the order of `sys.path`, the working directory first."""

import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, NamedTuple

STANDARD = Path(os.__file__).parent
"""Folder of the standard library."""
SHARED = ("site-packages", "dist-packages")
"""Names of the folders into which installers put packages."""


class Place(NamedTuple):
    """A module as Python would import it.

    Attributes:
        file: its source, byte code, extension module, or member of a zip archive; None for a namespace package.
        folders: where its submodules are looked for; empty if it is no package.
        loader: reads it.
        root: entry of `sys.path` that it belongs to; None for a namespace package.
    """

    file: Path | None
    folders: list[str]
    loader: Any
    root: Path | None


class Search:
    """Modules as they can be found now; each is looked for once."""

    def __init__(self) -> None:
        importlib.invalidate_caches()
        self._found: dict[str, Place | None] = {}

    def find(self, module: str) -> Place | None:
        """Place of a module; None if there is no such file, as for modules that are part of the interpreter."""
        if module not in self._found:
            self._found[module] = self._look(module)
        return self._found[module]

    def _look(self, module: str) -> Place | None:
        parent = module.rpartition(".")[0]
        if not parent:
            return _place(module, _spec(module, search_path()) or _by_other_finders(module))
        above = self.find(parent)
        return _place(module, _spec(module, above.folders)) if above else None


def search_path() -> list[str]:
    """Folders in which a job looks for modules."""
    return [str(Path.cwd()), *sys.path]


def is_standard(root: Path) -> bool:
    """Whether an entry of `sys.path` belongs to the standard library."""
    inside = root.relative_to(STANDARD).parts if root.is_relative_to(STANDARD) else SHARED
    return not set(SHARED).intersection(inside)


def is_shared(folder: str | Path) -> bool:
    """Whether a folder belongs to the standard library or to those into which installers put packages."""
    path = Path(folder)
    return is_standard(path) or bool(set(SHARED).intersection(path.parts))


def _spec(module: str, folders: Sequence[str]) -> ModuleSpec | None:
    """What `PathFinder` finds; that one needs the parents of a namespace package to be imported."""
    portions: list[str] = []
    for folder in folders:
        finder = pkgutil.get_importer(folder or str(Path.cwd()))
        spec = finder.find_spec(module) if finder else None
        if spec is not None and spec.loader is not None:
            return spec
        portions += (spec.submodule_search_locations or []) if spec else []
    if not portions:
        return None
    namespace = ModuleSpec(module, None, is_package=True)
    namespace.submodule_search_locations = portions
    return namespace


def _by_other_finders(module: str) -> ModuleSpec | None:
    """What the finders of editable installations find."""
    own = (BuiltinImporter, FrozenImporter, PathFinder)
    others = [finder for finder in sys.meta_path if finder not in own]
    return next((spec for finder in others if (spec := finder.find_spec(module, None))), None)


def _place(module: str, spec: ModuleSpec | None) -> Place | None:
    if spec is None:
        return None
    folders = [*(spec.submodule_search_locations or [])]
    if spec.loader is None or not spec.origin:
        return Place(None, folders, None, None) if folders else None
    file = Path(spec.origin)
    is_package = spec.submodule_search_locations is not None
    return Place(file, folders, spec.loader, file.parents[module.count(".") + is_package])
