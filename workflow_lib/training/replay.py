"""Record what a function does on a GPU and replay it, so that small batches do not wait for Python (CUDA graphs)."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

WARM_UP = 3
"""Calls with inputs of a shape before one is recorded: in them, libraries set themselves up."""

MOST = 2
"""Recordings kept: the batches of an epoch have two sizes at most."""

KNOWN = ("torch", "torchvision", "workflow_lib")
"""Packages whose modules and hooks do the same in each call. Others may decide in Python, which is not recorded."""

Outputs = TypeVar("Outputs")


@dataclass(frozen=True)
class _Recording(Generic[Outputs]):
    """A graph, and the tensors that it reads and writes."""

    graph: torch.cuda.CUDAGraph
    inputs: list[Tensor]
    outputs: Outputs


class Replayed(Generic[Outputs]):
    """A function of tensors on a GPU that gives the same bytes as the function itself.

    Outputs are overwritten by the next call. Whatever else the function changes must stay in place.
    """

    def __init__(self, function: Callable[..., Outputs], after: int = WARM_UP) -> None:
        """Record calls with inputs of a shape after `after` others of it, at least `WARM_UP`."""
        self._function, self._after = function, after
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()
        self._calls: Counter[tuple[torch.Size, ...]] = Counter()
        self._recordings: dict[tuple[torch.Size, ...], _Recording[Outputs]] = {}
        self._possible = True

    def __call__(self, *inputs: Tensor) -> Outputs:
        """What the function returns for these inputs."""
        shapes = tuple(value.shape for value in inputs)
        if shapes not in self._recordings:
            self._calls[shapes] += 1
            if not self._possible or self._calls[shapes] <= self._after or not self._record(shapes, inputs):
                return self._beside(inputs)
        found = self._recordings[shapes]
        for own, given in zip(found.inputs, inputs, strict=True):
            own.copy_(given)
        found.graph.replay()
        return found.outputs

    def _beside(self, inputs: Sequence[Tensor]) -> Outputs:
        """Call the function on the stream that will record it."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            outputs = self._function(*inputs)
        torch.cuda.current_stream().wait_stream(self._stream)
        return outputs

    def _record(self, shapes: tuple[torch.Size, ...], inputs: Sequence[Tensor]) -> bool:
        """Record a call, which computes nothing yet; False if that is not possible."""
        while len(self._recordings) >= MOST:
            del self._recordings[next(iter(self._recordings))]
        graph, own = torch.cuda.CUDAGraph(), [value.clone() for value in inputs]
        try:
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                outputs = self._function(*own)
        except RuntimeError as error:  # the network does what cannot be recorded, such as waiting for the GPU
            reason = str(error).strip().partition("\n")[0]
            print(f"not recorded, so slower: {reason}", file=sys.stderr)
            self._possible = False
            return False
        self._recordings[shapes] = _Recording(graph, own, outputs)
        return True


def replayed(
    function: Callable[..., Outputs], network: nn.Module, device: str, after: int = WARM_UP
) -> Callable[..., Outputs]:
    """The function, replayed on a GPU (`Replayed`) if the network consists of known modules and hooks."""
    hooks = [
        hook
        for module in network.modules()
        for kind in (module._forward_hooks, module._forward_pre_hooks)
        for hook in kind.values()
    ]
    known = all(type(part).__module__.partition(".")[0] in KNOWN for part in (*network.modules(), *hooks))
    return Replayed(function, after) if device == "cuda" and known else function
