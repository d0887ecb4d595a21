"""numba's compiler as a typed decorator.

Compiled code is kept on disk beside the module, under a key that knows the module's own file and no other. Compiled
functions that call each other therefore stand in one module, or an edit of the callee would leave stale code behind.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
T = TypeVar("T")


def compiled(*relaxed: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Compile to machine code that runs without the interpreter's lock.

    Args:
        relaxed: LLVM fast-math flags; without any, every operation is rounded as IEEE 754 says, in the order written.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        dispatcher: Callable[P, T] = numba.njit(nogil=True, cache=True, fastmath=set(relaxed))(function)
        return dispatcher

    return decorate
