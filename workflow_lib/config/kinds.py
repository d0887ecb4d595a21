"""Check which kinds of data fit where: images, rows of numbers, texts, features."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, get_args

from workflow_lib.config.config import Config
from workflow_lib.config.datasets import Dataset
from workflow_lib.config.models import Augmentation, Model
from workflow_lib.config.sources import Kind
from workflow_lib.errors import Problem, listed, unknown
from workflow_lib.names import ORIGINAL

KINDS: Final[Mapping[str, Kind]] = {
    source: member.kind
    for member in get_args(get_args(Dataset)[0])
    for source in get_args(member.model_fields["source"].annotation)
}
"""Kind of the samples of each source."""
WORDS: Final[Mapping[Kind, str]] = {
    "image": "images",
    "table": "rows of numbers",
    "text": "texts",
    "features": "features",
}
SEEN_BY_NETWORKS: Final[tuple[Kind, ...]] = ("image", "table")


def kind_of(source: object) -> Kind:
    """Kind of the samples of a source; that of unknown ones, whose mistake is reported elsewhere, is image."""
    return KINDS.get(str(source), "image")


def dataset_problems(
    where: str, chosen: Iterable[str], kinds: Mapping[str, Kind], wanted: Sequence[Kind]
) -> Iterator[Problem]:
    """Names that are not those of datasets of these kinds; `kinds` has all datasets."""
    fitting = [name for name, kind in kinds.items() if kind in wanted]
    wanted_words = WORDS[wanted[0]]
    for name in chosen:
        if name not in kinds:
            yield unknown(where, name, f"dataset of {wanted_words}", fitting)
        elif kinds[name] in wanted:
            continue
        elif kinds[name] == "text":
            allowed = f"holds texts, not numbers; datasets of {wanted_words} are: {listed(fitting)}"
            yield Problem(where, name, allowed, f"add a dataset with source: encoded and of: {name}, and name it here")
        else:
            allowed = (
                f"holds {WORDS[kinds[name]]}, not {wanted_words}; datasets of {wanted_words} are: {listed(fitting)}"
            )
            yield Problem(where, name, allowed, f"name a dataset of {wanted_words}")


def model_problems(where: str, model: Model, kinds: Mapping[str, Kind]) -> Iterator[Problem]:
    """Changes of images in the training on rows of numbers, and other data to look at than images or rows."""
    for name in model.examine:
        if name in kinds and kinds[name] in SEEN_BY_NETWORKS and kinds[name] != kinds.get(model.dataset, kinds[name]):
            allowed = f"holds {WORDS[kinds[name]]}, and the model is for {WORDS[kinds[model.dataset]]}"
            yield Problem(f"{where}.examine", name, allowed, "remove it")
    if kinds.get(model.dataset) != "table" or not model.training:
        return
    if model.training.augmentation != Augmentation():
        allowed = f"changes images, and {model.dataset} holds rows of numbers"
        yield Problem(f"{where}.training.augmentation", "", allowed, "remove it")
    if model.training.adversarial:
        allowed = f"needs pixels from 0 to 1, and {model.dataset} holds rows of numbers"
        yield Problem(f"{where}.training.adversarial", "", allowed, "remove it")


def transform_problems(where: str, chosen: Sequence[str], models: Iterable[str], config: Config) -> Iterator[Problem]:
    """Transforms of a study, which change images, where a model sees rows of numbers; () is all of them."""
    changes = [name for name in chosen or config.transforms if name != ORIGINAL]
    for model in models if changes else ():
        dataset = config.models[model].dataset
        if dataset in config.datasets and config.datasets[dataset].kind == "table":
            allowed = f"changes images, and the dataset {dataset} of the model {model} holds rows of numbers"
            yield Problem(where, changes[0], allowed, "write original, or name models of images")


def prototype_problems(where: str, models: Iterable[str], config: Config) -> Iterator[Problem]:
    """Models whose input has no bounds, within which a prototype could be looked for."""
    for model in models:
        name = config.models[model].dataset
        dataset = config.datasets.get(name)
        if dataset is None or dataset.has_bounds():
            continue
        if dataset.source == "encoded":
            allowed = f"sees encoded texts: no text belongs to the numbers that an optimisation would find ({name})"
            yield Problem(where, model, allowed, "name models of images or of tables")
        else:
            allowed = f"sees rows of numbers without bounds ({name}), within which prototypes are looked for"
            yield Problem(where, model, allowed, f"write datasets.{name}.scaling: unit")
