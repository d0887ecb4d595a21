"""Dissimilarity tensors C and R of a set of prototypes, and their statistics (docs/science.md 2.4 to 2.6).

Names are loaded on first use: the tensors need NumPy only, the store xarray and zarr, the tables pandas and scipy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflow_lib.dissimilarity.cosine import Block, stream, tensors
    from workflow_lib.dissimilarity.measures import Quality, quality
    from workflow_lib.dissimilarity.store import stored, write
    from workflow_lib.dissimilarity.summary import Selection, Summary, summarise

__all__ = [
    "Block",
    "Quality",
    "Selection",
    "Summary",
    "quality",
    "stored",
    "stream",
    "summarise",
    "tensors",
    "write",
]

_HOMES = {
    "Block": "cosine",
    "stream": "cosine",
    "tensors": "cosine",
    "Quality": "measures",
    "quality": "measures",
    "stored": "store",
    "write": "store",
    "Selection": "summary",
    "Summary": "summary",
    "summarise": "summary",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
