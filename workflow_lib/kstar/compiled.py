"""numba's compiler as a typed decorator.

numba caches compiled code on disk beside the module, and checks only the module's own file for changes. So compiled
functions that call each other must be in the same module; otherwise an edit of the callee would leave stale code.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
T = TypeVar("T")


def compiled(*relaxed: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Compile a function to machine code that releases the GIL.

    Args:
        relaxed: LLVM fast-math flags; without flags, operations follow IEEE 754 in the order written.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        dispatcher: Callable[P, T] = numba.njit(nogil=True, cache=True, fastmath=set(relaxed))(function)
        return dispatcher

    return decorate
