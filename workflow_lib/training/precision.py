"""Arithmetic of products: float32, TF32 or bfloat16. Weights, losses and optimisers are float32 in each case."""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def tensor_cores(precision: str) -> Iterator[None]:
    """Within the block, a GPU multiplies float32 numbers as TF32 if `precision` says so, and else as float32.

    Put it around backward passes, too. A CPU always computes in float32.

    Args:
        precision: float32 | tf32 | bfloat16.
    """
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    _allow_tf32(precision == "tf32", precision == "tf32")
    try:
        yield
    finally:
        _allow_tf32(*before)


def autocast(precision: str, device: str) -> torch.autocast:
    """Within the block, layers compute in bfloat16 if `precision` says so, and else as they are.

    Put it around a forward pass alone: copies of the weights in bfloat16 are kept until its end.

    Args:
        precision: float32 | tf32 | bfloat16.
        device: "cpu" or "cuda".
    """
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16")


def _allow_tf32(products: bool, convolutions: bool) -> None:
    # torch.compile reads these flags, and fails if the newer `fp32_precision` has been set without them.
    torch.backends.cuda.matmul.allow_tf32 = products
    torch.backends.cudnn.allow_tf32 = convolutions
