"""Networks and weights that come with torchvision."""

import warnings
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.error import URLError

from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError, listed, nearest, yaml_text
from workflow_lib.models.architectures import TORCHVISION, unfit_options
from workflow_lib.models.pretrained import Pretrained
from workflow_lib.models.torchvision_shim import import_torchvision

AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}
"""Beginnings of the names of weights for auxiliary outputs."""


def torchvision_model(architecture: str, in_channels: int, n_classes: int, options: Mapping[str, Any]) -> nn.Module:
    """Classification network `torchvision/NAME` with `n_classes` outputs; options go to torchvision.

    Raises:
        UserError: no such network (the error suggests a similar name), options that it does not take, or images
            without three channels.
    """
    models = import_torchvision().models
    names = models.list_models(models)
    name = architecture.removeprefix(TORCHVISION)
    if name not in names:
        similar = nearest(name, names)
        repair = f"write {TORCHVISION}{similar}" if similar else "choose one of these"
        raise UserError(Problem("architecture", architecture, f"torchvision has: {listed(names)}", repair))
    if in_channels != 3:
        raise UserError(
            Problem(
                "architecture",
                architecture,
                f"torchvision's networks take three channels and the images have {in_channels}",
                "take small_cnn or resnet18, or wrap the network in a function of your own",
            )
        )
    try:
        network: nn.Module = models.get_model(name, weights=None, num_classes=n_classes, **options)
    except Exception as error:  # of any kind, from the options
        raise UserError(unfit_options("torchvision", name, options, error)) from error
    return network


def torchvision_pretrained(architecture: str, weights: str) -> Pretrained | None:
    """What torchvision's weights for `torchvision/NAME` were made with; None if these are not torchvision's.

    Args:
        architecture: torchvision/NAME.
        weights: "torchvision", or a file, which is torchvision's if it has the name that torchvision gives it.
    """
    models, name = import_torchvision().models, architecture.removeprefix(TORCHVISION)
    if name not in models.list_models(models):
        return None
    official = models.get_model_weights(name)
    files = {PurePosixPath(entry.url).name: entry for entry in official}
    entry = official.DEFAULT if weights == "torchvision" else files.get(Path(weights).name)
    if entry is None:
        return None
    options: dict[str, Any] = {"transform_input": True} if name in AUXILIARY else {}
    if name.startswith("vit_"):
        options = {"image_size": entry.meta["min_size"][0]}
    preset = entry.transforms()
    (resize,), (crop,) = preset.resize_size, preset.crop_size
    normalize = {"mean": list(preset.mean), "std": list(preset.std)}
    return Pretrained(options, normalize, (crop, crop), resize, preset.interpolation.value)


def torchvision_weights(architecture: str, options: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights that torchvision recommends for `torchvision/NAME`, from its own cache or the network.

    They are those of the network that torchvision makes with them, because some files have older names.

    Raises:
        UserError: torchvision has no weights for this architecture or not with these options, or they cannot be
            downloaded.
    """
    if not architecture.startswith(TORCHVISION):
        raise UserError(
            Problem(
                "weights",
                "torchvision",
                f"torchvision has no weights for {architecture}",
                "name a file of weights, or an architecture torchvision/NAME",
            )
        )
    models = import_torchvision().models
    name = architecture.removeprefix(TORCHVISION)
    weights = models.get_model_weights(name).DEFAULT
    whole = {"aux_logits": True} if name in AUXILIARY else {}
    try:
        weights.get_state_dict(progress=False, check_hash=True)  # into the cache
    except (URLError, OSError, RuntimeError) as error:
        raise UserError(
            Problem(
                "weights",
                "torchvision",
                f"{weights.url} cannot be fetched ({error})",
                "connect to the network, or fetch this file elsewhere and name it as weights",
            )
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the auxiliary outputs of googlenet are not trained
            network: nn.Module = models.get_model(name, weights=weights, progress=False, **{**options, **whole})
    except (TypeError, ValueError, RuntimeError) as error:
        reason = f"torchvision's weights do not fit {architecture} with these options ({error})"
        raise UserError(Problem("options", yaml_text(dict(options)), reason, "remove those that do not fit")) from error
    left_out = () if options.get("aux_logits", True) else AUXILIARY.get(name, ())
    return {key: value for key, value in network.state_dict().items() if not key.startswith(left_out)}
