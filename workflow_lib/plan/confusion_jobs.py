"""The jobs of a study of confused classes, found from the artifacts they make."""

from workflow_lib.plan import targets
from workflow_lib.plan.confusion import FIGURES
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.planned_job import PlannedJob


def train_replicates(plan: Plan, study: str, pair: str, file: str) -> PlannedJob:
    """The job that trains one seed of a pair, together with those of its block."""
    confusion = plan.confusion[study]
    block = confusion.block_of(int(file.removeprefix("seed-")))
    dataset = plan.config.models[confusion.study.settings.model].dataset
    return PlannedJob(
        "train_replicates",
        study,
        f"{study}/{pair}/seeds-{block[0]}-{block[-1]}",
        (study, pair, block),
        {split: [f"results/datasets/{dataset}/{split}.zarr.zip"] for split in ("train", "test")},
        {"confusion": [f"results/confusion/{study}/{pair}/seed-{seed}.zarr.zip" for seed in block]},
    )


def confusion_study_job(plan: Plan, study: str, stem: str) -> PlannedJob:
    """The job that makes one file of a study: the counts of all trainings, a table, or a figure."""
    folder, confusion = f"results/confusion_studies/{study}", plan.confusion[study]
    tables = {table: [f"{folder}/{table}.csv"] for table in confusion.tables}
    counts = {"counts": [f"{folder}/counts.zarr.zip"]}
    if stem == "counts":
        return PlannedJob("collect_confusion", study, study, (study,), {"stores": confusion.stores.paths}, counts)
    if stem in tables:
        return PlannedJob("tabulate_confusion", study, study, (study,), counts, tables)
    inputs = {source: (tables | counts)[source] for source in FIGURES[stem]}
    outputs = {suffix: [f"{folder}/{stem}.{suffix}"] for suffix in targets.PICTURE}
    return PlannedJob(f"draw_{stem}", study, study, (study,), inputs, outputs)
