"""Exact k* distributions: how far a sample's own class reaches in its neighbourhood (docs/science.md 1).

Names are loaded on first use: computing k* needs numba and summarising it needs pandas. A step that does only one of
them neither imports the other library nor depends on the other code.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflow_lib.kstar.exact import KStarResult, kstar, neighbourhood
    from workflow_lib.kstar.summary import summarize

__all__ = ["KStarResult", "kstar", "neighbourhood", "summarize"]

_HOMES = {"KStarResult": "exact", "kstar": "exact", "neighbourhood": "exact", "summarize": "summary"}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
