"""The jobs of a plan, found from the artifacts they make: what Snakemake's rules say, for those that ask without it."""

from collections.abc import Iterable

from workflow_lib.plan import targets
from workflow_lib.plan.confusion_jobs import confusion_study_job, train_replicates
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.planned_job import PlannedJob
from workflow_lib.plan.prototypes import BOUNDARY_TABLES, STORES
from workflow_lib.plan.prototypes import TABLES as TABLES_OF_SETS

TABULATED = ("classes", "aggregates")


def upstream(plan: Plan, paths: Iterable[str]) -> list[PlannedJob]:
    """Every job that artifacts need, each after those that make its inputs."""
    jobs: dict[str, PlannedJob] = {}
    made: set[str] = set()
    waiting = list(paths)[::-1]
    while waiting:
        if waiting[-1] in made:
            waiting.pop()
            continue
        job = job_of(plan, waiting[-1])
        if open_inputs := [path for path in job.needs if path not in made]:
            waiting += reversed(open_inputs)
        else:
            jobs[job.name] = job
            made.update(job.makes)
    return list(jobs.values())


def default_targets(plan: Plan) -> list[str]:
    """What `snakemake` makes when it is called without a target."""
    return targets.tables(plan) + targets.figures(plan)


def job_of(plan: Plan, path: str) -> PlannedJob:
    """The job that makes an artifact of the plan."""
    _, kind, *place = path.removesuffix(".zarr.zip").split("/")
    if kind == "datasets":
        return _prepare_dataset(place[0])
    if kind == "checkpoints":
        return _checkpoint(plan, *place)
    if kind == "features":
        return _import_features(place[1]) if place[0] == "imported" else _extract_features(plan, *place[:-1])
    if kind in STORES:
        return _on_set(plan, kind, *place)
    if kind == "prototype_studies":
        return _prototype_study_job(plan, place[0], place[1].partition(".")[0])
    if kind == "confusion":
        return train_replicates(plan, *place)
    if kind == "confusion_studies":
        return confusion_study_job(plan, place[0], place[1].partition(".")[0])
    if kind == "studies":
        return _study_job(plan, place[0], place[1].partition(".")[0])
    return _on_features(kind, place)


def _prepare_dataset(dataset: str) -> PlannedJob:
    outputs = {split: [f"results/datasets/{dataset}/{split}.zarr.zip"] for split in ("train", "test")}
    return PlannedJob("prepare_dataset", dataset, dataset, (dataset,), {}, outputs)


def _import_features(dataset: str) -> PlannedJob:
    outputs = {"features": [f"results/features/imported/{dataset}.zarr.zip"]}
    return PlannedJob("import_features", dataset, dataset, (dataset,), {}, outputs)


def _checkpoint(plan: Plan, model: str, seed: str, file: str) -> PlannedJob:
    settings = plan.config.models[model]
    place = f"{model}/{seed}/{file.partition('.')[0]}"
    checkpoint = f"results/checkpoints/{place}.pt"
    if settings.training is None:
        inputs = {"dataset": [f"results/datasets/{settings.dataset}/test.zarr.zip"]}
        return PlannedJob("import_weights", model, model, (model,), inputs, {"checkpoint": [checkpoint]})
    interval = int(file.partition(".")[0].removeprefix("interval-"))
    earlier = [f"results/checkpoints/{model}/{seed}/interval-{i}.pt" for i in plan.previous(model, interval)]
    return PlannedJob(
        "train_interval",
        model,
        place,
        (model, int(seed.removeprefix("seed-")), interval),
        {"dataset": [f"results/datasets/{settings.dataset}/train.zarr.zip"], "previous": earlier},
        {"checkpoint": [checkpoint], "curve": [f"results/checkpoints/{place}.curve.csv"]},
    )


def _extract_features(plan: Plan, model: str, seed: str, interval: str, split: str, transform: str) -> PlannedJob:
    settings = plan.config.models[model]
    folder = f"results/features/{model}/{seed}/{interval}/{split}/{transform}"
    return PlannedJob(
        "extract_features",
        model,
        f"{model}/{seed}/{interval}/{split}-{transform}",
        (model, transform),
        {
            "checkpoint": [f"results/checkpoints/{model}/{seed}/{interval}.pt"],
            "dataset": [f"results/datasets/{settings.dataset}/{split}.zarr.zip"],
        },
        {"features": [f"{folder}/{layer}.zarr.zip" for layer in settings.layers]},
    )


def _on_features(kind: str, place: list[str]) -> PlannedJob:
    """A job that reads the features of one point."""
    verb, argument, suffix = {
        "kstar": ("compute_kstar", "kstar", ".zarr.zip"),
        "maps": ("compute_map", "map", ".parquet"),
        "neighbours": ("count_neighbours", "neighbours", ".csv"),
    }[kind]
    source, choice = "/".join(place[:-1]), place[-1].removesuffix(suffix)
    return PlannedJob(
        verb,
        place[1] if place[0] == "imported" else place[0],
        f"{source}/{choice}",
        (choice,),
        {"features": [f"results/features/{source}.zarr.zip"]},
        {argument: [f"results/{kind}/{source}/{choice}{suffix}"]},
    )


def _study_job(plan: Plan, study: str, stem: str) -> PlannedJob:
    folder, files = f"results/studies/{study}", plan.studies[study]
    classes = {"classes": [f"{folder}/classes.csv"]}
    if stem in TABULATED:
        outputs = {table: [f"{folder}/{table}.csv"] for table in TABULATED}
        return PlannedJob("tabulate_kstar", study, study, (study,), {"kstar": files.kstar.paths}, outputs)
    if stem == "tables":
        inputs = classes | {"aggregates": [f"{folder}/aggregates.csv"]}
        return PlannedJob("render_tables", study, study, (study,), inputs, {"page": [f"{folder}/tables.html"]})
    inputs = {
        "violins": lambda: {"kstar": files.example_kstar.paths} | classes,
        "trends": lambda: classes,
        "maps": lambda: {"maps": files.maps.paths, "kstar": files.mapped_kstar.paths} | classes,
        "neighbours": lambda: {"neighbours": files.neighbours.paths},
    }[stem]()
    outputs = {suffix: [f"{folder}/{stem}.{suffix}"] for suffix in targets.PICTURE}
    return PlannedJob(f"draw_{stem}", study, study, (study,), inputs, outputs)


def _on_set(plan: Plan, kind: str, study: str, model: str, seed: str, interval: str, start: str) -> PlannedJob:
    """A job that makes one set of prototypes, or something of it."""
    percent, initialisation = int(interval.removeprefix("interval-")), int(start.removeprefix("initialisation-"))
    place = f"{study}/{model}/{seed}/{interval}/{start}"
    checkpoint = {"checkpoint": [f"results/checkpoints/{model}/{seed}/{interval}.pt"]}
    prototypes = {"prototypes": [f"results/prototypes/{place}.zarr.zip"]}
    output = {kind: [f"results/{kind}/{place}.zarr.zip"]}
    if kind == "dissimilarity":
        return PlannedJob("compute_dissimilarity", study, place, (), prototypes, output)
    if kind == "boundaries":
        return PlannedJob("find_boundaries", study, place, (study, model), checkpoint | prototypes, output)
    inputs = {
        **checkpoint,
        "dataset": [f"results/datasets/{plan.config.models[model].dataset}/train.zarr.zip"],
        "previous": [
            f"results/prototypes/{study}/{model}/{seed}/interval-{earlier}/{start}.zarr.zip"
            for earlier in plan.prototypes[study].previous(model, percent)
        ],
    }
    return PlannedJob("make_prototypes", study, place, (study, model, initialisation), inputs, output)


def _prototype_study_job(plan: Plan, study: str, stem: str) -> PlannedJob:
    folder, files = f"results/prototype_studies/{study}", plan.prototypes[study]
    if stem in TABLES_OF_SETS:
        inputs = {kind: files.stores(kind).paths for kind in ("prototypes", "dissimilarity")}
        inputs["features"] = files.features.paths
        outputs = {table: [f"{folder}/{table}.csv"] for table in TABLES_OF_SETS}
        return PlannedJob("tabulate_prototypes", study, study, (study,), inputs, outputs)
    if stem in BOUNDARY_TABLES:
        inputs = {kind: files.stores(kind).paths for kind in ("boundaries", "prototypes")}
        outputs = {"table": [f"{folder}/boundary_images.csv"], "intervals": [f"{folder}/boundary_intervals.csv"]}
        return PlannedJob("tabulate_boundaries", study, study, (study,), inputs, outputs)
    shown = {"prototypes": [files.example_store("prototypes")]}
    inputs = {
        "prototypes": shown,
        "way": shown,
        "dissimilarity": {"intervals": [f"{folder}/intervals.csv"]},
        "class_pairs": {"pairs": [f"{folder}/pairs.csv"]},
        "distributions": {"histograms": [f"{folder}/histograms.csv"]},
        "quality": {"quality": [f"{folder}/quality.csv"]},
        "boundaries": {
            "boundaries": [files.example_store("boundaries")],
            **shown,
            "table": [f"{folder}/boundary_images.csv"],
            "intervals": [f"{folder}/boundary_intervals.csv"],
        },
    }[stem]
    outputs = {suffix: [f"{folder}/{stem}.{suffix}"] for suffix in targets.PICTURE}
    return PlannedJob(f"draw_{stem}", study, study, (study,), inputs, outputs)
