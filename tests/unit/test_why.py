"""Why a job would run: each kind of change is told in the words of the config, and no other."""

import contextlib
import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from workflow_lib.cache.digests import DigestMemory, content_digest
from workflow_lib.code.fingerprint import library_versions, module_digests
from workflow_lib.code.signature import step_module
from workflow_lib.config.load import load
from workflow_lib.plan import targets, why
from workflow_lib.plan.changes import differences
from workflow_lib.plan.jobs import job_of, upstream
from workflow_lib.plan.layers import layer_problems
from workflow_lib.plan.plan import Plan
from workflow_lib.runner import records
from workflow_lib.runner.records import record_path

MINIATURE = Path(__file__).parents[2] / "configs" / "miniature.yaml"
FEATURES = "results/features/digits_cnn/digits/seed-0/interval-50/test/original/early.zarr.zip"
KSTAR = "results/kstar/digits_cnn/digits/seed-0/interval-50/test/original/early/euclidean.zarr.zip"
KSTAR_JOB = "compute_kstar/digits_cnn/digits/seed-0/interval-50/test/original/early/euclidean"


def record_of(artifact):
    return record_path(Path(artifact), Path("results"))


def planned(change=lambda raw: None):
    raw = yaml.safe_load(MINIATURE.read_text()) | {"results": "results"}
    change(raw)
    return Plan(load(raw), DigestMemory(Path("digests")))


def finish(plan, write=lambda path: path.write_text(str(path))):
    """Write all results of a plan, each with other bytes, and the records that the runner would write."""
    for step, job in enumerate(upstream(plan, targets.default(plan))):
        for path in map(Path, job.makes):
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
            os.utime(path, (step + 1, step + 1))
        run = job.run(plan, "cpu")
        inputs = run.files("input")
        for unit in run.units:
            record = {
                "spec": unit.spec,
                "code": run.code,
                "key": run.key(unit, {name: content_digest(path) for name, path in inputs.items()}),
                "inputs": {name: str(path) for name, path in inputs.items()},
                "device": "cpu",
                "modules": module_digests(step_module(job.verb)),
                "versions": {"python": "3.0"} | library_versions(step_module(job.verb)),
            }
            for artifact in map(str, unit.outputs.values()):
                record_of(artifact).parent.mkdir(parents=True, exist_ok=True)
                record_of(artifact).write_text(json.dumps(record))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder in which everything the miniature asks for is there; not to be edited."""
    folder = tmp_path_factory.mktemp("whole")
    with contextlib.chdir(folder):
        finish(planned())
    return folder


@pytest.fixture
def finished(whole, tmp_path, monkeypatch):
    """A copy of it as the working directory."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit_record(artifact, change):
    file = record_of(artifact)
    record = json.loads(file.read_text())
    change(record)
    file.write_text(json.dumps(record))


def lines(change=lambda raw: None):
    return why.describe(why.explain(planned(change))).splitlines()


def set_model(**values):
    return lambda raw: raw["models"]["digits_cnn"].update(values)


def set_training(**values):
    return lambda raw: raw["models"]["digits_cnn"]["training"].update(values)


def set_study(**values):
    return lambda raw: raw["kstar"]["studies"]["training"].update(values)


def test_nothing_runs_when_records_and_plan_agree(finished):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    assert lines() == ["Nothing would run."]
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (set_training(lr=0.02), "train_interval digits_cnn (6 jobs): models.digits_cnn.training.lr: 0.01 -> 0.02"),
        (
            set_training(epochs=8),
            "train_interval digits_cnn (6 jobs): models.digits_cnn.training.epochs: 4 -> 8",
        ),
        (
            set_training(augmentation={"flip": True}),
            "train_interval digits_cnn (6 jobs): models.digits_cnn.training.augmentation.flip: false -> true",
        ),
        (
            set_model(layers={"early": {"module": "conv1", "pool": "max"}, "logits": "logits"}),
            'extract_features digits_cnn (6 jobs): models.digits_cnn.layers.early.pool: "avg" -> "max"',
        ),
        (
            lambda raw: raw["datasets"]["digits"]["subsample"].update(train=30),
            "prepare_dataset digits (1 job): datasets.digits.subsample.train: 20 -> 30",
        ),
        (
            lambda raw: raw["kstar"].update(threshold=0.7),
            "tabulate_kstar training, metrics (2 jobs): kstar.threshold: 0.5 -> 0.7",
        ),
        (
            lambda raw: raw["kstar"].update(neighbours=5),
            "count_neighbours digits_cnn (2 jobs): kstar.neighbours: 10 -> 5",
        ),
        (
            lambda raw: raw["kstar"].update(maps={"seed": 3}),
            "compute_map digits_cnn (2 jobs): kstar.maps.seed: 0 -> 3",
        ),
        (
            set_study(description="Why?"),
            'render_tables training (1 job): kstar.studies.training.description: "" -> "Why?"',
        ),
        (
            set_study(interval=100),
            "tabulate_kstar training (1 job): kstar.studies.training.interval: [25, 50, 100] -> [100]",
        ),
        (
            set_model(intervals_of="data"),
            'train_interval digits_cnn (6 jobs): models.digits_cnn.intervals_of: (not set) -> "data"',
        ),
        (
            set_model(intervals_of="data"),
            'tabulate_kstar training, metrics (2 jobs): models.digits_cnn.intervals_of: (not set) -> "data"',
        ),
        (
            set_model(seeds=[0]),
            "tabulate_kstar training, metrics (2 jobs): models.digits_cnn.seeds: [0, 1] -> [0]",
        ),
    ],
)
def test_a_setting_is_named_as_in_the_config(finished, change, line):
    assert line in lines(change)


def test_of_long_values_the_difference_is_told(finished):
    text = "\n".join(lines(set_model(seeds={"start": 1, "count": 40})))
    assert "models.digits_cnn.seeds: [2, 3, 4, " in text
    assert "added, [0] taken out" in text
    finish(planned(set_study(description="word " * 50)))
    change = set_study(description="word " * 50 + "end")
    assert "render_tables training (1 job): kstar.studies.training.description: has changed" in lines(change)


def test_a_key_that_specs_no_longer_have_is_no_setting_of_the_user(finished):
    edit_record("results/studies/kstar/training/trends.svg", lambda record: record["spec"].update(varied=["seed"]))
    assert "draw_trends training (1 job): code: setting varied: no longer passed" in lines()
    edit_record("results/studies/kstar/training/violins.svg", lambda record: record["spec"].pop("grids"))
    assert "draw_violins training (1 job): code: setting grids: passed now" in lines()


def test_another_architecture_is_told_once(finished):
    (finished / "net.py").write_text("def build(): ...")
    text = [line for line in lines(set_model(architecture="net:build")) if line.startswith("train_interval")]
    expected = 'models.digits_cnn.architecture: "small_cnn" -> "net:build"'
    assert expected in "\n".join(text)
    assert not any("content" in line for line in text)


def test_a_model_that_is_loaded_instead_of_trained_is_told_so(finished):
    (finished / "net.pt").write_text("weights")

    def load_weights(raw):
        model = raw["models"]["digits_cnn"]
        del model["training"], model["seeds"], model["intervals"]
        model["weights"] = "net.pt"

    text = "\n".join(lines(load_weights))
    assert 'import_weights digits_cnn (1 job): models.digits_cnn.weights: null -> "net.pt"' in text
    assert "import_weights digits_cnn (1 job): models.digits_cnn.training: {" in text
    assert "stop_epoch" not in text


def test_code_of_a_users_own_model_is_told_by_its_key(finished):
    (finished / "net.py").write_text("def build(): ...")
    finish(planned(set_model(architecture="net:build")))
    (finished / "net.py").write_text("def build(): ...  # with a comment")
    assert lines(set_model(architecture="net:build")) == ["Nothing would run."]
    (finished / "net.py").write_text("def build(): return 1")
    expected = "train_interval digits_cnn (6 jobs): models.digits_cnn.architecture: the content has changed"
    assert expected in lines(set_model(architecture="net:build"))


def test_only_what_depends_on_a_setting_is_named(finished):
    answer = why.explain(planned(lambda raw: raw["kstar"].update(threshold=0.7)))
    verbs = {name.partition("/")[0] for name in [*answer.reasons, *answer.following]}
    assert verbs == {
        *("tabulate_kstar", "render_tables", "draw_violins", "draw_trends", "draw_accuracy_vs_kstar", "draw_maps")
    }
    assert {name.partition("/")[0] for name in answer.following} == {"render_tables"}


def test_what_follows_is_told_in_one_line(finished):
    text = lines(set_training(lr=0.02))
    assert text[0] == "46 of 47 jobs would run."
    assert len(text) == 4
    assert "extract_features digits_cnn (6 jobs), compute_kstar digits_cnn (16 jobs)" in text[3]
    assert "input: remade" in text[3]


def test_a_check_that_passed_is_repeated_only_with_the_trainings(finished):
    """A change of layers or of its code would otherwise start the trainings that wait for it."""
    check, network = "check_network/digits_cnn", "results/networks/digits_cnn.csv"
    edit_record(network, lambda record: record.update(code="0"))
    assert lines() == ["Nothing would run."]
    assert check not in why.explain(planned(set_model(layers={"logits": "logits", "late": "dense1"}))).following
    assert check in why.explain(planned(set_training(lr=0.02))).reasons
    Path(network).unlink()
    assert lines() == ["Nothing would run."]
    assert why.explain(planned(set_model(seeds=[0, 1, 2]))).reasons[check] == [why.MISSING]


def test_a_seed_more_is_missing_only_where_it_is_new(finished):
    answer = why.explain(planned(set_model(seeds=[0, 1, 2])))
    missing = [name for name, reasons in answer.reasons.items() if reasons == [why.MISSING]]
    assert missing
    assert all("/seed-2/" in name for name in missing)


def test_a_module_of_the_code_is_named(finished):
    edit_record(
        KSTAR, lambda record: record.update(code="0", modules=record["modules"] | {"workflow_lib.io.storage": "0"})
    )
    assert "compute_kstar digits_cnn (1 job): code: workflow_lib.io.storage has changed" in lines()


def test_modules_that_come_and_go_are_named(finished):
    def change(record):
        del record["modules"]["workflow_lib.io.storage"]
        record.update(code="0", modules=record["modules"] | {"workflow_lib.old": "0"})

    edit_record(KSTAR, change)
    assert "compute_kstar digits_cnn (1 job): code: workflow_lib.old is no longer used" in lines()
    assert "compute_kstar digits_cnn (1 job): code: workflow_lib.io.storage is used now" in lines()


def test_a_library_is_named_with_both_versions(finished):
    numpy = library_versions("workflow_lib.steps.compute_kstar")["numpy"]
    edit_record(KSTAR, lambda record: record.update(code="0", versions=record["versions"] | {"numpy": "1.0"}))
    assert f"compute_kstar digits_cnn (1 job): library: numpy 1.0 -> {numpy}" in lines()


def test_a_record_without_modules_tells_that_the_code_has_changed(finished):
    edit_record(KSTAR, lambda record: (record.pop("modules"), record.update(code="0")))
    assert "compute_kstar digits_cnn (1 job): code: that of compute_kstar has changed" in lines()


def test_the_version_of_python_alone_is_no_reason(finished):
    edit_record(KSTAR, lambda record: record["versions"].update(python="2.7"))
    assert lines() == ["Nothing would run."]


def test_an_input_counts_when_its_bytes_differ_not_when_only_its_time_does(finished):
    os.utime(FEATURES)
    assert lines() == ["Nothing would run."]
    Path(FEATURES).write_text("other")
    assert f"compute_kstar digits_cnn (1 job): input: {FEATURES} has changed" in lines()


def test_an_input_of_another_name_counts_when_its_bytes_differ(finished):
    edit_record(KSTAR, lambda record: record["inputs"].update({"features/0": "results/features/given/old.zarr.zip"}))
    assert lines() == ["Nothing would run."]
    edit_record(KSTAR, lambda record: record.update(key="0"))
    expected = f"input: results/features/given/old.zarr.zip -> {FEATURES}"
    assert f"compute_kstar digits_cnn (1 job): {expected}" in lines()


def test_a_missing_output_is_made_only_if_something_needs_it(finished):
    Path(FEATURES).unlink()
    assert lines() == ["Nothing would run."]
    Path("results/studies/kstar/training/violins.svg").unlink()
    answer = why.explain(planned())
    assert answer.reasons == {"draw_violins/training": [why.MISSING]}
    Path(KSTAR).unlink()
    answer = why.explain(planned())
    assert set(answer.reasons) == {
        "draw_violins/training",
        KSTAR_JOB,
        "extract_features/digits_cnn/digits/seed-0/interval-50/test-original",
    }
    assert "tabulate_kstar/training" in answer.following


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"spec": 1}'])
def test_results_without_a_sound_record_are_not_known(finished, content):
    if content is None:
        record_of(KSTAR).unlink()
    else:
        record_of(KSTAR).write_text(content)
    assert lines()[1:] == [f"compute_kstar digits_cnn (1 job): {why.UNKNOWN}"]


def test_content_of_a_users_file_is_told_by_its_key(finished, tmp_path):
    data = tmp_path / "data.npz"
    data.write_text("one")
    raw = {
        "datasets": {"words": {"source": "features", "path": "data.npz"}},
        "kstar": {"studies": {"words": {"features": "words"}}},
    }
    finish(Plan(load(raw), DigestMemory(Path("digests"))))
    data.write_text("two!")
    answer = why.explain(Plan(load(raw), DigestMemory(Path("digests"))))
    assert answer.reasons == {"import_features/words": ["datasets.words.path: the content has changed"]}
    assert "tabulate_kstar/words" in answer.following


def test_leaves_that_differ_are_found_on_both_sides():
    found = list(differences({"a": 1, "b": {"c": [1], "d": 2}}, {"a": 1, "b": {"c": [2], "e": None}}))
    assert [path for path, _, _ in found] == [("b", "c"), ("b", "e"), ("b", "d")]
    assert list(differences({"a": 0.1}, {"a": 0.1})) == []


def test_the_jobs_of_a_plan_come_after_those_they_need(finished):
    plan = planned()
    made = set()
    for job in upstream(plan, targets.default(plan)):
        assert set(job.needs) <= made
        made.update(job.makes)
        assert all(job_of(plan, path) == job for path in job.makes)
    assert set(targets.default(plan)) <= made


def with_prototypes(**changes):
    settings = {"model": "digits_cnn", "seed": 0, "interval": [50, 100], "initialisations": 2} | changes
    return lambda raw: raw.update(prototypes={"studies": {"towards": settings}})


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"lr": 0.5}, "make_prototypes towards (4 jobs): prototypes.studies.towards.lr: 0.1 -> 0.5"),
        (
            {"initialisations": 3},
            "tabulate_prototypes towards (1 job): prototypes.studies.towards.initialisations: 2 -> 3",
        ),
        (
            {"include_self": True},
            "tabulate_prototypes towards (1 job): prototypes.studies.towards.include_self: false -> true",
        ),
        ({"layer": "early"}, "find_boundaries towards (4 jobs): prototypes.studies.towards.layer: null -> "),
        (
            {"layer": ["head_input", "early"]},
            'tabulate_prototypes towards (1 job): prototypes.studies.towards.layer: ["head_input"] -> ["head_input", ',
        ),
    ],
)
def test_settings_of_prototypes_have_the_words_of_the_config(tmp_path, monkeypatch, change, line):
    monkeypatch.chdir(tmp_path)
    finish(planned(with_prototypes()))
    assert lines(with_prototypes()) == ["Nothing would run."]
    told = lines(with_prototypes(**change))
    assert any(text.startswith(line) for text in told), told


def test_what_intervals_are_shares_of_is_told_by_the_key_of_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finish(planned(with_prototypes()))

    def change(raw):
        with_prototypes()(raw)
        raw["models"]["digits_cnn"]["intervals_of"] = "data"

    told = [line for line in lines(change) if "intervals_of" in line]
    assert {line.partition(": ")[2] for line in told} == {'models.digits_cnn.intervals_of: (not set) -> "data"'}
    assert {line.split()[0] for line in told} >= {"train_interval", "tabulate_prototypes"}


def test_options_of_a_network_are_told_for_its_prototypes_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finish(planned(with_prototypes()))

    def change(raw):
        with_prototypes()(raw)
        raw["models"]["digits_cnn"]["options"] = {"width": 16}

    assert any(
        text.startswith("make_prototypes towards (4 jobs): models.digits_cnn.options.width") for text in lines(change)
    )


def test_a_changed_layer_is_told_for_its_features_in_the_words_of_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prepared = with_prototypes(layer=["head_input", "early"])
    finish(planned(prepared))

    def change(raw):
        prepared(raw)
        raw["models"]["digits_cnn"]["layers"]["early"]["pool"] = "max"

    expected = 'compute_dissimilarity towards (4 jobs): models.digits_cnn.layers.early.pool: "avg" -> "max"'
    assert expected in lines(change)


NETWORK = "results/networks/digits_cnn.csv"


@pytest.fixture
def checked(finished):
    """The table of the check holds two usable modules and one that is not; only these are known to the plan."""
    before = Path(NETWORK).stat()
    table = (
        "module,kind,output,parameters,problem\nconv1,Conv2d,8x8,9,\nidle,Linear,,4,is not reached\nlogits,Net,3,9,\n"
    )
    Path(NETWORK).write_text(table)
    os.utime(NETWORK, ns=(before.st_atime_ns, before.st_mtime_ns))


def refused(*changes):
    plan = planned(lambda raw: [change(raw) for change in changes])
    return [(problem.where, problem.repair) for problem in layer_problems(plan)]


WRONG = set_model(layers={"a": "conv1.relu", "b": "logits", "c": "conv1.pool"})


def test_layers_that_a_checked_network_does_not_have_are_refused_while_planning(checked, monkeypatch):
    assert refused(set_model(layers={"a": "conv1", "b": "logits"})) == []
    assert refused(WRONG, set_model(seeds=[0, 1, 2])) == [
        ("models.digits_cnn.layers.a", "write conv1"),
        ("models.digits_cnn.layers.c", "write conv1"),
    ]
    idle = planned().config.models["digits_cnn"].layers["early"].model_copy(update={"module": "idle"})
    plan = planned()
    plan.config.models["digits_cnn"].layers["early"] = idle
    (problem,) = layer_problems(plan)
    assert (problem.value, problem.allowed) == ("idle", "this layer is not reached")


def test_layers_are_left_to_a_check_that_will_run(checked):
    assert refused(WRONG, set_training(lr=0.02)) == []
    assert refused(WRONG, lambda raw: raw["datasets"]["digits"].update(split_seed=1)) == []
    record_of(NETWORK).unlink()
    assert refused(WRONG) == []


@pytest.mark.parametrize("content", ["", "module,kind\nconv1,Conv2d\n", "\x00", None])
def test_a_table_that_cannot_be_read_refuses_nothing(checked, content):
    if content is None:
        Path(NETWORK).unlink()
    else:
        Path(NETWORK).write_text(content)
    assert refused(WRONG) == []


def test_weights_of_another_model_and_examined_datasets_are_told_by_their_keys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def settings(interval, training=4, examine=("noisy",)):
        def change(raw):
            noisy = raw["datasets"]["digits"]
            taker = {**raw["models"]["digits_cnn"], "seeds": [0], "intervals": [100]}
            raw["datasets"] |= {"noisy": noisy, "both": {"source": "union", "of": ["digits", "noisy"]}}
            longer = {**taker["training"], "epochs": training}
            raw["models"]["digits_cnn"] |= {"examine": list(examine), "training": longer}
            raw["models"]["taker"] = taker | {"weights": {"model": "digits_cnn", "interval": interval}}
            raw["kstar"]["studies"] = {"all": {"model": "all", "dataset": "all", "layer": "logits"}}

        return planned(change)

    finish(settings(50))
    assert why.explain(settings(50)).reasons == {}
    reason = ["models.taker.weights.interval: 50 -> 100"]
    jobs = ("check_network/taker", "train_interval/taker/seed-0/interval-100")
    assert why.explain(settings(100)).reasons == dict.fromkeys(jobs, reason)
    more = why.explain(settings(50, examine=("noisy", "both")))
    running = {*more.reasons, *more.following}
    started = {name.partition("/")[0] for name in running}
    assert not started & {"check_network", "train_interval", "prepare_dataset"}
    assert {"check_examined/digits_cnn/both", "unite_datasets/both"} <= running
    assert all("/digits_cnn/both" in name for name in running if name.startswith(("extract", "compute", "check")))
    longer = why.explain(settings(50, training=8))
    assert "train_interval/taker/seed-0/interval-100" in longer.following
    assert "check_network/taker" not in longer.following


def test_a_result_that_was_being_published_when_its_job_was_killed_is_due(finished):
    png = Path("results/studies/kstar/training/violins.png")
    kept = record_of(png).read_bytes()
    records.begin([png], Path("results"))
    answer = why.explain(planned())
    assert answer.reasons == {"draw_violins/training": ["a job was killed while it wrote this result"]}
    assert why.outdated(answer) == ["results/studies/kstar/training/violins.svg"]
    for other in (kept, None):  # published, or its record deleted by hand
        record_of(png).unlink()
        if other:
            record_of(png).write_bytes(other)
        assert why.explain(planned()).reasons == {}
