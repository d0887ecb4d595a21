"""Trainings of a confusion study in the plan: names of pairs, blocks of seeds, what each job's settings hold."""

import itertools
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.config.load import load
from workflow_lib.errors import UserError
from workflow_lib.io.braces import expand
from workflow_lib.plan import targets
from workflow_lib.plan.commands import length_problems
from workflow_lib.plan.confusion import pair_name
from workflow_lib.plan.jobs import job_of, upstream
from workflow_lib.plan.load import load_plan
from workflow_lib.plan.plan import Plan
from workflow_lib.runner.units import split

MINIATURE = Path(__file__).parents[2] / "configs" / "miniature.yaml"
STUDY = {"model": "digits_cnn", "seeds": {"count": 5}}


def planned(seeds_per_job=2, **changes):
    raw = yaml.safe_load(MINIATURE.read_text()) | {"results": "results"}
    raw["confusion"] = {"studies": {"mixed": STUDY | changes}}
    return Plan(load(raw), DigestMemory(Path("digests")), seeds_per_job)


def of_classes(names, **changes):
    """The plan of a study of 50 seeds."""
    raw = yaml.safe_load(MINIATURE.read_text()) | {"results": "results"}
    raw["datasets"]["digits"] = {"source": "arrays", "train": "a.npz", "test": "b.npz", "classes": names}
    raw["confusion"] = {"studies": {"mixed": STUDY | {"seeds": {"count": 50}} | changes}}
    del raw["kstar"]
    return Plan(load(raw, check_files=False), DigestMemory(Path("digests")))


def trainings(plan):
    return [job for job in upstream(plan, targets.default(plan)) if job.verb == "train_replicates"]


@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        ("cat", "dog", "cat+dog"),
        ("T-shirt/top", "Ankle boot", "T-shirt%2Ftop+Ankle%20boot"),
        ("..", ".", "%2E%2E+%2E"),
        ("a+b", "{c,d}", "a%2Bb+%7Bc%2Cd%7D"),
    ],
)
def test_names_of_pairs_by_hand(first, second, name):
    assert pair_name(first, second) == name


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_names_of_pairs_are_safe_as_paths_patterns_and_shell_words(first, second):
    name = pair_name(first, second)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_%+~")
    assert name.count("+") == 1
    assert len(name) <= 255
    assert name[0] != "~"
    assert expand(name) == [name]


def test_the_name_of_an_ordered_pair_says_which_class_becomes_the_other():
    there, back = pair_name("cat", "dog", ordered=True), pair_name("dog", "cat", ordered=True)
    assert (there, back) == ("cat+to+dog", "dog+to+cat")
    assert pair_name("to", "to", ordered=True) != pair_name("to", "to")


def test_in_the_mode_one_way_all_are_the_ordered_pairs():
    plan = planned(mode="one_way")
    names = [name for name in plan.confusion["mixed"].pairs if name != "baseline"]
    assert len(names) == 4 * 3
    assert names[:4] == ["0+to+1", "0+to+2", "0+to+3", "1+to+0"]
    paths = targets.paths(plan, "confusion")
    assert paths == [f"results/confusion/mixed/{p}/seed-{s}.zarr.zip" for p in ["baseline", *names] for s in range(5)]
    assert job_of(plan, paths[-1]).wildcards["pair"] == "3+to+2"


def test_the_baseline_is_that_of_every_mode():
    specs = {
        mode: {job.place: job.spec() for job in trainings(planned(50, mode=mode))}
        for mode in ("swap", "drop", "random", "one_way")
    }
    baselines = {spec["mixed/baseline/seeds-0-4"] for spec in specs.values()}
    assert len(baselines) == 1
    assert len({spec.get("mixed/0+1/seeds-0-4", spec.get("mixed/0+to+1/seeds-0-4")) for spec in specs.values()}) == 4


def test_a_larger_sample_trains_only_the_new_pairs():
    samples = [set(planned(pairs={"sample": n}).confusion["mixed"].pairs) for n in range(1, 7)]
    assert [len(sample) for sample in samples] == [2, 3, 4, 5, 6, 7]  # with the baseline
    assert all(one < other for one, other in itertools.pairwise(samples))


def test_the_settings_of_a_large_sample_are_short():
    names = [f"class number {i}" for i in range(100)]
    plan = of_classes(names, pairs={"sample": 4000, "seed": 7})
    collect = job_of(plan, "results/studies/confusion/mixed/counts.zarr.zip")
    assert json.loads(collect.spec())["pairs"] == {"sample": 4000, "seed": 7}
    assert len(plan.confusion["mixed"].pairs) == 4001


def test_long_names_that_differ_at_their_ends_stay_apart():
    assert pair_name("x" * 300 + "1", "y") != pair_name("x" * 300 + "2", "y")


def test_every_pair_and_the_baseline_are_trained_with_every_seed():
    plan = planned()
    paths = targets.paths(plan, "confusion")
    assert len(paths) == len(set(paths)) == (1 + 6) * 5
    assert paths[0] == "results/confusion/mixed/baseline/seed-0.zarr.zip"
    assert paths[5] == "results/confusion/mixed/0+1/seed-0.zarr.zip"
    assert [path for job in trainings(plan) for path in job.makes] == paths
    pairs = list(plan.confusion["mixed"].pairs)
    assert paths == [f"results/confusion/mixed/{pair}/seed-{seed}.zarr.zip" for pair in pairs for seed in range(5)]


def test_the_stores_of_a_hundred_classes_fit_on_a_command_line():
    stores = of_classes([f"class number {i}" for i in range(100)]).confusion["mixed"].stores
    assert len(stores.paths) == (1 + 4950) * 50
    assert sum(len(pattern) + 1 for pattern in stores.patterns) < 131_072


def test_the_study_of_the_poster_has_2300_trainings_in_46_jobs():
    raw = yaml.safe_load((MINIATURE.parent / "confusion-cifar10.yaml").read_text())
    plan = Plan(load(raw), DigestMemory(Path("digests")))
    assert len(targets.paths(plan, "confusion")) == 2300
    assert len(trainings(plan)) == 46


def test_a_job_trains_a_block_of_seeds_of_one_pair():
    job = job_of(planned(), "results/confusion/mixed/0+3/seed-3.zarr.zip")
    assert job.name == "train_replicates/mixed/0+3/seeds-2-3"
    assert job.makes == [f"results/confusion/mixed/0+3/seed-{seed}.zarr.zip" for seed in (2, 3)]
    assert [len(job.makes) for job in trainings(planned())[:3]] == [2, 2, 1]
    assert len(trainings(planned(seeds_per_job=50))) == 7


@pytest.mark.parametrize("seeds_per_job", [1, 2, 3, 50])
def test_the_size_of_blocks_is_no_part_of_what_a_seed_is_kept_under(seeds_per_job):
    def units(plan):
        return {
            str(path): unit.spec
            for job in trainings(plan)
            for unit in split(json.loads(job.spec()), job.run(plan, "cpu").files("output"))
            for path in unit.outputs.values()
        }

    found = units(planned(seeds_per_job))
    assert found == units(planned(2))
    run = {"pair": "1+2", "classes": ["1", "2"], "mode": "swap", "share": 0.5, "seed": 4}
    assert found["results/confusion/mixed/1+2/seed-4.zarr.zip"]["runs"] == {"1+2/seed-4": run}


def test_a_training_knows_its_classes_and_the_baseline_has_none():
    plan = planned(pairs=[["2", "0"]], share=0.25)
    confused, baseline = (
        json.loads(plan.train_replicates("mixed", pair, plan.confusion["mixed"].blocks(2)[0]))
        for pair in ("0+2", "baseline")
    )
    assert confused["runs"]["0+2/seed-1"] == {
        "pair": "0+2",
        "classes": ["0", "2"],
        "mode": "swap",
        "share": 0.25,
        "seed": 1,
    }
    assert baseline["runs"]["baseline/seed-1"] == {
        "pair": "baseline",
        "classes": [],
        "mode": "swap",
        "share": 0,
        "seed": 1,
    }
    assert {key for key in confused if confused[key] != baseline[key]} == {"runs"}
    assert confused["training"]["epochs"] == 4


@pytest.mark.parametrize("wrong", ["0", "-1", "many", "", "2.5", "²"])
def test_a_wrong_number_of_seeds_per_job_is_told(monkeypatch, wrong):
    monkeypatch.setenv("LATENT_ATLAS_SEEDS_PER_JOB", wrong)
    with pytest.raises(UserError, match="whole number of 1 or more"):
        load_plan(yaml.safe_load(MINIATURE.read_text()), [MINIATURE])


def test_the_number_of_seeds_per_job_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("LATENT_ATLAS_SEEDS_PER_JOB", "3")
    raw = yaml.safe_load(MINIATURE.read_text()) | {"results": "results", "confusion": {"studies": {"mixed": STUDY}}}
    assert load_plan(raw, [MINIATURE]).seeds_per_job == 3


def test_pairs_whose_names_do_not_fit_into_a_command_are_refused():
    names = [f"class {i:03}" for i in range(120)]
    assert not list(length_problems(of_classes(names, pairs="all")))
    (problem,) = length_problems(of_classes(names, pairs="all", mode="one_way"))
    assert problem.where == "confusion.studies.mixed"
    assert not list(length_problems(of_classes(names, pairs={"sample": 1000, "seed": 0}, mode="one_way")))
