"""What to make, and with which settings each job makes it.

A method named like a rule gives the spec of one of its jobs: exactly the settings that shape its outputs, as one
canonical string.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from workflow_lib.cache.digests import DigestMemory, code_memory
from workflow_lib.code.fingerprint import code_fingerprint, source_fingerprint
from workflow_lib.code.signature import step_module
from workflow_lib.config.config import Config
from workflow_lib.config.datasets import Arrays, Features, FromFunction, ImageFolder
from workflow_lib.config.fields import ALL
from workflow_lib.config.models import Model
from workflow_lib.plan.canonical import canonical
from workflow_lib.plan.confusion import ConfusionPlan
from workflow_lib.plan.kstar import StudyPlan, plan_study
from workflow_lib.plan.prototypes import PrototypePlan

SEEDS_PER_JOB = 50
"""Trainings of a confusion study in one job: a stack on a GPU, five on a CPU, and the start of a job costs little."""


class Plan:
    """Artifacts and job settings that follow from a config.

    Args:
        config: the validated config.
        memory: digests of the user's own data files, which are part of the settings.
        seeds_per_job: most trainings of a confusion study in one job; it shapes no result.

    Attributes:
        config: the same.
        code_memory: folder that remembers what the sources of steps say.
    """

    def __init__(self, config: Config, memory: DigestMemory, seeds_per_job: int = SEEDS_PER_JOB) -> None:
        self.config = config
        self.code_memory = code_memory(Path("results"))
        self._memory = memory
        self._seeds_per_job = seeds_per_job

    def code(self, verb: str) -> str:
        """Fingerprint of the code of a verb."""
        return code_fingerprint(step_module(verb), self.code_memory)

    @cached_property
    def studies(self) -> dict[str, StudyPlan]:
        """The studies of k*, by name."""
        return {name: plan_study(study) for name, study in self.config.kstar_studies().items()}

    @cached_property
    def prototypes(self) -> dict[str, PrototypePlan]:
        """The studies of prototypes, by name."""
        studies = self.config.prototype_studies()
        return {name: PrototypePlan(name, study, self.config.models) for name, study in studies.items()}

    @cached_property
    def confusion(self) -> dict[str, ConfusionPlan]:
        """The studies of confused classes, by name."""
        studies = self.config.confusion_studies()
        return {name: ConfusionPlan(name, study, self._seeds_per_job) for name, study in studies.items()}

    @property
    def imported(self) -> list[str]:
        """Datasets that bring features instead of images."""
        return [name for name, dataset in self.config.datasets.items() if isinstance(dataset, Features)]

    @property
    def trained(self) -> list[str]:
        """Models that are trained here."""
        return [name for name, model in self.config.models.items() if model.training]

    @property
    def loaded(self) -> list[str]:
        """Models whose weights are used as they are."""
        return [name for name, model in self.config.models.items() if not model.training]

    def previous(self, model: str, interval: int) -> list[int]:
        """The interval before this one, if there is one: its checkpoint saves training the same epochs again."""
        return [earlier for earlier in self.config.models[model].intervals if earlier < interval][-1:]

    def prepare_dataset(self, dataset: str) -> str:
        """Source, classes and subsample of a dataset of images, and what its files hold."""
        return self._dataset(dataset)

    def import_features(self, dataset: str) -> str:
        """The same for imported features."""
        return self._dataset(dataset)

    def train_interval(self, model: str, seed: int, interval: int) -> str:
        """Network, training and the epoch at which it stops."""
        settings = self.config.models[model]
        if settings.training is None:
            raise ValueError(f"{model} is not trained")
        return canonical(
            **self._network(settings),
            **self._weights(settings),
            training=settings.training.model_dump(mode="json"),
            model=model,
            seed=seed,
            stop_epoch=settings.training.epochs * interval // 100,
        )

    def import_weights(self, model: str) -> str:
        """Network and its weights."""
        settings = self.config.models[model]
        return canonical(**self._network(settings), **self._weights(settings), model=model, seed=0)

    def extract_features(self, model: str, transform: str) -> str:
        """Network, the layers by role, each with an output of its own, and the transform of the images."""
        settings = self.config.models[model]
        change = self.config.transforms.get(transform)
        return canonical(
            **self._network(settings),
            each="layers",
            layers={role: layer.model_dump(mode="json") for role, layer in settings.layers.items()},
            transform=change.model_dump(mode="json") if change else None,
        )

    def compute_kstar(self, metric: str) -> str:
        """The metric alone: threshold and skewness come later."""
        return canonical(metric=metric)

    def compute_map(self, method: str) -> str:
        """Method, and how samples are chosen."""
        maps = self.config.kstar.maps
        return canonical(method=method, seed=maps.seed, samples=maps.samples)

    def count_neighbours(self, metric: str) -> str:
        """Metric and number of neighbours."""
        return canonical(metric=metric, k=self.config.kstar.neighbours)

    def make_prototypes(self, study: str, model: str, initialisation: int) -> str:
        """Network, the layer whose features are kept, how images are optimised, and the number of the start."""
        plan, settings = self.prototypes[study], self.config.models[model]
        chosen = plan.study.settings
        layer = settings.layers[chosen.layer].model_dump(mode="json") if chosen.layer else None
        descent = chosen.model_dump(mode="json", include={"optimizer", "lr", "loss", "steps"})
        return canonical(**self._network(settings), layer=layer, descent=descent, initialisation=initialisation)

    def compute_dissimilarity(self) -> str:
        """Nothing: C and R follow from the features alone."""
        return canonical()

    def find_boundaries(self, study: str, model: str) -> str:
        """Network, and the layer whose features are compared."""
        chosen, settings = self.prototypes[study].study.settings.layer, self.config.models[model]
        layer = settings.layers[chosen].model_dump(mode="json") if chosen else None
        return canonical(**self._network(settings), layer=layer)

    def tabulate_prototypes(self, study: str) -> str:
        """Sets of the study, and which entries count."""
        return canonical(grids=self.prototypes[study].grids, **self._counted(study))

    def tabulate_boundaries(self, study: str) -> str:
        """Sets of the study, and whether images count that have not converged."""
        plan = self.prototypes[study]
        return canonical(grids=plan.grids, unconverged=plan.study.settings.unconverged)

    def draw_prototypes(self, study: str) -> str:
        """Title, the set and the classes that are shown."""
        plan = self.prototypes[study]
        return canonical(title=plan.study.title, set=plan.example, classes=plan.study.settings.classes)

    def draw_trajectories(self, study: str) -> str:
        """The same."""
        return self.draw_prototypes(study)

    def draw_boundaries(self, study: str) -> str:
        """Title, the set and the classes that are shown, and whether images count that have not converged."""
        plan = self.prototypes[study]
        settings = plan.study.settings
        return canonical(
            title=plan.study.title, set=plan.example, classes=settings.classes, unconverged=settings.unconverged
        )

    def draw_dissimilarity(self, study: str) -> str:
        """Title, and which entries count."""
        return canonical(title=self.prototypes[study].study.title, **self._counted(study))

    def draw_distributions(self, study: str) -> str:
        """The same."""
        return self.draw_dissimilarity(study)

    def draw_class_pairs(self, study: str) -> str:
        """Title, the classes that are shown, and whether images count that have not converged."""
        plan = self.prototypes[study]
        settings = plan.study.settings
        return canonical(title=plan.study.title, classes=settings.classes, unconverged=settings.unconverged)

    def draw_quality(self, study: str) -> str:
        """Title."""
        return canonical(title=self.prototypes[study].study.title)

    def train_replicates(self, study: str, pair: str, seeds: Sequence[int]) -> str:
        """Network, training, the classes that are confused, and the seeds, each with an output of its own."""
        plan = self.confusion[study]
        settings = self.config.models[plan.study.settings.model]
        if settings.training is None:
            raise ValueError(f"{plan.study.settings.model} is not trained")
        return canonical(
            **self._network(settings),
            **self._weights(settings),
            training=settings.training.model_dump(mode="json"),
            study=study,
            pair=pair,
            classes=plan.pairs[pair],
            share=plan.study.settings.share if plan.pairs[pair] else 0.0,
            each="seeds",
            seeds={f"seed-{seed}": seed for seed in seeds},
        )

    def collect_confusion(self, study: str) -> str:
        """Pairs and seeds of the study."""
        plan = self.confusion[study]
        return canonical(pairs=plan.study.pairs if plan.study.settings.pairs else ALL, seeds=plan.seeds)

    def tabulate_confusion(self, study: str) -> str:
        """Groups of classes, and how often they are permuted."""
        settings = self.confusion[study].study.settings
        return canonical(groups=settings.groups, permutations=settings.permutations, seed=0)

    def draw_information(self, study: str) -> str:
        """Title, and the groups that lines stand between."""
        plan = self.confusion[study].study
        return canonical(title=plan.title, groups=plan.settings.groups)

    def draw_significance(self, study: str) -> str:
        """Title."""
        return canonical(title=self.confusion[study].study.title)

    def draw_accuracies(self, study: str) -> str:
        """The same."""
        return self.draw_significance(study)

    def draw_matrices(self, study: str) -> str:
        """Title, and the pair that is shown."""
        plan = self.confusion[study].study
        return canonical(title=plan.title, example_pair=plan.settings.example_pair)

    def draw_curves(self, study: str) -> str:
        """Title."""
        return self.draw_significance(study)

    def _counted(self, study: str) -> dict[str, Any]:
        settings = self.prototypes[study].study.settings
        return {"include_self": settings.include_self, "unconverged": settings.unconverged}

    def tabulate_kstar(self, study: str) -> str:
        """Points of the study and how their k* are summarised."""
        kstar = self.config.kstar
        return canonical(grids=self.studies[study].grids, skewness=kstar.skewness, threshold=kstar.threshold)

    def render_tables(self, study: str) -> str:
        """Title and description."""
        settings = self.studies[study].study
        return canonical(title=settings.title, description=settings.description)

    def draw_violins(self, study: str) -> str:
        """Points shown, title, classes and threshold."""
        plan = self.studies[study]
        return canonical(**self._picture(plan), grids=plan.examples, threshold=self.config.kstar.threshold)

    def draw_trends(self, study: str) -> str:
        """Title, classes and threshold."""
        return canonical(**self._picture(self.studies[study]), threshold=self.config.kstar.threshold)

    def draw_maps(self, study: str) -> str:
        """Points mapped, methods, title, classes and threshold."""
        plan = self.studies[study]
        methods = list(plan.study.maps)
        threshold = self.config.kstar.threshold
        return canonical(**self._picture(plan), grids=plan.mapped, methods=methods, threshold=threshold)

    def draw_neighbours(self, study: str) -> str:
        """Points mapped, title and classes."""
        plan = self.studies[study]
        return canonical(**self._picture(plan), grids=plan.mapped, k=self.config.kstar.neighbours)

    def _picture(self, plan: StudyPlan) -> dict[str, Any]:
        return {"title": plan.study.title, "classes": plan.study.classes}

    def _dataset(self, name: str) -> str:
        dataset = self.config.datasets[name]
        content: dict[str, str] = {}
        if isinstance(dataset, Arrays | Features | ImageFolder):
            content = {key: self._memory.digest(Path(path)) for key, path in dataset.files().items()}
        elif isinstance(dataset, FromFunction):
            content = {"function": function_source(dataset.function)}
        settings = dataset.model_dump(mode="json")
        return canonical(**settings, content=content)

    def _network(self, model: Model) -> dict[str, Any]:
        settings = model.model_dump(mode="json", include={"architecture", "options", "normalize"})
        if ":" in model.architecture:
            settings["content"] = function_source(model.architecture)
        return settings

    def _weights(self, model: Model) -> dict[str, Any]:
        digests = {key: self._memory.digest(Path(path)) for key, path in model.files().items()}
        return {"weights": model.weights, "weights_content": digests.get("weights")}


def function_source(reference: str) -> str:
    """Fingerprint of the file that holds a user's own `module:function`; "" for an installed module.

    The module is looked for in the working directory.
    """
    module = reference.partition(":")[0].replace(".", "/")
    for file in (Path(f"{module}.py"), Path(module, "__init__.py")):
        if file.is_file():
            return source_fingerprint(file)
    return ""
