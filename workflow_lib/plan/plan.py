"""The plan: which artifacts to make, and the settings of each job.

A method with the name of a rule returns the spec of one of its jobs: exactly the settings that shape its outputs, as
one canonical string.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from workflow_lib.cache.digests import DigestMemory, code_memory
from workflow_lib.code.fingerprint import code_fingerprint
from workflow_lib.code.functions import function_source
from workflow_lib.code.signature import step_module
from workflow_lib.config.config import Config
from workflow_lib.config.datasets import Transformed, UnionOf
from workflow_lib.config.datasets_features import Features
from workflow_lib.config.datasets_text import Encoded
from workflow_lib.config.models import Model, TrainedWeights
from workflow_lib.config.transforms import Transform
from workflow_lib.names import HEAD_INPUT
from workflow_lib.plan.canonical import canonical
from workflow_lib.plan.confusion import ConfusionPlan
from workflow_lib.plan.kstar import KstarPlan
from workflow_lib.plan.prototypes import PrototypePlan
from workflow_lib.plan.relations import RelationsPlan
from workflow_lib.plan.study import StudyPlan
from workflow_lib.runner.outside import Outside, outside

SEEDS_PER_JOB = 150
"""Trainings of a confusion study per job of Snakemake, of one or several pairs."""


FAMILIES: Sequence[type[StudyPlan]] = (KstarPlan, PrototypePlan, ConfusionPlan, RelationsPlan)
"""The kinds of study."""


class Plan:
    """Artifacts and job settings that follow from a config.

    Args:
        config: the validated config.
        memory: digests of the user's own data files, which are part of the settings.
        seeds_per_job: largest number of trainings of a confusion study per job; does not affect results.

    Attributes:
        config: the argument `config`.
        results: folder of all results.
        seeds_per_job: the argument `seeds_per_job`.
        code_memory: folder in which the analysis of source files is cached.
        kstar, prototypes, confusion, relations: the studies of each family, by name.
    """

    def __init__(self, config: Config, memory: DigestMemory, seeds_per_job: int = SEEDS_PER_JOB) -> None:
        self.config = config
        self.results = config.results
        self.seeds_per_job = seeds_per_job
        self.code_memory = code_memory()
        self._memory = memory
        self._source = functools.cache(function_source)  # many jobs use the same function
        self.kstar = {name: KstarPlan(name, config) for name in config.kstar.studies}
        self.prototypes = {name: PrototypePlan(name, config) for name in config.prototypes.studies}
        self.confusion = {name: ConfusionPlan(name, config) for name in config.confusion.studies}
        self.relations = {name: RelationsPlan(name, config) for name in config.relations.studies}

    @property
    def studies(self) -> Mapping[str, Mapping[str, StudyPlan]]:
        """All studies, by family and name."""
        return {family.family: getattr(self, family.family) for family in FAMILIES}

    def path(self, file: str) -> str:
        """Path of a file in the results folder."""
        return f"{self.results}/{file}"

    def code(self, verb: str) -> str:
        """Fingerprint of the code of a step."""
        return code_fingerprint(step_module(verb), self.code_memory)

    @property
    def imported(self) -> list[str]:
        """Datasets with features instead of images."""
        return [name for name, dataset in self.config.datasets.items() if isinstance(dataset, Features)]

    @property
    def trained(self) -> list[str]:
        """Models that are trained here."""
        return [name for name, model in self.config.models.items() if model.training]

    @property
    def loaded(self) -> list[str]:
        """Models whose weights are loaded and not trained."""
        return [name for name, model in self.config.models.items() if not model.training]

    @property
    def unions(self) -> list[str]:
        """Datasets made of several other datasets."""
        return [name for name, dataset in self.config.datasets.items() if isinstance(dataset, UnionOf)]

    @property
    def transformed(self) -> list[str]:
        """Datasets made of another dataset by a transform."""
        return [name for name, dataset in self.config.datasets.items() if isinstance(dataset, Transformed)]

    @property
    def encoded(self) -> list[str]:
        """Datasets made of texts by an encoder."""
        return [name for name, dataset in self.config.datasets.items() if isinstance(dataset, Encoded)]

    def parts(self, dataset: str, split: str) -> list[str]:
        """Splits of the datasets that a dataset is made of, in their order; none if it has a source of its own."""
        return [self.path(f"datasets/{part}/{split}.zarr.zip") for part in self.config.datasets[dataset].parts()]

    def weights(self, model: str) -> list[str]:
        """The checkpoint of another model with whose weights this one starts, if any."""
        taken = self.config.models[model].weights
        if not isinstance(taken, TrainedWeights):
            return []
        return [self.path(f"checkpoints/{taken.model}/seed-{taken.seed}/interval-{taken.interval}.pt")]

    def origin(self, model: str) -> list[str]:
        """The training split of the model that trains the weights of this one, if any."""
        taken = self.config.models[model].weights
        if not isinstance(taken, TrainedWeights):
            return []
        return [self.path(f"datasets/{self.config.models[taken.model].dataset}/train.zarr.zip")]

    def examined_checks(self, model: str, dataset: str) -> list[str]:
        """The check of a dataset on which a model is examined; none for its own dataset."""
        own = dataset == self.config.models[model].dataset
        return [] if own else [self.path(f"networks/{model}/{dataset}.csv")]

    def by_data(self, model: str) -> bool:
        """Whether the intervals of a model are stages on growing parts of the data."""
        return self.config.models[model].intervals_of == "data"

    def previous(self, model: str, interval: int) -> list[int]:
        """The previous interval, if any: training continues from its checkpoint."""
        return [earlier for earlier in self.config.models[model].intervals if earlier < interval][-1:]

    def prepare_dataset(self, dataset: str) -> str:
        """Source, classes and subsample of an image dataset, and the digests of its files."""
        return self._dataset(dataset)

    def unite_datasets(self, dataset: str) -> str:
        """Names of the parts, classes and subsample of a union."""
        return self._dataset(dataset)

    def transform_dataset(self, dataset: str) -> str:
        """Name of the original dataset, the transform, classes and subsample."""
        settings = self.config.datasets[dataset]
        if not isinstance(settings, Transformed):
            raise ValueError(f"{dataset} is not made by a transform")
        change = self.config.transforms[settings.transform]
        return canonical(
            **settings.model_dump(mode="json", exclude={"transform"}),
            transform=_dumped(change),
            outside=self._outside(change.files(), change.functions()),
        )

    def encode_texts(self, dataset: str) -> str:
        """Name of the texts, encoder, layers, pooling, classes, subsample, and the digest of the encoder's folder."""
        settings = self.config.datasets[dataset]
        if not isinstance(settings, Encoded):
            raise ValueError(f"{dataset} is not made by an encoder")
        folder = {"folder": str(settings.folder)} if settings.folder else {}
        outside = self._outside(settings.files(), settings.functions())
        return canonical(**settings.model_dump(mode="json"), **folder, outside=outside)

    def import_features(self, dataset: str) -> str:
        """Settings of imported features, and the digests of their files."""
        return self._dataset(dataset)

    def checked_split(self, model: str) -> str:
        """The split of a model's dataset whose images its check uses: that of the jobs that wait for it."""
        return "train" if model in self.trained else "test"

    def checked(self, model: str) -> str:
        """The settings whose change starts the check of a model again: those of the jobs that wait for it."""
        return self.train_interval(model, 0, 100) if model in self.trained else self.import_weights(model)

    def check_network(self, model: str) -> str:
        """Settings of a model, and the prototype studies that need the layer of its logits.

        The file of predictions is not among `outside`: a change of it does not start the check again (`plan/why.py`).
        """
        settings = self.config.models[model]
        parts = {name: plan.study.models.get(model) for name, plan in self.prototypes.items()}
        heads = [name for name, part in parts.items() if part and HEAD_INPUT in part.layers]
        stages = {"intervals_of": "data", "stages": settings.intervals} if self.by_data(model) else {}
        return canonical(
            **self._network(settings, "weights"),
            **settings.model_dump(mode="json", include={"layers", "predictions"}),
            training=settings.training.settings() if settings.training else None,
            model=model,
            heads=heads,
            map=self._outside(_files(settings, "predictions"), {})["files"],
            **stages,
        )

    def check_examined(self, model: str, dataset: str) -> str:
        """Names of the model and of the examined dataset, for messages."""
        return canonical(model=model, dataset=dataset)

    def train_interval(self, model: str, seed: int, interval: int) -> str:
        """Network, training settings, and the epoch at which training stops; of a stage, its share of the images."""
        settings = self.config.models[model]
        if settings.training is None:
            raise ValueError(f"{model} is not trained")
        share, stage = (100, {"intervals_of": "data", "percent": interval}) if self.by_data(model) else (interval, {})
        return canonical(
            **self._network(settings, "weights"),
            training=settings.training.settings(),
            model=model,
            seed=seed,
            stop_epoch=settings.training.epochs * share // 100,
            **stage,
        )

    def import_weights(self, model: str) -> str:
        """Network and its weights."""
        settings = self.config.models[model]
        return canonical(**self._network(settings, "weights"), model=model, seed=0)

    def extract_features(self, model: str, transform: str) -> str:
        """Network, how its outputs become predictions, layers by name (each with its own output), and the transform."""
        settings = self.config.models[model]
        change = self.config.transforms.get(transform)
        return canonical(
            **self._network(settings, "predictions", change=change),
            each="layers",
            layers={role: layer.model_dump(mode="json") for role, layer in settings.layers.items()},
            transform=_dumped(change) if change else None,
        )

    def compute_kstar(self, metric: str) -> str:
        """The metric, and whether samples may be left out; threshold and skewness are used later."""
        return canonical(**self._metric(metric))

    def approximate_kstar(self, metric: str) -> str:
        """The same, and the settings of the search."""
        settings = self.config.kstar.approximate
        if settings is None:
            raise ValueError("k* is exact")
        return canonical(**self._metric(metric), **settings.model_dump())

    @property
    def kstar_verb(self) -> str:
        """The step that makes k*: exact or approximate, as the config says."""
        return "compute_kstar" if self.config.kstar.approximate is None else "approximate_kstar"

    def compute_map(self, method: str) -> str:
        """Method, seed and number of samples."""
        maps = self.config.kstar.maps
        return canonical(method=method, seed=maps.seed, samples=maps.samples)

    def count_neighbours(self, metric: str) -> str:
        """Metric, whether samples may be left out, and number of neighbours."""
        return canonical(**self._metric(metric), k=self.config.kstar.neighbours)

    def make_prototypes(self, study: str, model: str, initialisation: int) -> str:
        """Network, optimisation settings, and the number of the start; layers are looked at later."""
        chosen = self.prototypes[study].settings
        precision = {"precision"} if chosen.precision != "float32" else set()  # missing as in earlier versions
        descent = chosen.model_dump(mode="json", include={"optimizer", "lr", "loss", "steps"} | precision)
        return canonical(**self._network(self.config.models[model]), descent=descent, initialisation=initialisation)

    def compute_dissimilarity(self, model: str, layer: str) -> str:
        """Network and layer; no network for the features that a set of prototypes already has."""
        settings = self.config.models[model]
        network = {} if layer == HEAD_INPUT else self._network(settings)
        return canonical(**network, layer=_layer(settings, layer))

    def attack_prototypes(self, study: str, model: str) -> str:
        """Network and the layer whose features are compared."""
        return self.find_boundaries(study, model)

    def find_boundaries(self, study: str, model: str) -> str:
        """Network and the layer whose features are compared: the first one of the study."""
        settings, layer = self.config.models[model], self.prototypes[study].study.models[model].layers[0]
        return canonical(**self._network(settings), layer=_layer(settings, layer))

    def train_replicates(self, study: str, pair: str, seeds: Sequence[int]) -> str:
        """Network, training settings, and runs by name (each with its own output): confused classes and seed."""
        plan = self.confusion[study]
        settings = self.config.models[plan.settings.model]
        if settings.training is None:
            raise ValueError(f"{plan.settings.model} is not trained")
        classes = plan.pairs[pair]
        mode, share = (plan.settings.mode, plan.settings.share) if classes else ("swap", 0.0)
        confused = {"pair": pair, "classes": classes, "mode": mode, "share": share}
        return canonical(
            **self._network(settings, "weights"),
            training=settings.training.settings(),
            study=study,
            each="runs",
            runs={f"{pair}/seed-{seed}": {**confused, "seed": seed} for seed in seeds},
        )

    def _metric(self, metric: str) -> dict[str, str]:
        """The metric and the setting that it alone has."""
        return {"metric": metric} | ({"on_zero": self.config.kstar.on_zero} if metric == "cosine" else {})

    def _dataset(self, name: str) -> str:
        dataset = self.config.datasets[name]
        outside = self._outside(dataset.files(), dataset.functions(), dataset.reads_hidden)
        return canonical(**dataset.model_dump(mode="json"), outside=outside)

    def _network(self, model: Model, *more: str, change: Transform | None = None) -> dict[str, Any]:
        """Settings that build a network, and `more` keys; the files of these keys and of `change` are in `outside`."""
        keys = {"architecture", "options", "normalize", *more}
        files, functions = _files(model, *more), model.functions()
        if change:
            files, functions = files | change.files(), functions | change.functions()
        return model.model_dump(mode="json", include=keys) | {"outside": self._outside(files, functions)}

    def _outside(self, files: Mapping[str, str], functions: Mapping[str, str], hidden: bool = True) -> Outside:
        paths = {"files" if hidden else "visible": files.values()}
        return outside(**paths, functions=functions.values(), digest=self._memory.digest, source=self._source)


def _dumped(transform: Transform) -> dict[str, Any]:
    """Keys of a transform that shape the images; its strength is for tables and figures."""
    return transform.model_dump(mode="json", exclude={"strength"})


def _layer(model: Model, name: str) -> dict[str, Any] | None:
    """Module, pooling and channels of a layer; None for the input of the layer that gives the logits."""
    return None if name == HEAD_INPUT else model.layers[name].model_dump(mode="json")


def _files(model: Model, *keys: str) -> dict[str, str]:
    """The files of a model that these keys of it name."""
    return {key: path for key, path in model.files().items() if key.partition(".")[0] in keys}
