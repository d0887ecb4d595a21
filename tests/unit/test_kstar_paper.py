"""The configs of the k* paper's tables, with stand-ins for the data and weights that users bring."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
import yaml
from test_config_docs import accepts
from test_graph import ROOT, differences, of_snakemake

from workflow_lib.plan import targets
from workflow_lib.plan.jobs import upstream
from workflow_lib.plan.load import load_plan, read_config

CONFIGS = sorted((ROOT / "configs" / "kstar-paper").glob("*.yaml"))
ALL = [pytest.param(path, id=path.stem) for path in CONFIGS]
JOBS = {"architectures": 8, "layers": 2, "crop": 12, "rotation": 22, "noise": 18, "metrics": 2, "stylised": 6}
"""Extractions of features of some of them: models times transforms."""
TRAINED = "training-data"
"""The one that trains."""


@pytest.fixture
def brought(tmp_path, monkeypatch):
    """Make what a config names in the working directory."""
    monkeypatch.chdir(tmp_path)

    def make(config):
        raw = yaml.safe_load(config.read_text())
        shutil.copytree(config.parent, Path("configs/kstar-paper"), dirs_exist_ok=True)
        for dataset in raw["datasets"].values():
            if dataset["source"] == "imagefolder":
                Path(dataset["root"], "airplane").mkdir(parents=True, exist_ok=True)
        transforms = [t for t in raw.get("transforms", {}).values() if t["kind"] == "stylise"]
        for transform in transforms:
            Path(transform["styles"]).mkdir(parents=True, exist_ok=True)
        files = [model["weights"] for model in raw["models"].values() if isinstance(model["weights"], str)]
        for file in [*files, *(file for transform in transforms for file in transform["weights"].values())]:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).touch()
        return raw

    return make


@pytest.mark.parametrize("config", ALL)
def test_each_is_valid_and_planned(config, brought):
    assert accepts(brought(config))
    plan = load_plan(read_config([config]), [config])
    jobs = Counter(job.verb for job in upstream(plan, targets.default(plan)))
    assert jobs["extract_features"] == JOBS.get(config.stem, jobs["extract_features"]) > 0
    if config.stem != TRAINED:
        assert jobs["import_weights"] == len(plan.config.models)
        assert not jobs["train_interval"]


def test_training_data_makes_its_images_and_trains_on_them(brought):
    config = CONFIGS[0].with_stem(TRAINED)
    brought(config)
    plan = load_plan(read_config([config]), [config])
    jobs = Counter(job.verb for job in upstream(plan, targets.default(plan)))
    made = {"prepare_dataset": 2, "transform_dataset": 1, "unite_datasets": 1, "train_interval": 3}
    assert {verb: jobs[verb] for verb in made} == made
    assert jobs["extract_features"] == 6  # three on 16 classes, three on 1,000: on natural images alone
    assert plan.kstar["imagenet"].config.kstar.studies["imagenet"].dataset == ("imagenet",)


@pytest.mark.slow
def test_some_have_the_same_jobs_in_snakemake(brought, tmp_path):
    configs = CONFIGS[::3]
    for config in configs:
        brought(config)
    for config, snakemake in zip(configs, of_snakemake(tmp_path, *([config] for config in configs)), strict=True):
        assert (config.stem, differences(load_plan(read_config([config]), [config]), snakemake)) == (config.stem, [])


def test_there_is_one_for_each_pair_of_tables():
    assert len(CONFIGS) == 10
    text = "".join(path.read_text() for path in CONFIGS)
    tables = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV", "XVI")
    for table in (*tables, "XVII", "XVIII", "XIX", "XX"):
        assert f"# table {table}\n" in text, table
