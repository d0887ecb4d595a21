"""numba's compiler as a typed decorator.

numba keeps machine code on disk. It looks for changes in the file of a function only, not in what that file imports,
and older versions compare only size and time stamp. So the folder is named by the content of the sources.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from importlib.util import source_hash
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numba

P = ParamSpec("P")
T = TypeVar("T")
HERE = Path(__file__).parent


def compiled(*relaxed: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Compile a function to machine code that releases the GIL.

    The function may use other modules of this folder, but none elsewhere.

    Args:
        relaxed: LLVM fast-math flags; without flags, operations follow IEEE 754 in the order written.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        with machine_code_below(_content()):
            dispatcher: Callable[P, T] = numba.njit(nogil=True, cache=True, fastmath=set(relaxed))(function)
        return dispatcher

    return decorate


@contextlib.contextmanager
def machine_code_below(name: str) -> Iterator[None]:
    """Functions whose caching is enabled in the block keep their machine code in a folder of this name."""
    settings: Any = numba.config
    chosen = settings.CACHE_DIR  # of the variable NUMBA_CACHE_DIR
    settings.CACHE_DIR = str(Path(chosen or HERE / "__pycache__") / name)
    try:
        yield
    finally:
        settings.CACHE_DIR = chosen


@functools.cache
def _content() -> str:
    """Digest of all sources of this folder."""
    sources = [file.name.encode() + file.read_bytes() for file in sorted(HERE.glob("*.py"))]
    return f"kstar-{source_hash(b''.join(sources)).hex()}"
