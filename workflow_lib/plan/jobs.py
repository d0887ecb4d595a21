"""The job graph, for tools that run without Snakemake.

Jobs of studies and their rules are both made from the tables of outputs. All other jobs are described here and in
`rules/`; a test compares the two.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import get_args

from workflow_lib.code.signature import signature
from workflow_lib.config.datasets import Transformed
from workflow_lib.io.braces import expand
from workflow_lib.names import HEAD_INPUT, METRICS, ORIGINAL, SPLITS, MapMethod
from workflow_lib.plan import targets
from workflow_lib.plan.confusion import BLOCK
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.prototypes import STORES
from workflow_lib.plan.study import StudyPlan
from workflow_lib.runner.job import Job, flag

Paths = Mapping[str, Sequence[str]]
"""Brace patterns of paths by argument of a step."""


@dataclass(frozen=True)
class PlannedJob:
    """One job of the plan.

    Attributes:
        verb: name of its step; the name of its rule may have a suffix.
        subject: name of its dataset, model or study in the config.
        place: identifies the job among those of its verb, as in `logs/{verb}/{place}.log`.
        family: of the study that it belongs to; "" if several studies share the job.
        wildcards: values such as model and interval.
        inputs: brace patterns of paths by argument of the step, including hints such as an earlier checkpoint.
        outputs: paths by argument of the step.
        spec: returns the settings that shape the outputs, as one canonical string.
        checks: outputs of checks that must pass before the job starts; it does not read them.
        bundle: rule and point of the jobs with which Snakemake starts it (`plan/bundles.py`), and a third word that
            keeps it apart from others of that point; None for one on its own.
    """

    verb: str
    subject: str
    place: str
    family: str
    wildcards: Mapping[str, str]
    inputs: Paths
    outputs: Paths
    spec: Callable[[], str] = field(compare=False)
    checks: tuple[str, ...] = ()
    bundle: tuple[str, str, str] | None = None

    @property
    def name(self) -> str:
        """Name of the job, also used for its log and benchmark."""
        return f"{self.verb}/{self.place}"

    @cached_property
    def needs(self) -> list[str]:
        """All paths that must exist before the job starts."""
        return [*self.reads, *self.checks]

    @cached_property
    def reads(self) -> list[str]:
        """All paths that the step reads."""
        return [path for patterns in self.inputs.values() for pattern in patterns for path in expand(pattern)]

    @property
    def makes(self) -> list[str]:
        """All paths that the job writes."""
        return [path for paths in self.outputs.values() for path in paths]

    def run(self, plan: Plan, device: str) -> Job:
        """The job in the runner's form, for this device class."""
        given = {**self.inputs, **self.outputs}
        paths = {name: [Path(path) for pattern in given[name] for path in expand(pattern)] for name in given}
        step = signature(self.verb, plan.code_memory)
        return Job(
            verb=self.verb,
            signature=step,
            paths=paths,
            spec=self.spec(),
            code=plan.code(self.verb),
            device=device,
            results=Path(plan.results),
        )

    def words(self, plan: Plan) -> list[str]:
        """Command-line words that run the job, without the options that all jobs share (`runner.job.parse`)."""
        words = [self.verb.replace("_", "-")]
        for argument, patterns in {**self.inputs, **self.outputs}.items():
            words += [flag(argument), *patterns]
        log = plan.path(f"logs/{self.name}.log")
        return [*words, "--spec", self.spec(), "--code", plan.code(self.verb), "--log", log]


def upstream(plan: Plan, paths: Iterable[str]) -> list[PlannedJob]:
    """All jobs needed to make these artifacts, each after the jobs that make its inputs.

    Raises:
        LookupError: no job makes one of them, or what is needed for it.
    """
    jobs: dict[str, PlannedJob] = {}
    made: set[str] = set()
    waiting = list(paths)[::-1]
    while waiting:
        if waiting[-1] in made:
            waiting.pop()
            continue
        job = job_of(plan, waiting[-1])
        if waiting[-1] not in job.makes:
            raise LookupError(waiting[-1])
        if open_inputs := [path for path in job.needs if path not in made]:
            waiting += reversed(open_inputs)
        else:
            jobs[job.name] = job
            made.update(job.makes)
    return list(jobs.values())


def all_jobs(plan: Plan) -> list[PlannedJob]:
    """All jobs of the plan, including those that the default target does not need."""
    datasets = [
        plan.path(f"features/imported/{name}.zarr.zip" if name in plan.imported else f"datasets/{name}/train.zarr.zip")
        for name in plan.config.datasets
    ]
    more = [path for target in ("arrays", "checkpoints") for path in targets.paths(plan, target)]
    return upstream(plan, [*targets.default(plan), *more, *datasets])


def makeable(plan: Plan, paths: Sequence[str]) -> list[str]:
    """Those of the paths that jobs of the plan make, with all that is needed for them."""
    try:
        upstream(plan, paths)
    except (LookupError, TypeError, ValueError, StopIteration):  # a word that is no path of an artifact
        return [path for path in paths if makeable(plan, [path])] if len(paths) > 1 else []
    return list(paths)


def job_of(plan: Plan, path: str) -> PlannedJob:
    """The job that makes an artifact of the plan."""
    kind, *place = path.removeprefix(f"{plan.results}/").removesuffix(".zarr.zip").split("/")
    if kind == "studies":
        return _study_job(plan.studies[place[0]][place[1]], path)
    if kind in STORES:
        return _on_set(plan, kind, *place)
    return _MAKERS[kind](plan, *place)


def _study_job(study: StudyPlan, path: str) -> PlannedJob:
    """The job that makes one output of a study."""
    output = next(output for output in study.outputs if path in study.files(output).values())
    return PlannedJob(
        output.verb,
        study.name,
        study.name,
        study.family,
        {"study": study.name},
        {argument: files.patterns for argument, files in study.inputs(output).items()},
        {argument: [path] for argument, path in study.files(output).items()},
        partial(study.spec, output),
        bundle=(output.rule(study.family), study.name, ""),
    )


def _prepare_dataset(plan: Plan, dataset: str, _: str) -> PlannedJob:
    settings = plan.config.datasets[dataset]
    made_by = {"union": "unite_datasets", "transformed": "transform_dataset", "encoded": "encode_texts"}
    verb = made_by.get(settings.source, "prepare_dataset")
    transform = {"transform": settings.transform} if isinstance(settings, Transformed) else {}
    return PlannedJob(
        verb,
        dataset,
        dataset,
        "",
        {"dataset": dataset, **transform},
        {f"{split}_parts": plan.parts(dataset, split) for split in SPLITS} if settings.parts() else {},
        {split: [plan.path(f"datasets/{dataset}/{split}.zarr.zip")] for split in SPLITS},
        partial(getattr(plan, verb), dataset),
    )


def _checkpoint(plan: Plan, model: str, seed: str, file: str) -> PlannedJob:
    settings = plan.config.models[model]
    interval = file.partition(".")[0]
    if _number(seed) not in settings.seeds or _number(interval) not in settings.intervals:
        raise LookupError(file)
    place = f"{model}/{seed}/{interval}"
    checkpoint, check = {"checkpoint": [plan.path(f"checkpoints/{place}.pt")]}, (plan.path(f"networks/{model}.csv"),)
    if settings.training is None:
        inputs = {"dataset": [plan.path(f"datasets/{settings.dataset}/test.zarr.zip")], "weights": plan.weights(model)}
        spec = partial(plan.import_weights, model)
        return PlannedJob("import_weights", model, model, "", {"model": model}, inputs, checkpoint, spec, check)
    percent = _number(interval)
    earlier = [plan.path(f"checkpoints/{model}/{seed}/interval-{i}.pt") for i in plan.previous(model, percent)]
    by_data = plan.by_data(model)
    return PlannedJob(
        "train_interval",
        model,
        place,
        "",
        {"model": model, "interval": str(percent)},
        {
            "dataset": [plan.path(f"datasets/{settings.dataset}/train.zarr.zip")],
            "weights": plan.weights(model),
            "former": earlier if by_data else [],
            "previous": [] if by_data else earlier,
        },
        checkpoint | {"curve": [plan.path(f"checkpoints/{place}.curve.csv")]},
        partial(plan.train_interval, model, _number(seed), percent),
        check,
        ("train_interval", f"{model}/{seed}", ""),
    )


def _check_network(plan: Plan, *place: str) -> PlannedJob:
    if len(place) > 1:
        return _check_examined(plan, *place)
    (file,) = place
    model = file.removesuffix(".csv")
    dataset = plan.config.models[model].dataset
    return PlannedJob(
        "check_network",
        model,
        model,
        "",
        {"model": model},
        {
            "dataset": [plan.path(f"datasets/{dataset}/{plan.checked_split(model)}.zarr.zip")],
            "origin": plan.origin(model),
        },
        {"network": [plan.path(f"networks/{file}")]},
        partial(plan.check_network, model),
    )


def _check_examined(plan: Plan, model: str, file: str) -> PlannedJob:
    dataset = file.removesuffix(".csv")
    datasets = {"own": plan.config.models[model].dataset, "examined": dataset}
    return PlannedJob(
        "check_examined",
        model,
        f"{model}/{dataset}",
        "",
        {"model": model, "dataset": dataset},
        {argument: [plan.path(f"datasets/{name}/test.zarr.zip")] for argument, name in datasets.items()},
        {"classes": plan.examined_checks(model, dataset)},
        partial(plan.check_examined, model, dataset),
    )


def _features(plan: Plan, model: str, *place: str) -> PlannedJob:
    if model == "imported":
        (dataset,) = place
        outputs = {"features": [plan.path(f"features/imported/{dataset}.zarr.zip")]}
        spec = partial(plan.import_features, dataset)
        return PlannedJob("import_features", dataset, dataset, "", {"dataset": dataset}, {}, outputs, spec)
    dataset, seed, interval, split, transform, _ = place
    if transform not in (ORIGINAL, *plan.config.transforms):
        raise LookupError(transform)
    settings, point = plan.config.models[model], f"{model}/{dataset}/{seed}/{interval}/{split}"
    return PlannedJob(
        "extract_features",
        model,
        f"{point}-{transform}",
        "",
        {"model": model, "transform": transform},
        {
            "checkpoint": [plan.path(f"checkpoints/{model}/{seed}/{interval}.pt")],
            "dataset": [plan.path(f"datasets/{dataset}/{split}.zarr.zip")],
        },
        {"features": [plan.path(f"features/{point}/{transform}/{layer}.zarr.zip") for layer in settings.layers]},
        partial(plan.extract_features, model, transform),
        tuple(plan.examined_checks(model, dataset)),
        ("extract_features", f"{model}/{dataset}/{seed}", ""),
    )


def _kstar(plan: Plan, *place: str) -> PlannedJob:
    return _on_features(plan.kstar_verb, "kstar", "kstar", ".zarr.zip", METRICS)(plan, *place)


def _neighbours(plan: Plan, *place: str) -> PlannedJob:
    job = _on_features("count_neighbours", "neighbours", "neighbours", ".csv", METRICS, rule=plan.kstar_verb)
    return job(plan, *place)


def _on_features(
    verb: str, argument: str, kind: str, suffix: str, choices: Sequence[str], rule: str = ""
) -> Callable[..., PlannedJob]:
    """Make a function that returns the job reading the features of one point; its rule has the name of the verb."""

    def job(plan: Plan, *place: str) -> PlannedJob:
        source, choice = "/".join(place[:-1]), place[-1].removesuffix(suffix)
        if choice not in choices:
            raise LookupError(choice)
        point = source if place[0] == "imported" else "/".join(place[:3])
        return PlannedJob(
            verb,
            place[1] if place[0] == "imported" else place[0],
            f"{source}/{choice}",
            "",
            {},
            {"features": [plan.path(f"features/{source}.zarr.zip")]},
            {argument: [plan.path(f"{kind}/{source}/{choice}{suffix}")]},
            partial(getattr(plan, verb), choice),
            bundle=(rule or verb, point, "cosine" if choice == "cosine" else ""),  # which refuses vectors of zeros
        )

    return job


def _on_set(
    plan: Plan, kind: str, study: str, model: str, seed: str, interval: str, start: str, layer: str = ""
) -> PlannedJob:
    """The job that makes a set of prototypes, or its adversarial images, boundaries or dissimilarity at a layer."""
    place = f"{study}/{model}/{seed}/{interval}/{start}"
    checkpoint = {"checkpoint": [plan.path(f"checkpoints/{model}/{seed}/{interval}.pt")]}
    prototypes = {"prototypes": [plan.path(f"prototypes/{place}.zarr.zip")]}
    bundle = ("make_prototypes", f"{study}/{model}/{seed}/{interval}", "")
    job = partial(PlannedJob, subject=study, family="prototypes", bundle=bundle)
    if kind == "dissimilarity":
        return job(
            "compute_dissimilarity",
            place=f"{place}/{layer}",
            wildcards={"model": model, "layer": layer},
            inputs=prototypes | (checkpoint if layer != HEAD_INPUT else {"checkpoint": []}),
            outputs={kind: [plan.path(f"{kind}/{place}/{layer}.zarr.zip")]},
            spec=partial(plan.compute_dissimilarity, model, layer),
        )
    job = partial(job, place=place, wildcards={"model": model})
    output = {kind: [plan.path(f"{kind}/{place}.zarr.zip")]}
    if kind == "adversarial":
        spec = partial(plan.attack_prototypes, study, model)
        return job("attack_prototypes", inputs=checkpoint | prototypes, outputs=output, spec=spec)
    if kind == "boundaries":
        spec = partial(plan.find_boundaries, study, model)
        return job("find_boundaries", inputs=checkpoint | prototypes, outputs=output, spec=spec)
    dataset = plan.config.models[model].dataset
    earlier = plan.prototypes[study].previous(model, _number(interval))
    inputs = {
        **checkpoint,
        "dataset": [plan.path(f"datasets/{dataset}/train.zarr.zip")],
        "previous": [plan.path(f"prototypes/{study}/{model}/{seed}/interval-{i}/{start}.zarr.zip") for i in earlier],
    }
    spec = partial(plan.make_prototypes, study, model, _number(start))
    return job("make_prototypes", inputs=inputs, outputs=output, spec=spec)


def _train_replicates(plan: Plan, study: str, pair: str, file: str) -> PlannedJob:
    """The job that trains one seed of a pair, together with the other seeds of its block."""
    confusion = plan.confusion[study]
    block = next(block for block in confusion.blocks(min(plan.seeds_per_job, BLOCK)) if _number(file) in block)
    model = confusion.settings.model
    dataset = plan.config.models[model].dataset
    return PlannedJob(
        "train_replicates",
        study,
        f"{study}/{pair}/seeds-{block[0]}-{block[-1]}",
        "confusion",
        {"model": model, "pair": pair},
        {
            **{split: [plan.path(f"datasets/{dataset}/{split}.zarr.zip")] for split in SPLITS},
            "weights": plan.weights(model),
        },
        {"confusion": [plan.path(f"confusion/{study}/{pair}/seed-{seed}.zarr.zip") for seed in block]},
        partial(plan.train_replicates, study, pair, block),
        checks=(plan.path(f"networks/{model}.csv"),),
        bundle=("train_replicates", study, ""),
    )


def _number(part: str) -> int:
    """The number at the end of a part of a path, such as `seed-3`."""
    return int(part.rpartition("-")[2])


_MAKERS: Mapping[str, Callable[..., PlannedJob]] = {
    "datasets": _prepare_dataset,
    "networks": _check_network,
    "checkpoints": _checkpoint,
    "features": _features,
    "kstar": _kstar,
    "maps": _on_features("compute_map", "map", "maps", ".parquet", get_args(MapMethod)),
    "neighbours": _neighbours,
    "confusion": _train_replicates,
}
"""Functions that return the job of an artifact, by the artifact's folder."""
