"""After an edit exactly what depends on it runs again, and the results equal those of a clean run."""

import pytest
from project import Project, verbs

pytestmark = pytest.mark.workflow

MODEL = "digits_cnn"
DRAWING = {"tabulate_study", "draw_violins", "draw_trends", "draw_maps", "draw_neighbours"}


def test_the_first_run_computes_everything_and_the_second_nothing(finished):
    assert finished.first_run.computed
    again = finished.snakemake()
    assert again.code == 0
    assert again.started == set()
    assert "Nothing to be done" in again.output


def test_a_metric_more_runs_only_its_kstar_and_what_follows(project):
    project.edit_config(lambda c: c["kstar"]["studies"]["training"].update(metric=["euclidean", "cityblock"]))
    run = project.snakemake()
    assert run.code == 0, run.output
    kstar = {job for job in run.computed if job.startswith("compute_kstar")}
    assert kstar
    assert all(job.endswith("/cityblock") for job in kstar)
    assert verbs(run.computed) <= {"compute_kstar"} | DRAWING
    assert not any("metrics" in job for job in run.started)


def test_a_threshold_runs_only_tables_and_figures(project):
    project.edit_config(lambda c: c["kstar"].update(threshold=0.7))
    run = project.snakemake()
    assert run.code == 0, run.output
    assert verbs(run.started) <= DRAWING
    assert "tabulate_study" in verbs(run.computed)


def test_an_interval_more_trains_only_that(project):
    before = project.results()
    project.edit_config(lambda c: c["models"][MODEL].update(intervals=[25, 50, 75, 100]))
    run = project.snakemake()
    assert run.code == 0, run.output
    trained = {job for job in run.computed if job.startswith(("train_interval", "extract_features", "compute_kstar"))}
    assert trained
    assert all("interval-75" in job for job in trained)
    after = project.results()
    assert all(after[name] == data for name, data in before.items() if name.startswith(("checkpoints", "kstar")))


def test_a_seed_more_trains_only_that(project):
    project.edit_config(lambda c: c["models"][MODEL].update(seeds={"start": 0, "count": 3}))
    run = project.snakemake()
    assert run.code == 0, run.output
    assert verbs(run.computed) >= {"train_interval", "extract_features", "compute_kstar"}
    assert all("seed-2" in job for job in run.computed if job.split("/")[0] not in DRAWING)


def test_a_learning_rate_trains_again_and_taking_it_back_computes_nothing(project):
    before = project.results()
    project.edit("config.yaml", "lr: ", "lr: 1")
    changed = project.snakemake()
    assert changed.code == 0, changed.output
    assert "train_interval" in verbs(changed.computed)
    assert "prepare_dataset" not in verbs(changed.started)
    assert project.results() != before
    project.edit("config.yaml", "lr: 1", "lr: ")
    back = project.snakemake()
    assert back.code == 0, back.output
    assert back.computed == set()
    assert project.results() == before


def test_comments_key_order_and_written_out_defaults_run_nothing(project):
    def reorder(config):
        config["models"][MODEL] = dict(reversed(config["models"][MODEL].items()))
        config["kstar"]["skewness"] = "anchored"

    project.edit_config(reorder)
    project.edit("workflow_lib/kstar/summary.py", '"""', '"""Another text. ')
    run = project.snakemake()
    assert run.code == 0, run.output
    assert run.started == set()


def test_code_of_a_kernel_runs_what_can_depend_on_it_and_equal_results_end_the_wave(project):
    file = "workflow_lib/steps/compute_kstar.py"
    project.edit(file, "    sizes = np.bincount(labels)", "    sizes = np.bincount(labels) * 1")
    run = project.snakemake()
    assert run.code == 0, run.output
    assert verbs(run.computed) == {"compute_kstar"}
    assert "tabulate_study" in verbs(run.restored)


def test_a_clean_run_of_the_edited_config_gives_the_same_bytes(project, tmp_path_factory):
    change = lambda c: c["models"][MODEL].update(intervals=[50, 100])  # noqa: E731
    project.edit_config(change)
    assert project.snakemake().code == 0
    clean = Project(tmp_path_factory.mktemp("clean"))
    clean.edit_config(change)
    assert clean.snakemake().code == 0
    edited = project.results()
    assert {name: edited.get(name) for name in clean.results()} == clean.results()
