"""Networks and weights of timm, an optional package.

timm is not imported by a statement, because every step that builds networks would then depend on its version. A model
that uses it has this version in its settings (`config.models.Model.functions`).
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError, listed, write_nearest
from workflow_lib.models.architectures import TIMM, unfit_options
from workflow_lib.models.pretrained import Pretrained
from workflow_lib.models.torchvision_shim import import_torchvision
from workflow_lib.optional import optional

SHOWN = 20


def timm_model(architecture: str, in_channels: int, n_classes: int, options: Mapping[str, Any]) -> nn.Module:
    """Classification network `timm/NAME` or `timm/NAME.TAG` with `n_classes` outputs; options go to timm.

    Raises:
        UserError: timm is not installed, it has no such network (the error suggests a similar name), or the options do
            not fit.
    """
    timm, name = _timm(architecture)
    try:
        network: nn.Module = timm.create_model(name, num_classes=n_classes, in_chans=in_channels, **options)
    except Exception as error:  # of any kind, from the options
        raise UserError(unfit_options("timm", name, options, error)) from error
    return network


def timm_pretrained(architecture: str, weights: str) -> Pretrained | None:
    """What timm's weights for `timm/NAME` were made with; None if timm has none, or `weights` is a file."""
    timm, name = _timm(architecture)
    settings = timm.get_pretrained_cfg(name)
    if weights != "timm" or settings is None:
        return None
    height, width = settings.input_size[1:]
    normalize = {"mean": list(settings.mean), "std": list(settings.std)}
    return Pretrained({}, normalize, (height, width), int(height / settings.crop_pct), settings.interpolation)


def timm_weights(architecture: str, options: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights that timm has for `timm/NAME`, from the cache of its hub or the network.

    Raises:
        UserError: timm has no such weights, or they cannot be fetched, or they do not fit the options.
    """
    timm, name = _timm(architecture)
    try:
        network: nn.Module = timm.create_model(name, pretrained=True, **options)
    except Exception as error:  # of many kinds: of the network, the hub, the file, the options
        reason = f"timm cannot give the weights of {name}: {type(error).__name__}: {error}"
        repair = "connect to the network, or fetch their file elsewhere and name it as weights"
        raise UserError(Problem("weights", "timm", reason, repair)) from error
    return network.state_dict()


def _timm(architecture: str) -> tuple[Any, str]:
    """The package, and the name of a network that it has."""
    import_torchvision()  # timm imports it, too
    timm, name = optional("timm", "timm"), architecture.removeprefix(TIMM)
    plain, _, tag = name.partition(".")
    names = timm.list_models()
    if plain not in names:
        allowed = f"timm has no such network among its {len(names)}"
        repair = write_nearest(plain, names, "take a name of timm.list_models()")
        raise UserError(Problem("architecture", architecture, allowed, repair.replace("write ", f"write {TIMM}")))
    tagged = timm.list_models(f"{plain}.*", include_tags=True)
    if tag and name not in tagged:
        allowed = f"timm has: {listed(tagged, SHOWN)}"
        repair = write_nearest(name, tagged).replace("write ", f"write {TIMM}")
        raise UserError(Problem("architecture", architecture, allowed, repair))
    return timm, name
