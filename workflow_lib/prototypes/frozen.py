"""A trained network prepared for optimising its input: frozen weights, folded batch norm, features beside logits."""

import contextlib
import copy
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from workflow_lib.errors import Problem, UserError
from workflow_lib.models.channels import AXES, pooling_axis
from workflow_lib.models.layers import OUTPUT, find_layer, head_name, inner, pooled
from workflow_lib.models.normalization import Classifier

NORMS = {nn.Conv1d: nn.BatchNorm1d, nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}
"""The batch norm that can follow each convolution."""

SAME = 1e-4
"""Largest relative change of logits or features of noise by folding; if it is larger, nothing is folded."""

HEAD_UNKNOWN = Problem(
    "layer",
    "head_input",
    "which linear layer gives the logits, so that its input could be taken, cannot be told",
    "name layers of the model in the study: layer: NAME",
)


class Frozen(nn.Module):
    """Logits and features of images in [0, 1], in eval mode, with weights that take no gradient.

    Attributes:
        network: a copy of the classifier, including its normalisation.
        image_shape: (channels, y, x).
        outputs: number of logits.
        width: length of a feature vector.
        memory_format: of batches of images: channels last if they are 4-D.
    """

    def __init__(self, network: Classifier, tap: "_Tap", image_shape: Sequence[int]) -> None:
        super().__init__()
        self.network, self.tap = network, tap
        self.image_shape = tuple(image_shape)
        only_2d = len(image_shape) == 3 and all(parameter.dim() <= 4 for parameter in network.parameters())
        self.memory_format = torch.channels_last if only_2d else torch.contiguous_format
        network.eval().requires_grad_(False).to(memory_format=self.memory_format)  # type: ignore[call-overload]
        with torch.no_grad():
            logits, features = self(torch.full((2, *image_shape), 0.5))
        if len(features) != 2:
            raise tap.unfit("does not return a row per image")
        self.outputs, self.width = logits.shape[1], features.shape[1]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (b, outputs), with a gradient for the images, and features (b, width), without one."""
        self.tap.features = None
        logits: Tensor = self.network(images)
        if self.tap.features is None:
            raise self.tap.unfit("is not reached when the network classifies an image")
        features, self.tap.features = self.tap.features, None
        return logits, features


def frozen(
    network: Classifier,
    module: str | None,
    image_shape: Sequence[int],
    *,
    pool: str = "avg",
    channels: str | None = None,
    device: str = "cpu",
) -> Frozen:
    """A frozen copy of `network` on the device; the original is unchanged.

    Batch norm is folded into the convolution before it if nothing else uses that convolution's output. In a network
    that cannot be traced nothing is folded: the numbers are the same, but each step takes longer.

    Args:
        network: maps images in [0, 1] to logits.
        module: name of the one whose output is the feature vector (`logits`: the network's output); None: the
            input of the linear layer that gives the logits (docs/science.md 2.3).
        image_shape: (channels, y, x).
        pool: none | avg | max, over the positions of maps, such as (b, c, y, x), and the tokens of sequences
            (b, token, c); `none` flattens them. Vectors are unchanged.
        channels: first | last: the axis of the channels in maps; None: it is found.
        device: "cpu" or "cuda".

    Raises:
        UserError: there is no such layer; which layer gives the logits, or which axis holds the channels, cannot be
            told; or the layer does not return one tensor with a row per image.
    """
    plain, folded = (copy.deepcopy(network).cpu().eval() for _ in range(2))
    tap = _tap(plain, module, image_shape, pool, channels)
    slow = _tapped(plain, tap, image_shape)
    if _fold(inner(folded), module):
        with contextlib.suppress(Exception):  # a user's network may use its batch norms in any way
            quick = _tapped(folded, copy.copy(tap), image_shape)
            if _alike(quick, slow):
                return quick.to(device)
    return slow.to(device)


def stored_layer(network: Classifier, image_shape: Sequence[int]) -> str | None:
    """The layer whose features a set of prototypes stores, for `frozen`: None, or the logits if None cannot be told."""
    return OUTPUT if head_name(network, image_shape) is None else None


class _Tap:
    """A hook that keeps the feature vectors of a forward pass; an object, so that deepcopy copies it too."""

    def __init__(self, layer: str, before: bool, pool: str, axis: int) -> None:
        self.layer, self.before, self.pool, self.axis = layer, before, pool, axis
        self.features: Tensor | None = None

    def __call__(self, module: nn.Module, inputs: Any, output: Any = None) -> None:
        value = inputs[0] if self.before else output
        if self.features is not None:
            raise self.unfit("is passed more than once for one image")
        if not isinstance(value, Tensor) or value.ndim < 2:
            raise self.unfit("does not return one tensor with a row per image")
        # A copy, because an in-place operation may follow.
        self.features = pooled(value.detach(), self.pool, self.axis).flatten(1).clone()

    def unfit(self, reason: str) -> UserError:
        return UserError(Problem("layer", self.layer, f"this layer {reason}", "name another layer"))


def _tap(network: Classifier, layer: str | None, image_shape: Sequence[int], pool: str, channels: str | None) -> _Tap:
    """The hook for the output of a layer, or for the input of the one that gives the logits."""
    if layer is not None:
        return _Tap(layer, False, pool, pooling_axis(network, image_shape, layer, pool, channels, "layer"))
    head = head_name(network, image_shape)
    if head is None:
        raise UserError(HEAD_UNKNOWN)
    last = isinstance(inner(network).get_submodule(head), nn.Linear)
    return _Tap(head, True, pool, AXES["last" if last else "first"])


def _tapped(network: Classifier, tap: _Tap, image_shape: Sequence[int]) -> Frozen:
    if tap.before:
        inner(network).get_submodule(tap.layer).register_forward_pre_hook(tap)  # also if the head is called "logits"
    else:
        find_layer(network, tap.layer, "layer").register_forward_hook(tap)
    return Frozen(network, tap, image_shape)


def _fold(network: nn.Module, layer: str | None) -> bool:
    """Fold batch norms in place and return whether there were any; the output of `layer` does not change."""
    pairs = _foldable(network, layer)
    conv: Any  # of one of the types in NORMS, and so is norm
    norm: Any
    for conv_name, norm_name in pairs:
        conv, norm = network.get_submodule(conv_name), network.get_submodule(norm_name)
        _replace(network, conv, fuse_conv_bn_eval(conv, norm))
        _replace(network, norm, nn.Identity())
    return bool(pairs)


def _replace(network: nn.Module, old: nn.Module, new: nn.Module) -> None:
    for parent in network.modules():
        for name, child in parent.named_children():
            if child is old:
                setattr(parent, name, new)


def _foldable(network: nn.Module, layer: str | None) -> list[tuple[str, str]]:
    """Names of (convolution, batch norm) in which only the batch norm uses the convolution's output."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            nodes = list(fx.Tracer().trace(copy.deepcopy(network)).nodes)  # tracing may leave traces in the modules
    except Exception:  # the user's forward may raise anything when it gets a proxy instead of an image
        return []
    modules = dict(network.named_modules())
    passes = Counter(node.target for node in nodes if node.op == "call_module")
    looked_into = {str(node.target).rpartition(".")[0] for node in nodes if node.op == "get_attr"}

    def plain(node: Any, kinds: Sequence[type[nn.Module]]) -> bool:
        """Called once, of exactly one of these types, without hooks, its parameters used nowhere else."""
        if not isinstance(node, fx.Node) or node.op != "call_module" or passes[node.target] > 1:
            return False
        module = modules[str(node.target)]
        hooks = module._forward_hooks or module._forward_pre_hooks
        return type(module) in kinds and not hooks and node.target not in looked_into

    def seen(conv: str, norm: str) -> bool:
        """Whether `layer` returns the convolution's output without its norm."""
        inside = [f"{name}.".startswith(f"{layer}.") for name in (conv, norm)]
        return layer != OUTPUT and inside == [True, False]

    pairs = []
    for node in nodes:
        conv: Any = node.args[0] if node.args else None
        if not plain(node, list(NORMS.values())) or not plain(conv, list(NORMS)) or len(conv.users) > 1:
            continue
        names = str(conv.target), str(node.target)
        norm = modules[names[1]]
        fits = NORMS[type(modules[names[0]])] is type(norm) and norm.running_mean is not None
        if fits and not seen(*names):
            pairs.append(names)
    return pairs


def _alike(one: Frozen, other: Frozen) -> bool:
    """Whether both return the same logits and features for two images of noise, up to `SAME`."""
    noise = torch.rand(2, *one.image_shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return all(
            bool((a - b).abs().max() <= SAME * b.abs().max()) for a, b in zip(one(noise), other(noise), strict=True)
        )
