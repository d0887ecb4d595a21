"""Runs of Snakemake that are no rows of the contract: from nothing, through a history, with what users do wrong."""

import random
import re
import shutil

import contract
import numpy as np
import pytest
from edits import remove
from project import ROOT, verbs

pytestmark = pytest.mark.workflow

MODEL = "digits_cnn"
SHRINKING = ("a seed taken out", "an interval taken out")
"""Rows of the contract that leave so little that a clean run is short."""
COMPOSABLE = (
    "the k\\* threshold",
    "the definition of skewness",
    "the number of neighbours that are counted",
    "a method added to the maps of a study",
    "a metric added to a study",
    "the order of a model's layers",
    "the names of two studies swapped",
    "all studies' results deleted",
    "the whole project copied by `cp -r`: new time stamps",
    "`.snakemake` deleted",
    "`results/.cache` deleted",
    "`results/provenance` deleted",
    "code of a kernel, with a change",
    "the style of the figures",
)
"""Rows of the contract that can follow each other in any order."""


def test_the_first_run_computes_all_jobs_of_the_plan(finished):
    assert finished.first_run.computed == set(finished.forecast().jobs)
    assert finished.first_run.restored == set()


@pytest.mark.parametrize("seed", [0])
def test_after_a_history_of_seven_edits_the_results_equal_a_clean_run(seed, project, tmp_path):
    draw = random.Random(seed)
    history = [*SHRINKING, *draw.sample(COMPOSABLE, 5)]
    draw.shuffle(history)
    edits = {row.name: row.edit for row in contract.rows()}
    for name in history:
        edits[name](project)
        run = project.snakemake()
        assert run.code == 0, f"{history}, at {name}: {run.output}"
    clean = project.copy(tmp_path / "clean")
    remove("results", ".snakemake")(clean)
    run = clean.snakemake()
    assert run.code == 0, run.output
    assert run.restored == set()
    results, wanted = project.results(), clean.results()
    assert [name for name in wanted if results.get(name) != wanted[name]] == [], history


def test_a_users_own_features_need_no_model(project):
    generator = np.random.default_rng(0)
    labels = np.repeat(["sport", "music", "news"], 20)
    features = generator.normal(size=(60, 8)) + 3 * (labels == "sport")[:, None]
    (project.folder / "data").mkdir()
    np.savez(project.folder / "data" / "embeddings.npz", features=features, labels=labels)
    run = project.snakemake("--configfile", "configs/embeddings.yaml")
    assert run.code == 0, run.output
    assert verbs(run.computed) >= {"import_features", "compute_kstar", "tabulate_kstar", "draw_violins"}
    assert not {"train_interval", "extract_features"} & verbs(run.computed)


def test_all_problems_of_a_config_come_in_one_message_and_nothing_is_touched(project):
    def spoil(config):
        config["models"][MODEL]["training"]["lrr"] = 0.1
        config["kstar"]["studies"]["training"]["metric"] = "euclid"

    before = project.results()
    project.edit_config(spoil)
    run = project.snakemake()
    assert run.code == 1
    assert "2 problems" in run.output
    assert f"models.{MODEL}.training.lrr" in run.output
    assert "write euclidean" in run.output
    assert "Traceback" not in run.output
    assert run.started == set()
    assert project.results() == before


def test_every_shipped_config_can_be_planned(project):
    (project.folder / "data").mkdir()
    np.savez(project.folder / "data" / "embeddings.npz", features=np.eye(4), labels=[0, 0, 1, 1])
    shutil.copy(ROOT / "config.yaml", project.folder / "configs" / "default.yaml")
    configs = sorted(project.folder.glob("configs/*.yaml"))
    assert len(configs) >= 4
    for config in configs:
        run = project.snakemake("--dry-run", "--configfile", str(config))
        assert run.code == 0, run.output


def test_the_report_is_one_page_that_holds_all_figures(finished):
    run = finished.snakemake("--report", "report.html")
    assert run.code == 0, run.output
    page = (finished.folder / "report.html").read_text()
    assert "looks into the latent space" in page
    assert page.count("data:image/png") >= 5
    assert not re.search(r'(src|href)="https?://[^"]+\.(js|css)"', page)
