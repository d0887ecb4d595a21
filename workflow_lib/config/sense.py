"""Check that the parts of a config fit together: names that refer to nothing, values that contradict each other."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workflow_lib.config import confusion, datasets, edges, extras, functions, kinds, models, paths, related, transforms
from workflow_lib.config.config import COMPANIONS, FOLDERS, Config
from workflow_lib.config.confusion import ConfusionStudy
from workflow_lib.config.fields import ALL
from workflow_lib.config.kstar import MODEL_KEYS, Study
from workflow_lib.config.models import Model
from workflow_lib.config.prototypes import PrototypeStudy
from workflow_lib.config.sources import Kind
from workflow_lib.config.studies import datasets_of, imported_names
from workflow_lib.errors import Problem, UserError, listed, unknown
from workflow_lib.features.output_map import read_outputs
from workflow_lib.names import HEAD_INPUT, IMPORTED, ORIGINAL, SPLITS

RESERVED = {
    "datasets": {ALL: "it means all of them in a study"},
    "models": {ALL: "it means all of them in a study", IMPORTED: "it marks imported features"},
    "transforms": {
        ALL: "it means all of them in a study",
        ORIGINAL: "it always exists and changes nothing",
    },
    "layers": {
        ALL: "it means all of them in a study",
        HEAD_INPUT: "it always exists and is the input of the layer that gives the logits",
    },
}


@dataclass(frozen=True)
class Names:
    """Names that the user defined, also of entries with mistakes: a reference to such an entry is not a mistake too.

    Attributes:
        kinds: what the samples of each dataset are; of unknown sources, images.
        models, transforms: names in these sections; transforms include original.
        studies: names of studies by section.
    """

    kinds: Mapping[str, Kind]
    models: tuple[str, ...]
    transforms: tuple[str, ...]
    studies: Mapping[str, tuple[str, ...]]

    @property
    def imported(self) -> list[str]:
        """Datasets of imported features."""
        return [name for name, kind in self.kinds.items() if kind == "features"]


def problems(config: Config, names: Names, check_files: bool) -> Iterator[Problem]:
    """All contradictions in a config of well-formed parts. With `check_files`, missing files are problems too."""
    if not names.kinds:
        yield Problem("datasets", "", "must have at least one dataset", "add a dataset, see docs/config.md")
    if check_files:
        yield from _results_problems(Path(config.results))
    yield from _reserved("datasets", config.datasets)
    yield from _reserved("models", config.models)
    yield from _reserved("transforms", config.transforms)
    made = [f"{config.results}/{folder}" for folder in FOLDERS]
    for name, dataset in config.datasets.items():
        yield from datasets.problems(name, config.datasets)
        if check_files:
            yield from paths.problems(f"datasets.{name}", dataset.required(), dataset.suffixes, made)
            yield from functions.all_problems(f"datasets.{name}", dataset.functions())
            yield from extras.problems(f"datasets.{name}", dataset, dataset.extras())
        wanted: tuple[Kind] = ("text",) if dataset.source == "encoded" else ("image",)
        yield from kinds.dataset_problems(f"datasets.{name}.of", dataset.parts(), names.kinds, wanted)
        if isinstance(dataset, datasets.Transformed):
            yield from _transformed_problems(f"datasets.{name}.transform", dataset.transform, config, names)
    yield from edges.union_problems(config.datasets)
    for name, model in config.models.items():
        yield from _reserved("layers", model.layers, f"models.{name}.layers")
        seen = kinds.SEEN_BY_NETWORKS
        yield from kinds.dataset_problems(f"models.{name}.dataset", (model.dataset,), names.kinds, seen)
        yield from kinds.model_problems(f"models.{name}", model, names.kinds)
        yield from _training_split_problems(f"models.{name}.dataset", model, config)
        yield from _examined_problems(f"models.{name}.examine", model, names)
        yield from models.problems(name, model)
        if check_files:
            yield from paths.problems(f"models.{name}", model.files(), made=made)
            yield from functions.all_problems(f"models.{name}", model.functions())
            yield from extras.problems(f"models.{name}", model, model.extras())
            yield from _output_problems(f"models.{name}", model, config)
    yield from edges.weights_problems(config.models, names.models)
    for name, transform in config.transforms.items():
        yield from transforms.problems(name, transform)
        if check_files:
            yield from paths.problems(f"transforms.{name}", transform.files(), transform.suffixes, made)
            yield from functions.all_problems(f"transforms.{name}", transform.functions())
    for name, study in config.kstar.studies.items():
        yield from _study_problems(f"kstar.studies.{name}", study, config, names)
        yield from _class_problems(f"kstar.studies.{name}.classes", study, config)
    for name, prototypes in config.prototypes.studies.items():
        yield from _prototype_problems(f"prototypes.studies.{name}", prototypes, config, names)
    for name, confused in config.confusion.studies.items():
        yield from _confusion_problems(f"confusion.studies.{name}", confused, config, names)
    for name, relation in config.relations.studies.items():
        yield from related.problems(f"relations.studies.{name}", relation, config, names.studies)


def _results_problems(results: Path) -> Iterator[Problem]:
    """The folder of results, or one in it, cannot be made."""
    found = list(paths.folder_problems("results", results))
    yield from found or (
        problem for name in (*FOLDERS, *COMPANIONS) for problem in paths.folder_problems("results", results / name)
    )


def _reserved(section: str, defined: Iterable[str], where: str | None = None) -> Iterator[Problem]:
    """Names that are reserved."""
    for name in defined:
        reason = RESERVED[section].get(name)
        if reason:
            yield Problem(
                f"{where or section}.{name}", "", f"the name {name} is reserved: {reason}", "choose another name"
            )


def _training_split_problems(where: str, model: Model, config: Config) -> Iterator[Problem]:
    """A model that is trained needs a dataset with a training split."""
    if model.training and not datasets.has_training_split(model.dataset, config.datasets):
        allowed = "has no training split (test_fraction: 1), and this model is trained"
        yield Problem(where, model.dataset, allowed, "name another dataset, or load weights instead of training")


def _output_problems(where: str, model: Model, config: Config) -> Iterator[Problem]:
    """Mistakes in the file of predictions, as far as the classes of the dataset are known from the config."""
    if model.predictions and Path(model.predictions.map).is_file():
        known = model.dataset in config.datasets
        try:
            read_outputs(model.predictions.map, datasets.class_names(model.dataset, config.datasets) if known else None)
        except UserError as error:
            yield from (problem.inside(where) for problem in error.problems)


def _examined_problems(where: str, model: Model, names: Names) -> Iterator[Problem]:
    """A model is examined on other datasets of images than its own."""
    yield from kinds.dataset_problems(where, model.examine, names.kinds, kinds.SEEN_BY_NETWORKS)
    if model.dataset in model.examine:
        yield Problem(where, model.dataset, "is the model's own dataset, which needs no entry here", "remove it")


def _transformed_problems(where: str, transform: str, config: Config, names: Names) -> Iterator[Problem]:
    """A dataset can be changed only by a transform that needs no network."""
    if transform not in names.transforms or transform == ORIGINAL:
        yield unknown(where, transform, "transform", [name for name in names.transforms if name != ORIGINAL])
    elif (change := config.transforms.get(transform)) and change.needs_network:
        allowed = "this transform depends on the network that sees the images, and a dataset has none"
        repair = "name it as the transform of a study, or train with training.adversarial"
        yield Problem(where, transform, allowed, repair)


def _study_problems(where: str, study: Study, config: Config, names: Names) -> Iterator[Problem]:
    """A study needs either models or imported features, and may name only values that these have."""
    if (study.model is None) == (study.features is None):
        found = "neither" if study.model is None else "both"
        yield Problem(where, "", f"needs model or features, and has {found}", "name one of the two")
    elif study.features is not None:
        yield from _features_problems(where, study, study.features, names)
    else:
        yield from _model_problems(where, study, study.model or (), config, names)


def _features_problems(where: str, study: Study, chosen: tuple[str, ...], names: Names) -> Iterator[Problem]:
    """A study of imported features names datasets of this kind, and has no keys for models."""
    for key in MODEL_KEYS:
        if key in study.model_fields_set:
            yield Problem(
                f"{where}.{key}", "", f"imported features have no {key} to choose", f"remove {key} from the study"
            )
    if not names.imported:
        yield Problem(f"{where}.features", "", "no dataset has the source features", "add one to the section datasets")
    else:
        for name in chosen:
            if name not in names.imported:
                yield unknown(f"{where}.features", name, "dataset of imported features", names.imported)


def _model_problems(
    where: str, study: Study, chosen: tuple[str, ...], config: Config, names: Names
) -> Iterator[Problem]:
    """Each model of the study must exist and have the seeds, intervals and layers named in the study."""
    yield from _unknown_models(where, chosen, names)
    for name in study.transform:
        if name not in names.transforms:
            yield unknown(f"{where}.transform", name, "transform", names.transforms)
    known = [name for name in chosen or config.models if name in config.models]
    yield from kinds.transform_problems(f"{where}.transform", study.transform, known, config)
    for name in chosen or config.models:
        model = config.models.get(name)
        if model:
            for dataset in study.dataset or ():
                if dataset not in model.datasets:
                    allowed = f"the model {name} is not examined on it, but on: {listed(model.datasets)}"
                    yield Problem(f"{where}.dataset", dataset, allowed, f"add it to models.{name}.examine")
            for dataset in study.dataset or (model.dataset,):
                if "train" in (study.split or SPLITS) and not datasets.has_training_split(dataset, config.datasets):
                    allowed = f"the dataset {dataset} of the model {name} has no training split (test_fraction: 1)"
                    yield Problem(f"{where}.split", "train", allowed, "write test")
            for key, values, present in (
                ("seed", study.seed, model.seeds),
                ("interval", study.interval, model.intervals),
                ("layer", study.layer, tuple(model.layers)),
            ):
                yield from _absent(f"{where}.{key}", values, f"{key} of the model {name}", present)


def _unknown_models(where: str, chosen: tuple[str, ...], names: Names) -> Iterator[Problem]:
    """Models of a study that are not defined."""
    if not names.models:
        yield Problem(f"{where}.model", "", "there are no models", "add one to the section models")
    for name in chosen:
        if names.models and name not in names.models:
            yield unknown(f"{where}.model", name, "model", names.models)


def _prototype_problems(where: str, study: PrototypeStudy, config: Config, names: Names) -> Iterator[Problem]:
    """Each model of the study must exist and have the seeds, intervals and layers named in the study."""
    yield from _unknown_models(where, study.model, names)
    models = {name: config.models[name] for name in study.model or config.models if name in config.models}
    yield from kinds.prototype_problems(f"{where}.model", models, config)
    for name, model in models.items():
        yield from _absent(f"{where}.seed", study.seed, f"seed of the model {name}", model.seeds)
        yield from _absent(f"{where}.interval", study.interval, f"interval of the model {name}", model.intervals)
        layers = HEAD_INPUT, *model.layers
        yield from _absent(f"{where}.layer", study.layer, f"layer of the model {name}", layers)
    if study.start == "warm" and models and all(len(study.interval or m.intervals) == 1 for m in models.values()):
        allowed = "a warm start takes the prototypes of the interval before, and the study has one interval only"
        yield Problem(f"{where}.start", "warm", allowed, "name several intervals, or write noise")
    sources = [model.dataset for model in models.values()]
    yield from _shown_problems(f"{where}.classes", study.classes, sources, config)


def _confusion_problems(where: str, study: ConfusionStudy, config: Config, names: Names) -> Iterator[Problem]:
    """The model of the study must exist and be trained, and its dataset must have the classes named in the study."""
    yield from _unknown_models(where, (study.model,), names)
    model = config.models.get(study.model)
    if model and model.training is None:
        allowed = "this model is not trained here, so it cannot be trained with other labels"
        yield Problem(f"{where}.model", study.model, allowed, "name a model with training, or add it there")
    if model and model.dataset in config.datasets:
        classes = datasets.class_names(model.dataset, config.datasets)
        yield from confusion.problems(where, study, model.dataset, classes)


def _absent(where: str, chosen: Iterable[object], what: str, present: tuple[object, ...]) -> Iterator[Problem]:
    """Values named in the study that the model does not have."""
    for value in chosen:
        if value not in present:
            yield unknown(where, value, what, present)


def _class_problems(where: str, study: Study, config: Config) -> Iterator[Problem]:
    """Classes for the figures that no dataset of the study has, as far as the config shows."""
    if study.features is not None:
        sources = study.features or tuple(imported_names(config.datasets))
    else:
        chosen = [config.models.get(name) for name in study.model or config.models]
        sources = tuple(name for model in chosen if model for name in datasets_of(study, model))
    yield from _shown_problems(where, study.classes, sources, config)


def _shown_problems(
    where: str, chosen: Iterable[str] | None, sources: Iterable[str], config: Config
) -> Iterator[Problem]:
    """Classes that none of these datasets has; checked only if the classes of all of them are known."""
    known = [datasets.class_names(name, config.datasets) if name in config.datasets else None for name in sources]
    if known and None not in known:
        present = tuple(dict.fromkeys(name for classes in known for name in classes or ()))
        yield from _absent(where, chosen or (), "class of this study", present)
