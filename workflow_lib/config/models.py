"""Section `models`: networks, their training, and the layers whose features are kept."""

import math
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, StringConstraints, Tag, ValidationError

from workflow_lib.config import attacks, extras
from workflow_lib.config.attacks import Attack
from workflow_lib.config.fields import (
    FUNCTION,
    LIST,
    UNIQUE,
    Count,
    Name,
    Options,
    Percent,
    Section,
    Seed,
    Text,
    Unique,
    example,
    wrong,
)
from workflow_lib.errors import Problem, unknown
from workflow_lib.models.architectures import ARCHITECTURES, TIMM, TORCHVISION, wrong_options

ARCHITECTURE: Final = rf"^({'|'.join(ARCHITECTURES)}|{TORCHVISION}\w+|{TIMM}[\w.]+|{FUNCTION[1:-1]})$"
PUBLISHED: Final = {"torchvision": TORCHVISION, "timm": TIMM}
"""Values of `weights` that select the weights of a package, and the prefix of their architectures."""


class SeedRange(Section):
    """Seeds start, start + 1, ... (count of them)."""

    start: Seed = 0
    """First seed."""
    count: Annotated[int, Field(ge=1, le=10_000)]
    """How many seeds."""


def _expanded(value: Any) -> Any:
    """Tuple of seeds from a list or {start, count}."""
    if isinstance(value, dict):
        try:
            seeds = SeedRange.model_validate(value)
        except ValidationError:
            raise wrong(
                "must be a list of whole numbers from 0, or {start, count} with a count of 1 to 10000",
                "write for example [0, 1, 2] or {start: 0, count: 3}",
            ) from None
        return tuple(range(seeds.start, seeds.start + seeds.count))
    return tuple(value) if isinstance(value, list) else value


def _with_the_end(intervals: tuple[int, ...]) -> tuple[int, ...]:
    """The intervals in rising order; they must contain the end of the training."""
    if 100 not in intervals:
        raise wrong("must contain 100, the end of the training", "add 100 to the list")
    return tuple(sorted(intervals))


Seeds = Annotated[
    tuple[Seed, ...],
    Field(min_length=1),
    *UNIQUE,
    AfterValidator(lambda seeds: tuple(sorted(seeds))),
    BeforeValidator(_expanded, json_schema_input_type=Annotated[list[Seed], Field(min_length=1)] | SeedRange),
]
Intervals = Annotated[Unique[Percent], AfterValidator(_with_the_end)]


class Augmentation(Section):
    """Random changes of the training images."""

    flip: bool = False
    """Mirror each image left to right with a probability of one half."""
    crop_padding: Annotated[int, Field(ge=0)] = 0
    """Pad each side by this many pixels, then crop the original size at a random position."""


class Training(Section):
    """How a network is trained."""

    epochs: Count
    """Passes over the training split. Every interval must be a whole number of epochs; with `intervals_of: data`, each
    stage has all of them."""
    batch_size: Count = 128
    """Images per step."""
    optimizer: Literal["sgd", "adam", "adamw"] = "adam"
    """Optimizer of the weights."""
    lr: Annotated[float, Field(gt=0)] = 0.001
    """Learning rate: constant, initial (cosine) or highest (onecycle)."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Momentum, for sgd only."""
    nesterov: bool = False
    """Use Nesterov momentum, for sgd only."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Weight decay."""
    schedule: Literal["constant", "cosine", "onecycle"] = "constant"
    """How the learning rate changes over the epochs."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the target probability that is spread evenly over all classes."""
    augmentation: Augmentation = Augmentation()
    """Random changes of the training images; the default changes nothing."""
    adversarial: Attack | None = None
    """Adversarial training (Madry et al. 2017): each batch is replaced by adversarial images, made after the
    augmentation by projected gradient descent away from the label, with the network in eval mode. null trains on clean
    images."""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """Arithmetic of the layers. tf32 rounds the factors of matrix products to TensorFloat-32 on a GPU, and is float32
    on a CPU; bfloat16 runs layers in bfloat16 (mixed precision). Weights, loss and optimizer stay float32."""

    def settings(self) -> dict[str, Any]:
        """The keys as plain values. Without them `adversarial` and `precision` are missing, as in earlier versions."""
        default = {"precision"} if self.precision == "float32" else set()
        return self.model_dump(mode="json", exclude_none=True, exclude=default)


class TrainedWeights(Section):
    """Weights of another model of this config, from one of its checkpoints."""

    model: Name
    """The model, which must be trained here, with the same architecture, options and normalize."""
    seed: Seed = 0
    """One of its seeds."""
    interval: Percent = 100
    """One of its intervals, in percent."""


def _kind_of_weights(value: Any) -> str:
    """Tag of the type that a value of `weights` must have."""
    if value is None:
        return "null"
    return TrainedWeights.__name__ if isinstance(value, (dict, TrainedWeights)) else "file"


Weights = Annotated[
    Annotated[Text, Tag("file")]
    | Annotated[TrainedWeights, Tag(TrainedWeights.__name__)]
    | Annotated[None, Tag("null")],
    Discriminator(_kind_of_weights),
]


class Normalization(Section):
    """Subtract the mean and divide by the standard deviation inside the network; images stay in [0, 1]."""

    mean: Annotated[tuple[float, ...], Field(min_length=1), LIST]
    """Mean of each channel, for images in [0, 1]."""
    std: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1), LIST]
    """Standard deviation of each channel, for images in [0, 1]."""


class Layer(Section):
    """A module of the network whose output is stored as features."""

    module: Text
    """Name of a module of the network, or logits for the network's output."""
    pool: Literal["none", "avg", "max", "cls"] = "none"
    """Pooling of feature maps: none keeps every value, avg and max pool over all positions, cls takes the class token
    of a transformer."""
    channels: Literal["first", "last"] | None = None
    """Which axis of a map holds the channels: first for (n, channel, y, x), last for (n, y, x, channel) and (n, token,
    channel); null detects it, and an error asks for it where that is not possible."""


class Predictions(Section):
    """How the outputs of a network become predictions of the dataset's classes, where it has more of them."""

    map: Text
    """JSON file: {class: [numbers of its outputs, from 0]}, or a list with the class (or null) of each output."""
    rule: Literal["mean_probability", "argmax"] = "mean_probability"
    """mean_probability: the class with the highest mean of its outputs' softmax probabilities (Geirhos et al. 2018);
    argmax: the class of the highest output. Outputs of no class are never predicted."""


def _from_module_name(value: Any) -> Any:
    """Expand the short form `name: module` to the long one."""
    if isinstance(value, str):
        return {"module": value}
    if not isinstance(value, (dict, Layer)):
        raise wrong("must be the name of a module, or {module, pool}", "write for example conv1")
    return value


class Model(Section):
    """One network, trained on one dataset from several seeds, or with loaded weights."""

    model_config = example(
        architecture="resnet18",
        dataset="photos",
        normalize={"mean": [0.49, 0.48, 0.45], "std": [0.25, 0.24, 0.26]},
        training={"epochs": 20, "optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "schedule": "onecycle"},
        seeds={"start": 0, "count": 3},
        intervals=[25, 50, 100],
        layers={"early": {"module": "layer1", "pool": "avg"}, "penultimate": "avgpool", "logits": "logits"},
    )

    architecture: Annotated[str, StringConstraints(pattern=ARCHITECTURE)]
    """A network of this project, of torchvision or timm, or a function of your own (docs/models.md)."""
    dataset: Name
    """Dataset of images to train and test on."""
    examine: Unique[Name] = ()
    """Further datasets of images on which features are extracted, for studies with the key `dataset`. Their images must
    have the shape of the model's own dataset."""
    options: Options = Field(default={})
    """Keyword arguments of the architecture."""
    normalize: Normalization | None = None
    """Normalisation of the images inside the network; null takes that of the weights of torchvision or timm, and leaves
    images in [0, 1] with other weights."""
    weights: Weights = None
    """Initial weights: a file, torchvision or timm for their pretrained ones, or {model, seed, interval} for those of
    another model of this config; null draws them from the seed."""
    predictions: Predictions | None = None
    """How the outputs become predictions; null matches outputs and classes of a dataset by name. If no name fits, there
    are no predictions."""
    training: Training | None = None
    """How the network is trained; null uses `weights` unchanged."""
    seeds: Seeds = (0,)
    """Independent trainings: a list of seeds, or {start, count}. Adding seeds trains only the new ones."""
    intervals: Intervals = (100,)
    """Checkpoints: points of the training at which the network is saved, in percent; must include 100."""
    intervals_of: Literal["epochs", "data"] = "epochs"
    """What intervals are percentages of. epochs: of one training, with checkpoints on the way. data: of the training
    images, which grow from stage to stage; each stage is a full training that starts from the network of the stage
    before."""
    layers: Annotated[
        dict[Name, Annotated[Layer, BeforeValidator(_from_module_name, json_schema_input_type=Text | Layer)]],
        Field(min_length=1),
    ]
    """Layers whose features are studied, as name: module, or name: {module, pool}. Results use these names."""

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets on which features can be extracted, its own one first."""
        return (self.dataset, *self.examine)

    def files(self) -> dict[str, str]:
        """Key and path of every file that must exist before the workflow starts."""
        is_file = isinstance(self.weights, str) and self.weights not in PUBLISHED
        weights = {"weights": str(self.weights)} if is_file else {}
        return weights | ({"predictions.map": self.predictions.map} if self.predictions else {})

    def extras(self) -> dict[str, str]:
        """Key of each value that needs an extra of the project, and the extra."""
        timm = {"architecture": "timm"} if self.architecture.startswith(TIMM) else {}
        is_safetensors = isinstance(self.weights, str) and self.weights.endswith(".safetensors")
        return timm | ({"weights": "safetensors"} if is_safetensors else {})

    def functions(self) -> dict[str, str]:
        """Key and `module:name` of each function from outside; timm, whose version counts, is one of them."""
        if self.architecture.startswith(TIMM) and extras.is_installed("timm"):
            return {"architecture": "timm:create_model"}
        return {"architecture": self.architecture} if ":" in self.architecture else {}


def problems(name: str, model: Model) -> Iterator[Problem]:
    """Contradictions in one model whose values are all well formed."""
    where = f"models.{name}"
    if model.weights in PUBLISHED and not model.architecture.startswith(PUBLISHED[model.weights]):
        yield Problem(
            f"{where}.weights",
            model.weights,
            f"{model.weights} has no weights for the architecture {model.architecture}",
            f"choose an architecture {PUBLISHED[model.weights]}NAME, or name a file",
        )
    if model.normalize and len(model.normalize.mean) != len(model.normalize.std):
        yield Problem(
            f"{where}.normalize",
            f"{len(model.normalize.mean)} means and {len(model.normalize.std)} standard deviations",
            "must have one mean and one standard deviation for each channel",
            "make both lists equally long",
        )
    if known := ARCHITECTURES.get(model.architecture):
        yield from wrong_options(f"{where}.options", model.architecture, model.options)
        for layer_name, layer in model.layers.items():
            block = layer.module.split(".")[0]
            if block not in known.blocks:
                yield unknown(f"{where}.layers.{layer_name}", block, f"module of {model.architecture}", known.blocks)
    if model.training:
        yield from _training_problems(f"{where}.training", model.training)
        if model.intervals_of == "epochs":
            yield from _broken_epochs(f"{where}.training.epochs", model.training.epochs, model.intervals)
    else:
        yield from _untrained_problems(where, model)


def _untrained_problems(where: str, model: Model) -> Iterator[Problem]:
    """Without training, a model needs weights and has one seed and one interval."""
    if model.weights is None:
        yield Problem(where, "", "has neither training nor weights", "add training, or weights to load")
        return
    for key, only in (("seeds", [0]), ("intervals", [100]), ("intervals_of", "epochs")):
        value = model.model_dump(mode="json")[key]
        if value != only:
            allowed = f"must be {only} for a model that is not trained"
            yield Problem(f"{where}.{key}", str(value), allowed, f"remove {key}, or add training")


def _training_problems(where: str, training: Training) -> Iterator[Problem]:
    """Keys that only sgd supports, and what is wrong with the attack."""
    for key, given in (("momentum", training.momentum), ("nesterov", training.nesterov)):
        if given and training.optimizer != "sgd":
            allowed = f"the optimizer {training.optimizer} takes no {key}"
            yield Problem(f"{where}.{key}", str(given).lower(), allowed, f"remove {key}, or use sgd")
    if training.adversarial:
        yield from attacks.problems(f"{where}.adversarial", training.adversarial)
    if training.nesterov and training.optimizer == "sgd" and not training.momentum:
        yield Problem(f"{where}.nesterov", "true", "needs a momentum above 0", "add for example momentum: 0.9")


def _broken_epochs(where: str, epochs: int, intervals: tuple[int, ...]) -> Iterator[Problem]:
    """Intervals that are not a whole number of epochs."""
    broken = [percent for percent in intervals if percent * epochs % 100]
    if broken:
        step = math.lcm(*(100 // math.gcd(100, percent) for percent in intervals))
        below = epochs // step * step
        fitting = f"{below} or {below + step}" if below else str(step)
        shares = ", ".join(f"{percent} % is {percent * epochs / 100:g} epochs" for percent in broken)
        allowed = f"every interval must be a whole number of epochs, but {shares}"
        yield Problem(where, str(epochs), allowed, f"write {fitting}, or change the intervals")
