"""Table of the modules of a network: the names that a config can give as layers."""

import contextlib
from collections.abc import Sequence
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from workflow_lib.models.layers import find_layer, layer_names, unfit_reason

COLUMNS = ("module", "kind", "output", "parameters", "problem")


def modules(network: nn.Module, images: Tensor) -> pd.DataFrame:
    """A row for each module, in order of creation, and for `logits`, the output.

    Columns: module (its name), kind (its class), output (shape for one image, such as 64x8x8; of the first call; empty
    if it is not called or does not return one tensor), parameters (their number, with those of its parts), problem (why
    it cannot be a layer; empty if it can).
    """
    outputs: dict[nn.Module, list[object]] = {}

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        outputs.setdefault(module, []).append(output)

    named = {name: find_layer(network, name) for name in layer_names(network)}
    with contextlib.ExitStack() as hooks, torch.inference_mode():
        for module in set(named.values()):
            hooks.callback(module.register_forward_hook(note).remove)
        network.eval()(images)
    rows = []
    for name, module in named.items():
        parameters, calls = sum(part.numel() for part in module.parameters()), outputs.get(module, [])
        rows.append((name, type(module).__name__, _shape(calls), parameters, unfit_reason(calls, len(images))))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _shape(outputs: Sequence[object]) -> str:
    """Shape for one image of the first output of a module, such as 64x8x8."""
    return "x".join(map(str, outputs[0].shape[1:])) if outputs and isinstance(outputs[0], Tensor) else ""
