"""Bundles of jobs: what is in them, what their rules are made from, and how one process runs them."""

import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.code.fingerprint import code_fingerprint
from workflow_lib.config.load import load
from workflow_lib.io import storage
from workflow_lib.plan import bundles, targets
from workflow_lib.plan.jobs import all_jobs, makeable, upstream
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.why import Answer
from workflow_lib.runner import gpus, run
from workflow_lib.runner import job as job_module
from workflow_lib.runner.job import joined, parse_all
from workflow_lib.runner.log import SEE, logged

MINIATURE = Path(__file__).parents[2] / "configs" / "miniature.yaml"
MODEL = "digits_cnn"


@pytest.fixture(params=["noise", "warm"])
def plan(request):
    raw = yaml.safe_load(MINIATURE.read_text()) | {"results": "results"}
    raw["prototypes"] = {"studies": {"sure": {"model": MODEL, "initialisations": 3, "start": request.param}}}
    raw["confusion"] = {"studies": {"mixed": {"model": MODEL, "seeds": {"count": 3}}}}
    return Plan(load(raw), DigestMemory(Path("digests")), 8)


def answer(plan, due=None, needed=None):
    """The answer that these jobs are due, and these needed; None for all."""
    jobs = [job for job in all_jobs(plan) if needed is None or job.name in needed]
    return Answer(jobs, {job.name: ["why"] for job in jobs if due is None or job.name in due}, (), ())


def made(plan, *args, **options):
    """All bundles, by rule and point."""
    return [
        (shape.rule, point, bundles.bundle(plan, shape, point))
        for shape, points in bundles.shapes(plan, answer(plan, *args), **options).items()
        for point in points
    ]


@pytest.mark.parametrize("one_gpu", [False, True])
def test_every_job_of_a_bundle_is_in_one_and_after_those_that_make_its_inputs(plan, one_gpu):
    needed = {job.name for job in upstream(plan, targets.paths(plan, "kstar"))}
    due = {name for name in needed if "interval-100" in name}
    found = made(plan, due, needed, one_gpu=one_gpu)
    names = [job.name for _, _, bundle in found for job in bundle.jobs]
    assert sorted(names) == sorted(job.name for job in all_jobs(plan) if job.bundle)
    for _, _, bundle in found:
        assert len({(job.name in due, job.name in needed) for job in bundle.jobs}) == 1
        for number, job in enumerate(bundle.jobs):
            later = {path for other in bundle.jobs[number:] for path in other.makes}
            assert not later & set(job.needs)
        assert not set(bundle.needs) & set(bundle.makes)


def test_bundles_by_hand(plan):
    found = made(plan)
    sizes = {}
    for rule, point, bundle in found:
        sizes.setdefault((rule, point), []).append(len(bundle.jobs))
    assert sizes["train_interval", f"{MODEL}/seed-0"] == [3]
    assert sizes["extract_features", f"{MODEL}/digits/seed-0"] == [3]
    assert sizes["make_prototypes", f"sure/{MODEL}/seed-0/interval-25"] == [12]  # 3 sets, and what is made of each
    assert sizes["train_replicates", "mixed"] == [2, 2, 2, 1]  # 6 pairs and the baseline, 3 of 8 trainings each
    assert sizes["figures_kstar", "training"] == [4]


def test_an_initialisation_more_is_a_bundle_of_its_own(plan):
    new = {job.name for job in all_jobs(plan) if "initialisation-2" in job.name}
    found = [bundle for rule, _, bundle in made(plan, new) if rule == "make_prototypes"]
    assert sorted(len(bundle.jobs) for bundle in found) == sorted([4, 8] * 6)  # 2 seeds, 3 intervals
    assert all(job.name in new for bundle in found if len(bundle.jobs) == 4 for job in bundle.jobs)


def test_all_intervals_share_one_gpu(plan):
    points = {point for rule, point, _ in made(plan, one_gpu=True) if rule == "make_prototypes"}
    assert points == {f"sure/{MODEL}/seed-{seed}" for seed in (0, 1)}


@pytest.mark.parametrize(("touched", "sizes"), [("violins.svg", [4]), ("classes.csv", [1, 1, 1, 1])])
def test_what_snakemake_would_start_by_time_stamps_is_not_bundled(plan, tmp_path, monkeypatch, touched, sizes):
    monkeypatch.chdir(tmp_path)
    for path in [path for job in all_jobs(plan) for path in job.makes]:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
        os.utime(path, (1, 1))
    os.utime(f"results/studies/kstar/training/{touched}", (2, 2))
    found = [bundle for rule, point, bundle in made(plan, set()) if (rule, point) == ("figures_kstar", "training")]
    assert [len(bundle.jobs) for bundle in found] == sizes


def test_shapes_come_back_from_text(plan):
    shapes = bundles.shapes(plan, answer(plan, set()))
    assert bundles.read(bundles.written(shapes)) == list(shapes)


def test_a_study_with_the_name_of_its_family_keeps_its_place():
    raw = yaml.safe_load(MINIATURE.read_text()) | {"results": "results"}
    raw["kstar"]["studies"] = {"kstar": raw["kstar"]["studies"]["training"]}
    plan = Plan(load(raw), DigestMemory(Path("digests")))
    (shape,) = (shape for shape in bundles.shapes(plan, answer(plan, set())) if shape.rule == "figures_kstar")
    assert shape.outputs[0] == "studies/kstar/{point}/violins.svg"


def test_words_of_a_bundle_are_the_jobs_of_the_plan(plan):
    for _, _, bundle in made(plan):
        options = ["--results", "results", "--threads", "1", "--device", "cpu"]
        jobs = parse_all([*options, *bundle.words()])
        logs = [Path(f"results/logs/{job.name}.log") for job in bundle.jobs]
        expected = [job.run(plan, "cpu") for job in bundle.jobs]
        assert jobs == [job._replace(log=log) for job, log in zip(expected, logs, strict=True)]


def test_jobs_that_differ_only_in_their_runs_are_one_and_keep_their_keys(plan):
    (bundle, *_) = [bundle for rule, _, bundle in made(plan) if rule == "train_replicates"]
    baseline, pair = parse_all(["--results", "results", *bundle.words()])
    (both,) = joined([baseline, pair])
    outputs = [
        Path(f"results/confusion/mixed/{name}/seed-{seed}.zarr.zip")
        for name in ("baseline", "0+1")
        for seed in range(3)
    ]
    assert both.paths == baseline.paths | {"confusion": outputs}
    assert both.units == [*baseline.units, *pair.units]
    assert [unit.outputs["confusion"] for unit in both.units] == outputs
    assert (both.log, both.other_logs) == (baseline.log, (pair.log,))
    other = pair._replace(paths=pair.paths | {"train": [Path("results/other.zarr.zip")]})
    assert joined([baseline, other]) == [baseline, other]
    longer = pair._replace(spec=pair.spec.replace('"epochs":4', '"epochs":5'))
    assert joined([baseline, longer, pair]) == [both, longer]


def test_joined_jobs_begin_anew_after_a_portion(plan, monkeypatch):
    (bundle, *_) = [bundle for rule, _, bundle in made(plan) if rule == "train_replicates"]
    jobs = parse_all(["--results", "results", *bundle.words()])
    assert [len(job.units) for job in jobs] == [3, 3]
    for portion, sizes in {3: [3, 3], 4: [6]}.items():
        monkeypatch.setattr(job_module, "PORTION", portion)
        assert [len(job.units) for job in joined(jobs)] == sizes


def test_no_other_jobs_are_one(plan):
    for rule, _, bundle in made(plan):
        if rule != "train_replicates":
            jobs = parse_all(["--results", "results", *bundle.words()])
            assert joined(jobs) == jobs


def test_the_logs_of_jobs_done_as_one_name_that_with_the_messages(tmp_path):
    first, *others = (tmp_path / name / "one.log" for name in "abc")
    with logged(first, others) as say:
        say("a message")
    assert first.read_text() == "a message\n"
    assert [other.read_text() for other in others] == [f"{SEE}{first}\n"] * 2


@pytest.fixture
def features(tmp_path, monkeypatch):
    """A folder with features, in which jobs of k* can run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LATENT_ATLAS_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    coords = {"sample": ("sample", np.arange(6)), "label": ("sample", np.array([0, 0, 0, 1, 1, 1]))}
    coords["class"] = ("class", np.array(["a", "b"]))
    values = rng.normal(size=(6, 2)).astype(np.float32)
    values[0] = 0.0  # has no direction: cosine refuses it
    variable = {"features": storage.VariableSpec(("sample", "feature"), values.shape, "float32")}
    Path("results").mkdir()
    with storage.SampleWriter(Path("results/features.zarr.zip"), variable, coords, {}) as writer:
        writer.append(features=values)


def call(metric, source="features", output=None):
    code = code_fingerprint("workflow_lib.steps.compute_kstar")
    spec = f'{{"metric":"{metric}","on_zero":"error"}}' if metric == "cosine" else f'{{"metric":"{metric}"}}'
    files = ["--features", f"results/{source}.zarr.zip", "--kstar", f"results/{output or metric}.zarr.zip"]
    log = f"results/logs/{output or metric}.log"
    return ["+", "compute-kstar", *files, "--spec", spec, "--code", code, "--log", log]


def test_jobs_of_a_bundle_that_can_be_made_are_made(features, capfd):
    calls = [*call("cosine"), *call("euclidean"), *call("euclidean", source="cosine", output="after")]
    assert run.main(["--results", "results", *calls]) == 1
    assert not Path("results/cosine.zarr.zip").exists()
    assert Path("results/euclidean.zarr.zip").exists()
    logs = {name: Path(f"results/logs/{name}.log").read_text() for name in ("cosine", "euclidean", "after")}
    assert "sample 0" in logs["cosine"]
    assert logs["euclidean"].strip() == "" or "compute_kstar:" not in logs["euclidean"]
    assert "results/cosine.zarr.zip" in logs["after"]
    assert "could not be made" in logs["after"]
    print("to the terminal again")
    assert capfd.readouterr().out == "to the terminal again\n"


def test_a_bundle_takes_one_gpu_once(features, monkeypatch):
    taken = []

    class Lent:
        def __init__(self, device):
            taken.append(device)

        def __enter__(self): ...

        def __exit__(self, *error): ...

    monkeypatch.setattr(gpus, "lent", Lent)
    assert run.main(["--results", "results", *call("euclidean"), *call("cityblock")]) == 0
    assert taken == ["cpu"]


def test_results_beyond_the_studies_can_be_asked_for(plan):
    place = f"{MODEL}/digits/seed-0/interval-100/train/original"
    asked = [plan.path(f"kstar/{place}/logits/cityblock.zarr.zip"), plan.path(f"maps/{place}/early/umap.parquet")]
    jobs = upstream(plan, asked)
    found = bundles.shapes(plan, Answer(jobs, {job.name: ["why"] for job in jobs}, (), ()))
    made = {path for shape, points in found.items() for at in points for path in bundles.bundle(plan, shape, at).makes}
    assert {*asked} <= made
    assert plan.path(f"features/{place}/logits.zarr.zip") in made


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("kstar", "gone"),
        (MODEL, "gone"),
        ("/digits/", "/gone/"),
        ("seed-0", "seed-9"),
        ("seed-0", "seed"),
        ("interval-100", "interval-33"),
        ("/test/", "/val/"),
        ("original", "gone"),
        ("logits", "gone"),
        ("euclidean", "gone"),
    ],
)
def test_a_path_with_a_name_that_the_config_has_not_is_not_made(plan, right, wrong):
    path = f"kstar/{MODEL}/digits/seed-0/interval-100/test/original/logits/euclidean.zarr.zip"
    right, wrong = plan.path(path), plan.path(path.replace(right, wrong, 1))
    assert makeable(plan, [right, wrong, "figures"]) == [right]
