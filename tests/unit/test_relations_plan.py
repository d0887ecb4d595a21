"""Studies of relations in the config and the plan: what they may name, which point they take, what follows from it."""

import json
from pathlib import Path

import pytest
import yaml

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.config.load import load
from workflow_lib.errors import UserError
from workflow_lib.plan.changes import changed_settings
from workflow_lib.plan.jobs import job_of, upstream
from workflow_lib.plan.plan import Plan

MINIATURE = Path(__file__).parents[2] / "configs" / "miniature.yaml"
ALIKE = {"kstar": "training", "prototypes": "sure", "confusion": "mixed"}
WHERE = "relations.studies.alike"
TABLES = "results/studies/relations/alike/correlations.csv"


def raw(changes=None, **keys):
    """The miniature with a study of each kind; `keys` are those of the study of relations."""
    whole = yaml.safe_load(MINIATURE.read_text()) | {"results": "results"}
    whole["datasets"]["three"] = {"source": "digits", "classes": ["0", "1", "2"]}
    whole["datasets"]["files"] = {"source": "arrays", "train": "a.npz", "test": "b.npz"}
    whole["datasets"]["given"] = {"source": "features", "path": "c.npz"}
    whole["models"]["other"] = whole["models"]["digits_cnn"] | {"dataset": "three", "intervals": [100]}
    whole["models"]["open"] = whole["models"]["other"] | {"dataset": "files"}
    whole["kstar"]["studies"]["given"] = {"features": "given"}
    whole["prototypes"] = {"studies": {"sure": {"model": "digits_cnn", "initialisations": 2}}}
    whole["confusion"] = {"studies": {"mixed": {"model": "digits_cnn", "seeds": {"count": 2}}}}
    whole["confusion"]["studies"]["fewer"] = {"model": "other"}
    for path, value in (changes or {}).items():
        *parents, last = path.split(".")
        holder = whole
        for key in parents:
            holder = holder[key]
        holder[last] = value
    whole["relations"] = {"studies": {"alike": {name: value for name, value in (ALIKE | keys).items() if value}}}
    return whole


def problems(changes=None, **keys):
    """Text of each problem by where it is."""
    with pytest.raises(UserError) as error:
        load(raw(changes, **keys), check_files=False)
    return {problem.where: str(problem) for problem in error.value.problems}


def planned(changes=None, **keys):
    return Plan(load(raw(changes, **keys), check_files=False), DigestMemory(Path("digests")))


def inputs(plan):
    job = job_of(plan, TABLES)
    paths = {argument: [path.removeprefix("results/") for path in files] for argument, files in job.inputs.items()}
    return paths, json.loads(job.spec())


def test_it_takes_the_last_interval_and_layer_the_first_metric_and_all_seeds():
    paths, spec = inputs(planned())
    assert paths == {
        "kstar": ["kstar/digits_cnn/digits/seed-{0,1}/interval-100/test/original/logits/euclidean.zarr.zip"],
        "sets": ["prototypes/sure/digits_cnn/seed-{0,1}/interval-100/initialisation-{0,1}.zarr.zip"],
        "features": [
            "dissimilarity/sure/digits_cnn/seed-{0,1}/interval-100/initialisation-{0,1}/head_input.zarr.zip",
        ],
        "prototype_pairs": ["studies/prototypes/sure/pairs.csv"],
        "boundaries": ["studies/prototypes/sure/boundary_images.csv"],
        "effects": ["studies/confusion/mixed/effects.csv"],
        "confusion_pairs": ["studies/confusion/mixed/pairs.csv"],
        "shares": ["studies/confusion/mixed/shares.csv"],
    }
    point = {"interval": 100, "layer": "logits", "metric": "euclidean", "model": "digits_cnn"}
    assert spec["sources"]["kstar"] == {"study": "training", **point, "seeds": 2}
    assert spec["sources"]["prototypes"]["sets"] == 4
    assert spec["sources"]["confusion"] == {"study": "mixed", "model": "digits_cnn", "seeds": 2}
    assert "title" not in spec


def test_keys_of_the_study_choose_another_point():
    changes = {"kstar.studies.training.metric": ["euclidean", "cosine"]}
    paths, _ = inputs(planned(changes, interval=50, layer="early", metric="cosine"))
    assert paths["kstar"] == ["kstar/digits_cnn/digits/seed-{0,1}/interval-50/test/original/early/cosine.zarr.zip"]
    assert paths["sets"] == ["prototypes/sure/digits_cnn/seed-{0,1}/interval-50/initialisation-{0,1}.zarr.zip"]


def test_the_model_is_chosen_where_there_are_several():
    changes = {"kstar.studies.training.model": ["other", "digits_cnn"]}
    assert f"{WHERE}.model" in problems(changes)
    paths, _ = inputs(planned(changes, model="digits_cnn"))
    assert paths["kstar"][0].startswith("kstar/digits_cnn/digits/")


def test_a_study_of_two_parts_reads_only_these():
    paths, spec = inputs(planned(prototypes=None))
    missing = [name for name, files in paths.items() if not files]
    assert missing == ["sets", "features", "prototype_pairs", "boundaries"]
    assert set(spec["sources"]) == {"kstar", "confusion"}
    paths, _ = inputs(planned({"prototypes.studies.sure.boundaries": False}))
    assert paths["boundaries"] == []


def test_the_jobs_of_all_its_parts_come_before_it():
    verbs = {job.verb for job in upstream(planned(), [TABLES])}
    assert {"compute_kstar", "make_prototypes", "tabulate_boundaries", "tabulate_confusion"} <= verbs
    assert not {verb for verb in verbs if verb.startswith("draw_")}


def test_all_problems_are_reported_at_once():
    found = problems(prototypes=None, confusion="mixd", layer="late", metric="cosine", interval=70)
    assert set(found) == {f"{WHERE}.{key}" for key in ("confusion", "layer", "metric", "interval")}
    assert "write mixed" in found[f"{WHERE}.confusion"]
    assert "early, logits" in found[f"{WHERE}.layer"]
    assert "euclidean" in found[f"{WHERE}.metric"]


def test_one_part_is_not_enough():
    assert "needs two or more" in problems(kstar=None, confusion=None)[WHERE]
    assert set(problems(kstar="a", prototypes="b", confusion="c")) == {f"{WHERE}.{section}" for section in ALIKE}
    found = problems(kstar=None, layer="logits")
    assert "only a k* study has a layer" in found[f"{WHERE}.layer"]


def test_parts_must_have_the_same_classes():
    assert "only one has 3" in problems(confusion="fewer")[WHERE]
    changes = {"confusion.studies.mixed.model": "open", "confusion.studies.mixed.pairs": [["a", "b"]]}
    assert "known only from its files" in problems(changes)[WHERE]
    assert "known only from its files" in problems(kstar="given")[WHERE]
    planned({"models.other.dataset": "again", "datasets.again": raw()["datasets"]["digits"]}, confusion="fewer")


def test_two_parts_on_one_dataset_need_not_list_its_classes():
    changes = {"prototypes.studies.sure.model": "open", "kstar.studies.training": {"model": "open"}}
    planned(changes, confusion=None)


def test_a_part_with_mistakes_is_not_reported_as_unknown():
    assert set(problems({"confusion.studies.mixed.seeds": -1})) == {"confusion.studies.mixed.seeds"}
    assert set(problems({"kstar.studies.training.model": "nothing"})) == {"kstar.studies.training.model"}


def test_more_permutations_than_can_be_computed_are_refused():
    found = problems(permutations=10**8)[f"{WHERE}.permutations"]
    assert "write 6250000 or less" in found


@pytest.mark.parametrize(
    ("changes", "keys", "line"),
    [
        ({}, {"interval": 50}, "relations.studies.alike.interval: 100 -> 50"),
        ({}, {"layer": "early"}, 'relations.studies.alike.layer: "logits" -> "early"'),
        ({}, {"permutations": 99}, "relations.studies.alike.permutations: 9999 -> 99"),
        ({"confusion.studies.mixed.seeds": [0]}, {}, "relations.studies.alike.confusion: 2 -> 1"),
    ],
)
def test_why_names_the_keys_of_the_study(changes, keys, line):
    plan = planned(changes, **keys)
    job = job_of(plan, TABLES)
    found = changed_settings(plan.config, job, inputs(planned())[1], json.loads(job.spec()))
    assert line in found
