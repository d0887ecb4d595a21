"""The plan: paths in the order of the points, and specs that hold what shapes a job and nothing else."""

import json
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.config import extras
from workflow_lib.config.load import load
from workflow_lib.config.transforms import AnyTransform, scales
from workflow_lib.plan import targets
from workflow_lib.plan.changes import changed_settings
from workflow_lib.plan.jobs import job_of
from workflow_lib.plan.plan import Plan
from workflow_lib.points import DIMENSIONS, points, varied

RAW = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
del RAW["relations"]  # they name studies that the tests replace


@pytest.fixture
def plan_of(tmp_path):
    def plan(change=lambda raw: None):
        raw = deepcopy(RAW)
        change(raw)
        return Plan(load(raw), DigestMemory(tmp_path / "digests"))

    return plan


def specs(plan):
    """Spec of one job of each verb."""
    return {
        "prepare_dataset": plan.prepare_dataset("digits"),
        "check_network": plan.check_network("digits_cnn"),
        "train_interval": plan.train_interval("digits_cnn", 0, 40),
        "extract_features": plan.extract_features("digits_cnn", "original"),
        "compute_kstar": plan.compute_kstar("cosine"),
        "compute_map": plan.compute_map("pca"),
        "count_neighbours": plan.count_neighbours("cosine"),
        "compute_kstar of euclidean": plan.compute_kstar("euclidean"),
        **{output.verb: plan.kstar["metrics"].spec(output) for output in plan.kstar["metrics"].outputs},
        **{output.verb: plan.kstar["training"].spec(output) for output in plan.kstar["training"].outputs},
    }


FIGURES = {"draw_violins", "draw_trends", "draw_accuracy_vs_kstar", "draw_maps", "draw_neighbours"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda raw: None, set()),
        (lambda raw: raw["kstar"].update(threshold=0.7), {"tabulate_kstar"} | FIGURES - {"draw_neighbours"}),
        (lambda raw: raw["kstar"].update(skewness="plain"), {"tabulate_kstar"}),
        (lambda raw: raw["kstar"].update(neighbours=5), {"count_neighbours", "draw_neighbours"}),
        (lambda raw: raw["kstar"].update(on_zero="leave_out"), {"compute_kstar", "count_neighbours"}),
        (lambda raw: raw["kstar"].update(approximate={}), set()),
        (lambda raw: raw["kstar"].update(maps={"seed": 1}), {"compute_map"}),
        (lambda raw: raw["models"]["digits_cnn"]["training"].update(lr=0.003), {"check_network", "train_interval"}),
        (
            lambda raw: raw["models"]["digits_cnn"]["training"].update(adversarial={"epsilon": "8/255"}),
            {"check_network", "train_interval"},
        ),
        (
            lambda raw: raw["models"]["digits_cnn"]["training"].update(precision="bfloat16"),
            {"check_network", "train_interval"},
        ),
        (
            lambda raw: raw["models"]["digits_cnn"]["layers"].update(early={"module": "conv1", "pool": "max"}),
            {"check_network", "extract_features"},
        ),
        (lambda raw: raw.update(prototypes={"studies": {"a": {"model": "digits_cnn"}}}), {"check_network"}),
        (lambda raw: raw["models"]["digits_cnn"].update(seeds=[0, 1, 2]), {"tabulate_kstar", "collect_kstar"}),
        (
            lambda raw: raw["models"]["digits_cnn"].update(intervals_of="data"),
            {"check_network", "train_interval", "tabulate_kstar", "collect_kstar"}
            | {"draw_violins", "draw_maps", "draw_neighbours"},
        ),
        (lambda raw: raw["datasets"]["digits"].update(split_seed=1), {"prepare_dataset"}),
        (lambda raw: raw["kstar"]["studies"]["training"].update(description="Why?"), {"render_tables"}),
        (
            lambda raw: raw["kstar"]["studies"]["training"].update(title="T"),
            {"render_tables"} | FIGURES - {"draw_maps"},
        ),
        (
            lambda raw: raw["models"]["digits_cnn"].update(options={"hidden": 32}),
            {"check_network", "train_interval", "extract_features"},
        ),
        (lambda raw: raw["models"].update(other=deepcopy(raw["models"]["digits_cnn"])), set()),
    ],
)
def test_a_setting_is_part_of_exactly_the_specs_that_it_shapes(plan_of, change, expected):
    before, after = specs(plan_of()), specs(plan_of(change))
    assert {verb for verb in before if before[verb] != after[verb]} == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda encoded: encoded.update(pooling="cls"), {"encode_texts"}),
        (lambda encoded: encoded.update(layers=["encoder.layer.1", "sentence"]), {"encode_texts"}),
        (lambda encoded: Path("model/weights").write_text("other"), {"encode_texts"}),
        (lambda encoded: encoded.update(pooling="mean"), set()),  # the default
    ],
)
def test_a_key_of_an_encoder_is_part_of_the_encoding_only(plan_of, tmp_path, monkeypatch, change, expected):
    """The other jobs follow from the encoded texts, if these change."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(extras, "problems", lambda *_: iter(()))
    Path("model").mkdir()
    for file in ("model/weights", "texts.csv"):
        Path(file).write_text("some")

    def specs_of(change):
        def changed(raw):
            sentences = {"source": "text", "path": "texts.csv", "test_fraction": 0.5}
            encoded = {"source": "encoded", "of": "sentences", "encoder": "transformers/model"}
            raw["datasets"].update(sentences=sentences, encoded=encoded)
            raw["models"]["mlp"] = {"architecture": "mlp", "dataset": "encoded", "training": {"epochs": 1}}
            raw["models"]["mlp"]["layers"] = {"logits": "logits"}
            change(encoded)

        plan = plan_of(changed)
        return {
            "prepare_dataset": plan.prepare_dataset("sentences"),
            "encode_texts": plan.encode_texts("encoded"),
            "check_network": plan.check_network("mlp"),
            "train_interval": plan.train_interval("mlp", 0, 100),
            "extract_features": plan.extract_features("mlp", "original"),
        }

    before, after = specs_of(lambda encoded: None), specs_of(change)
    assert {verb for verb in before if before[verb] != after[verb]} == expected


def with_transforms(raw):
    raw["transforms"] = {
        "turned": {"kind": "rotation", "degrees": 30},
        "own": {"kind": "function", "function": "mine:change", "strength": 1},
        "attacked": {"kind": "pgd", "epsilon": "8/255"},
    }
    raw["datasets"]["turned_digits"] = {"source": "transformed", "of": "digits", "transform": "turned"}
    raw["kstar"]["studies"]["metrics"]["transform"] = "all"


def specs_of_transforms(plan):
    (tables,) = (output for output in plan.kstar["metrics"].outputs if output.verb == "tabulate_kstar")
    changed = {name: plan.extract_features("digits_cnn", name) for name in plan.config.transforms}
    return {**changed, "dataset": plan.transform_dataset("turned_digits"), "tables": plan.kstar["metrics"].spec(tables)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda transforms: transforms["turned"].update(degrees=60), {"turned", "dataset", "tables"}),
        (lambda transforms: transforms["attacked"].update(epsilon="4/255"), {"attacked", "tables"}),
        (lambda transforms: transforms["attacked"].update(steps=3), {"attacked"}),
        (lambda transforms: transforms["attacked"].update(epsilon=8 / 255), set()),
        (lambda transforms: transforms["own"].update(strength=2), {"tables"}),
        (lambda transforms: transforms["own"].update(options={"by": 1}), {"own"}),
        (lambda transforms: Path("mine.py").write_text("def change(images, ids):\n    return 1 - images"), {"own"}),
    ],
)
def test_a_key_of_a_transform_is_part_of_the_specs_that_it_shapes(plan_of, tmp_path, monkeypatch, change, expected):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("def change(images, ids):\n    return images")
    before = specs_of_transforms(plan_of(with_transforms))

    def changed(raw):
        with_transforms(raw)
        change(raw["transforms"])

    after = specs_of_transforms(plan_of(changed))
    assert {name for name in before if before[name] != after[name]} == expected


def test_why_names_the_keys_of_transforms(plan_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    features = "results/features/digits_cnn/digits/seed-0/interval-100/test/{}/logits.zarr.zip"
    paths = [
        *(features.format("turned"), features.format("own")),
        *("results/datasets/turned_digits/train.zarr.zip", "results/studies/kstar/metrics/classes.csv"),
    ]

    def jobs(degrees, function):
        def change(raw):
            with_transforms(raw)
            raw["transforms"]["turned"]["degrees"] = degrees

        Path("mine.py").write_text(f"def change(images, ids):\n    return {function}")
        plan = plan_of(change)
        return plan.config, [(job, json.loads(job.spec())) for job in (job_of(plan, path) for path in paths)]

    before, (config, after) = jobs(30, "images")[1], jobs(60, "1 - images")
    lines = [changed_settings(config, job, old, new) for (_, old), (job, new) in zip(before, after, strict=True)]
    assert lines == [
        ["transforms.turned.degrees: 30.0 -> 60.0"],
        ["transforms.own.function: the content has changed"],
        ["transforms.turned.degrees: 30.0 -> 60.0"],
        ["transforms.turned: 30.0 -> 60.0"],
    ]


def test_strengths_are_those_of_the_transforms_of_the_study(plan_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("def change(images, ids):\n    return images")
    study = plan_of(with_transforms).kstar["metrics"]
    assert study.strengths == {"original": None, "turned": 30, "own": 1, "attacked": 8 / 255}
    assert plan_of().kstar["metrics"].strengths == {"original": None}
    assert study.scales == {
        "rotation": ["turned", "original"],
        "mine:change": ["own"],
        "pgd linf": ["attacked", "original"],
    }
    assert plan_of().kstar["metrics"].scales == {}


def test_a_strength_counts_by_what_it_measures():
    def change(**keys):
        return TypeAdapter(AnyTransform).validate_python(keys)

    weights = {"encoder": "e.pth", "decoder": "d.pth"}
    transforms = {
        "own": change(kind="function", function="mine:blur", strength=1.0),
        "stronger": change(kind="function", function="mine:blur", strength=2.0, options={"by": 2}),
        "other": change(kind="function", function="mine:fade", strength=2.0),
        "without": change(kind="function", function="mine:fade"),
        "linf": change(kind="pgd", epsilon=0.1),
        "l2": change(kind="pgd", epsilon=1.0, norm="l2"),
        "drawn": change(kind="stylise", styles="data"),
        "painted": change(kind="stylise", styles="data", weights=weights),
        "cut": change(kind="centre_crop", pixels=4),
    }
    assert scales(["original", *transforms], transforms) == {
        "mine:blur": ["own", "stronger"],
        "mine:fade": ["other"],
        "pgd linf": ["linf", "original"],
        "pgd l2": ["l2", "original"],
        "stylise": ["drawn"],
        "stylise with weights": ["painted"],
        "centre_crop": ["cut"],
    }
    assert scales(["linf"], transforms) == {"pgd linf": ["linf"]}


def test_a_stage_is_made_from_the_stage_before_and_a_later_part_of_the_epochs_only_faster(plan_of):
    def later(plan):
        job = job_of(plan, plan.path("checkpoints/digits_cnn/seed-0/interval-60.pt"))
        return job, [Path(path).name for path in job.run(plan, "cpu").files("input").values()]

    job, inputs = later(plan_of())
    assert (job.inputs["previous"], job.inputs["former"]) == (
        [plan_of().path("checkpoints/digits_cnn/seed-0/interval-40.pt")],
        [],
    )
    assert inputs == ["train.zarr.zip"]
    job, inputs = later(plan_of(lambda raw: raw["models"]["digits_cnn"].update(intervals_of="data")))
    assert (inputs, job.inputs["previous"]) == (["train.zarr.zip", "interval-40.pt"], [])
    spec = json.loads(job.spec())
    assert (spec["stop_epoch"], spec["percent"], spec["training"]["epochs"]) == (20, 60, 20)


def test_a_stage_more_changes_no_check_and_no_other_settings(plan_of):
    def specs_of(*intervals):
        change = {"intervals_of": "data", "intervals": intervals}
        plan = plan_of(lambda raw: raw["models"]["digits_cnn"].update(change))
        return plan.checked("digits_cnn"), plan.train_interval("digits_cnn", 0, 40)

    assert specs_of(40, 100) == specs_of(40, 60, 100)


def test_keys_that_came_later_are_missing_at_their_defaults(plan_of):
    spec = json.loads(plan_of().train_interval("digits_cnn", 0, 40))
    training = spec["training"]
    assert not {"intervals_of", "percent"} & set(spec)
    assert "stages" not in json.loads(plan_of().check_network("digits_cnn"))
    assert not {"adversarial", "precision"} & set(training)
    plan = plan_of(lambda raw: raw.update(prototypes={"studies": {"a": {"model": "digits_cnn"}}}))
    assert "precision" not in json.loads(plan.make_prototypes("a", "digits_cnn", 0))["descent"]


def test_the_precision_of_prototypes_makes_them_again(plan_of):
    study = {"model": "digits_cnn", "precision": "bfloat16"}
    plan = plan_of(lambda raw: raw.update(prototypes={"studies": {"a": study}}))
    assert json.loads(plan.make_prototypes("a", "digits_cnn", 0))["descent"]["precision"] == "bfloat16"


def test_the_title_of_a_figure_says_what_it_shows(plan_of):
    study = plan_of().kstar["training"]
    titles = {output.name: json.loads(study.spec(output)).get("title") for output in study.outputs}
    assert titles["violins"] == f"{study.study.title}: distributions of k*"
    assert titles["tables"] == study.study.title
    figures = [output for output in study.outputs if output.is_figure]
    assert len({titles[output.name] for output in figures}) == len(figures) > 2


def test_approximate_kstar_has_a_step_of_its_own(plan_of):
    plan = plan_of()
    assert plan.kstar_verb == "compute_kstar"
    with pytest.raises(ValueError, match="exact"):
        plan.approximate_kstar("euclidean")
    plan = plan_of(lambda raw: raw["kstar"].update(approximate={"neighbours": 30}, on_zero="leave_out"))
    assert plan.kstar_verb == "approximate_kstar"
    expected = {"metric": "euclidean", "neighbours": 30, "check": 1000, "seed": 0}
    assert json.loads(plan.approximate_kstar("euclidean")) == expected
    assert json.loads(plan.approximate_kstar("cosine"))["on_zero"] == "leave_out"


def test_specs_are_canonical_json(plan_of):
    for spec in specs(plan_of()).values():
        assert spec == json.dumps(json.loads(spec), sort_keys=True, separators=(",", ":"))


def test_paths_stand_in_the_order_of_the_points(plan_of):
    study = plan_of().kstar["training"]
    expected = [
        "results/kstar/{model}/{dataset}/seed-{seed}/interval-{interval}/{split}/{transform}/{layer}/{metric}.zarr.zip".format(
            **p
        )
        for p in points(study.grids)
    ]
    assert study.kstar(study.grids).paths == expected
    assert len(expected) == 2 * 7 * 3
    assert len(study.kstar(study.grids).patterns) == 1
    assert study.varied == ["seed", "interval", "layer"]


def test_a_large_study_fits_on_a_command_line(plan_of):
    study = plan_of(lambda raw: raw["models"]["digits_cnn"].update(seeds={"start": 0, "count": 2300})).kstar["training"]
    assert len(study.kstar(study.grids).paths) == 2300 * 7 * 3
    assert len(" ".join(study.kstar(study.grids).patterns)) < 32_000


def test_only_maps_of_the_first_seed_last_interval_and_first_metric_are_made(plan_of):
    plan = plan_of()
    expected = [
        f"results/maps/digits_cnn/digits/seed-0/interval-100/test/original/{layer}/{method}.parquet"
        for layer in ("early", "penultimate", "logits")
        for method in ("tsne", "isomap", "pca", "umap")
    ]
    assert targets.paths(plan, "maps") == expected


def test_imported_features_take_the_place_of_a_model(plan_of, tmp_path):
    file = tmp_path / "imported.npz"
    file.write_bytes(b"1")

    def imported(raw):
        raw["datasets"]["mine"] = {"source": "features", "path": str(file)}
        raw["kstar"]["studies"] = {"mine": {"features": "mine", "metric": ["euclidean", "cosine"]}}

    plan = plan_of(imported)
    study = plan.kstar["mine"]
    assert study.kstar(study.grids).paths == [
        f"results/kstar/imported/mine/{m}.zarr.zip" for m in ("euclidean", "cosine")
    ]
    assert study.varied == ["metric"]
    assert "results/studies/kstar/mine/maps.svg" not in targets.paths(plan, "figures")
    before = plan.import_features("mine")
    file.write_bytes(b"2")
    assert plan_of(imported).import_features("mine") != before


def test_each_interval_starts_from_the_one_before(plan_of):
    plan = plan_of()
    assert [plan.previous("digits_cnn", interval) for interval in (25, 40, 100)] == [[], [25], [90]]
    assert json.loads(plan.train_interval("digits_cnn", 1, 40))["stop_epoch"] == 8


def test_varied_looks_at_all_grids_together():
    one = {dimension: [0] for dimension in DIMENSIONS}
    assert varied([one]) == []
    assert varied([one, {**one, "model": [1]}]) == ["model"]


def test_the_file_of_predictions_shapes_the_features_and_no_training(plan_of, tmp_path):
    file, digits = tmp_path / "map.json", list("0123456789")

    def specs_with(outputs):
        file.write_text(json.dumps(outputs))
        return specs(plan_of(lambda raw: raw["models"]["digits_cnn"].update(predictions={"map": str(file)})))

    made = [specs(plan_of()), specs_with(digits), specs_with(digits[::-1])]
    for before, after in pairwise(made):
        assert {verb for verb in before if before[verb] != after[verb]} == {"check_network", "extract_features"}
