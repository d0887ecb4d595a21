"""After an edit exactly what depends on it runs again, and the results equal those of a clean run."""

import re
import shutil

import numpy as np
import pytest
from project import ROOT, Project, verbs

pytestmark = pytest.mark.workflow

MODEL = "digits_cnn"
DRAWING = {"tabulate_study", "render_tables", "draw_violins", "draw_trends", "draw_maps", "draw_neighbours"}


def test_the_first_run_computes_everything_and_the_second_nothing(finished):
    assert finished.first_run.computed
    again = finished.snakemake()
    assert again.code == 0
    assert again.started == set()
    assert finished.why() == set()
    assert "Nothing to be done" in again.output


def test_a_metric_more_runs_only_its_kstar_and_what_follows(project):
    project.edit_config(lambda c: c["kstar"]["studies"]["training"].update(metric=["euclidean", "cityblock"]))
    expected = project.why()
    run = project.snakemake()
    assert run.code == 0, run.output
    assert run.started == expected
    kstar = {job for job in run.computed if job.startswith("compute_kstar")}
    assert kstar
    assert all(job.endswith("/cityblock") for job in kstar)
    assert verbs(run.computed) <= {"compute_kstar"} | DRAWING
    assert not any("metrics" in job for job in run.started)


def test_a_threshold_runs_only_tables_and_figures(project):
    project.edit_config(lambda c: c["kstar"].update(threshold=0.7))
    expected = project.why()
    run = project.snakemake()
    assert run.started == expected
    assert run.code == 0, run.output
    assert verbs(run.started) <= DRAWING
    assert "tabulate_study" in verbs(run.computed)


def test_an_interval_more_trains_only_that(project):
    before = project.results()
    project.edit_config(lambda c: c["models"][MODEL].update(intervals=[25, 50, 75, 100]))
    run = project.snakemake("kstar")
    assert run.code == 0, run.output
    assert verbs(run.computed) == {"train_interval", "extract_features", "compute_kstar"}
    assert all("interval-75" in job for job in run.computed)
    after = project.results()
    assert all(after[name] == data for name, data in before.items() if not name.startswith("studies"))


def test_a_seed_more_trains_only_that(project):
    project.edit_config(lambda c: c["models"][MODEL].update(seeds={"start": 0, "count": 3}))
    run = project.snakemake("kstar")
    assert run.code == 0, run.output
    assert verbs(run.computed) == {"train_interval", "extract_features", "compute_kstar"}
    assert all("seed-2" in job for job in run.started)


def test_a_learning_rate_trains_again_and_taking_it_back_computes_nothing(project):
    before = project.results()
    lr = project.config()["models"][MODEL]["training"]["lr"]
    project.edit_config(lambda c: c["models"][MODEL]["training"].update(lr=lr / 2))
    changed = project.snakemake("features")
    assert changed.code == 0, changed.output
    assert verbs(changed.started) == {"train_interval", "extract_features"}
    assert changed.restored == set()
    assert project.results() != before
    project.edit_config(lambda c: c["models"][MODEL]["training"].update(lr=lr))
    back = project.snakemake()
    assert back.code == 0, back.output
    assert back.computed == set()
    assert project.results() == before


def test_comments_key_order_and_written_out_defaults_run_nothing(project):
    def reorder(config):
        config["models"][MODEL] = dict(reversed(config["models"][MODEL].items()))
        config["kstar"]["skewness"] = "anchored"

    project.edit_config(reorder)
    project.edit("workflow_lib/tables.py", '"""Tables of a study: ', '"""All tables of a study: ')
    project.edit("workflow_lib/tables.py", "\ndef class_table(", "\n# A comment.\n\n\ndef class_table(")
    run = project.snakemake()
    assert run.code == 0, run.output
    assert run.started == set()


def test_code_of_a_step_runs_what_can_depend_on_it_and_equal_results_end_the_wave(project):
    file = "workflow_lib/steps/compute_kstar.py"
    project.edit(file, "sizes = np.bincount(labels)", "sizes = np.bincount(labels) * 1")
    run = project.snakemake("tables")
    assert run.code == 0, run.output
    assert verbs(run.computed) == {"compute_kstar"}
    assert verbs(run.restored) == {"tabulate_study", "render_tables"}


def test_a_clean_run_of_the_edited_config_gives_the_same_bytes(project, tmp_path_factory):
    def change(config):
        config["models"][MODEL]["intervals"] = [75, 100]
        config["kstar"]["studies"]["training"]["metric"] = "chebyshev"

    project.edit_config(change)
    assert project.snakemake("tables").code == 0
    clean = Project(tmp_path_factory.mktemp("clean"))
    clean.edit_config(change)
    assert clean.snakemake("tables").code == 0
    edited = project.results()
    assert {name: edited.get(name) for name in clean.results()} == clean.results()


def test_a_users_own_features_need_no_model(project):
    generator = np.random.default_rng(0)
    labels = np.repeat(["sport", "music", "news"], 20)
    features = generator.normal(size=(60, 8)) + 3 * (labels == "sport")[:, None]
    (project.folder / "data").mkdir()
    np.savez(project.folder / "data" / "embeddings.npz", features=features, labels=labels)
    run = project.snakemake("--configfile", "configs/embeddings.yaml")
    assert run.code == 0, run.output
    assert verbs(run.computed) >= {"import_features", "compute_kstar", "tabulate_study", "draw_violins"}
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
