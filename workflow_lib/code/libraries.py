"""Versions of installed libraries and of those behind them, as from `importlib.metadata`, but faster.

Importing `importlib.metadata` would make a restored job two thirds slower (86 instead of 52 ms of CPU time), because it
loads the e-mail, CSV and ZIP parsers.
"""

import contextlib
import functools
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

NAME = re.compile(r"[\w.-]+")
"""Name of a distribution at the start of a requirement."""

BEHIND = {
    "contourpy": [],
    "fonttools": [],
    "h5py": ["numpy"],
    "joblib": [],
    "kiwisolver": [],
    "librosa": ["numpy", "scipy", "soundfile", "soxr"],
    "llvmlite": [],
    "matplotlib": ["contourpy", "fonttools", "kiwisolver", "numpy", "pillow"],
    "numba": ["llvmlite", "numpy"],
    "numcodecs": [],
    "numpy": [],
    "pandas": ["numpy"],
    "pillow": [],
    "pyarrow": [],
    "pynndescent": ["numba", "scikit-learn"],
    "safetensors": [],
    "scikit-learn": ["joblib", "numpy", "scipy"],
    "scipy": ["numpy"],
    "sentence-transformers": ["torch", "transformers"],
    "soundfile": [],
    "soxr": [],
    "threadpoolctl": [],
    "timm": ["safetensors", "torch", "torchvision"],
    "tokenizers": [],
    "torch": [],
    "torchvision": ["pillow", "torch"],
    "tqdm": [],
    "transformers": ["numpy", "safetensors", "tokenizers", "torch"],
    "umap-learn": ["numba", "pynndescent", "scikit-learn"],
    "xarray": ["numpy", "pandas"],
    "zarr": ["numcodecs", "numpy"],
}
"""Distributions behind a library that can change a result. A library not listed here has all that its metadata require.

Left out are those that carry no numbers (types, progress, configuration), so that a new version of them computes
nothing again, and the CUDA libraries, which a version of torch pins: machines without a GPU can share the cache.
"""

BROUGHT = {"triton"}
"""Distributions that torch brings for GPUs alone, in a version that its own pins: like the CUDA libraries, left out."""


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Version of each of these that is installed and of those behind them, without build tags, by normalised name."""
    found: dict[str, str] = {}
    waiting = [normal(name) for name in distributions]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in BROUGHT and (version := installed_version(name)):
            found[name] = version.split("+")[0]
            waiting += BEHIND[name] if name in BEHIND else _required(name)
    return found


def _required(distribution: str) -> list[str]:
    """Distributions that the metadata of another one require, without its extras."""
    folder = _folders().get(distribution)
    lines = lines_of(folder / "METADATA") if folder else []
    needs = [line.partition(":")[2] for line in lines if line.startswith("Requires-Dist:")]
    return [normal(match[0]) for need in needs if "extra ==" not in need and (match := NAME.search(need))]


def lines_of(file: Path) -> list[str]:
    """Lines of a file of metadata; none if it cannot be read."""
    with contextlib.suppress(OSError):
        return file.read_text("utf-8", errors="replace").splitlines()
    return []


@functools.cache
def installed_version(distribution: str) -> str:
    """Version of an installed distribution, with its build tag; "" if it is not installed."""
    folder = _folders().get(normal(distribution))
    if folder is not None and folder.suffix == ".dist-info":
        with contextlib.suppress(OSError), (folder / "METADATA").open(encoding="utf-8") as lines:
            for line in lines:
                name, _, value = line.partition(":")
                if name == "Version":
                    return value.strip()
    return _version_by_importlib(distribution)


def _version_by_importlib(distribution: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


@functools.cache
def _folders() -> dict[str, Path]:
    """Metadata folder of each distribution, by normalised name; the first on the path wins."""
    found: dict[str, Path] = {}
    for place in sys.path:
        for folder in metadata_folders(place):
            found.setdefault(normal(folder.name.partition("-")[0]), folder)
    return found


def metadata_folders(place: str) -> Iterator[Path]:
    """Metadata folders in an entry of `sys.path`."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(place or "."):
            if entry.name.endswith((".dist-info", ".egg-info")):
                yield Path(place, entry.name)


def normal(distribution: str) -> str:
    """Name of a distribution as installers compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


CACHED = (installed_version, _folders)
"""Functions that look at files once."""
