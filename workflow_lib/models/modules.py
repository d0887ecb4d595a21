"""Table of the modules of a network: the names that a config can give as layers."""

import contextlib
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from workflow_lib.models.layers import find_layer, layer_names

COLUMNS = ("module", "kind", "output", "parameters")


def modules(network: nn.Module, images: Tensor) -> pd.DataFrame:
    """A row for each module, in order of creation, and for `logits`, the output.

    Columns: module (its name), kind (its class), output (shape for one image, such as 64x8x8; of the first call; empty
    if it is not called or does not return one tensor), parameters (their number, with those of its parts).
    """
    shapes: dict[nn.Module, str] = {}

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            shapes.setdefault(module, "x".join(map(str, output.shape[1:])))

    named = {name: find_layer(network, name) for name in layer_names(network)}
    with contextlib.ExitStack() as hooks, torch.inference_mode():
        for module in set(named.values()):
            hooks.callback(module.register_forward_hook(note).remove)
        network.eval()(images)
    rows = [
        (name, type(module).__name__, shapes.get(module, ""), sum(part.numel() for part in module.parameters()))
        for name, module in named.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
