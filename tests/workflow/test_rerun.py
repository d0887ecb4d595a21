"""Runs of Snakemake that are no cases of a proof: from nothing, through a history, on embeddings, for the report."""

import random
import re

import contract
import numpy as np
import pytest
from edits import put, remove, several, write
from project import Project

pytestmark = pytest.mark.workflow

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
    logs = finished.folder / "results" / "logs"
    done = {str(file.relative_to(logs).with_suffix("")) for file in logs.rglob("*.log")}
    assert done == set(finished.forecast().jobs)
    assert [name for name in done if "restored from the cache" in finished.log(name)] == []


@pytest.mark.slow
def test_after_a_history_of_five_edits_the_results_equal_a_clean_run(project, tmp_path):
    draw = random.Random(0)
    history = [*SHRINKING, *draw.sample(COMPOSABLE, 3)]
    draw.shuffle(history)
    edits = {row.name: row.edit for row in contract.cases()}
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


@pytest.mark.slow
def test_a_users_own_features_need_no_model(tmp_path):
    generator = np.random.default_rng(0)
    labels = np.repeat(["sport", "music", "news"], 20)
    project = Project(tmp_path / "project")
    (project.folder / "data").mkdir()
    features = generator.normal(size=(60, 8)) + 3 * (labels == "sport")[:, None]
    np.savez(project.folder / "data" / "embeddings.npz", features=features, labels=labels)
    run = project.snakemake("--configfile", "configs/embeddings.yaml", "--config", "results=results")
    assert run.code == 0, run.output
    verbs = {name.partition("/")[0] for name in run.computed}
    assert verbs >= {"import_features", "compute_kstar", "tabulate_kstar", "draw_violins"}
    assert not {"train_interval", "extract_features"} & verbs


@pytest.mark.slow
def test_a_mistake_in_one_dataset_stops_nothing_else(project):
    several(
        write("data/bad.npz", b"nothing"),
        put("kstar.threshold", 0.7),
        put("datasets.bad", {"source": "features", "path": "data/bad.npz"}),
        put("kstar.studies.bad", {"features": "bad"}),
    )(project)
    run = project.snakemake("tables")
    assert run.code == 1
    assert "data/bad.npz: " in run.output
    assert "Traceback" not in run.output
    assert {"tabulate_kstar/training", "tabulate_kstar/metrics"} <= run.computed
    assert not list((project.folder / "results" / "studies").rglob("bad/*"))


def test_the_report_is_one_page_that_holds_all_figures(finished, tmp_path):
    run = finished.snakemake("--report", str(tmp_path / "report.html"))
    assert run.code == 0, run.output
    page = (tmp_path / "report.html").read_text()
    assert "studies the latent space" in page
    assert page.count("data:image/png") >= 5
    assert not re.search(r'(src|href)="https?://[^"]+\.(js|css)"', page)
