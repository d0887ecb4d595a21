"""Optional packages, by the extra of the project that installs them."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any, Final

from workflow_lib.errors import Problem, listed

EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "sound": ("librosa", "soundfile", "soxr"),
    "anndata": ("h5py",),
    "safetensors": ("safetensors",),
    "timm": ("timm",),
    "text": ("sentence_transformers", "transformers"),
}
"""Modules of each extra that are imported here."""


def is_installed(extra: str) -> bool:
    """Whether all modules of an extra can be imported."""
    return not _missing(extra)


def problems(where: str, part: Any, needed: Mapping[str, str]) -> Iterator[Problem]:
    """Problems of the keys of a part of the config, at the key path `where`, that need an extra which is not installed.

    `needed` has the extra by key.
    """
    for key, extra in needed.items():
        if missing := _missing(extra):
            packages = "package" if len(missing) == 1 else "packages"
            allowed = f"needs the {packages} {listed(missing)}, which the extra {extra} installs"
            repair = f"pip install -c constraints.txt -e '.[{extra}]'"
            yield Problem(f"{where}.{key}", getattr(part, key), allowed, repair)


def _missing(extra: str) -> list[str]:
    return [module for module in EXTRAS[extra] if find_spec(module) is None]
