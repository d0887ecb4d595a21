"""Compile the computation of a batch, where it is repeated often enough to pay."""

import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

MANY_BATCHES = 4000
"""Compiling takes some 20 seconds on a GPU, so it pays from this number of batches of a stack on."""

OPTIONS = {"deterministic": True}
"""Kernels are not chosen by timing them, so that equal trainings give equal bytes."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function, compiled for the shapes that it meets; as it is, if the first call shows that it cannot be."""
    chosen: Callable[Arguments, Result] | None = None

    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        nonlocal chosen
        if chosen is not None:
            return chosen(*args, **kwargs)
        try:
            chosen = torch.compile(function, dynamic=False, options={**OPTIONS})
            return chosen(*args, **kwargs)
        except Exception as error:  # torch raises many kinds, such as for want of Triton or of a compiler
            reason = str(error).strip().partition("\n")[0]
            print(f"not compiled, so slower: {type(error).__name__}: {reason}", file=sys.stderr)
            chosen = function
            return function(*args, **kwargs)

    return call
