"""The recipes of CONTRIBUTING.md, followed to the letter on a copy of the project: each makes something that works."""

import re
import textwrap

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from project import ROOT, Project

from workflow_lib.io import storage

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

GUIDE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SOURCE, ARCHITECTURE, TRANSFORM, METRIC = "A data source", "An architecture", "A transform", "A metric"
FIGURE, TABLE, STUDY = "A figure", "A table", "A kind of study"
FILES = {SOURCE: 2, ARCHITECTURE: 2, TRANSFORM: 2, METRIC: 3, FIGURE: 3, TABLE: 3, STUDY: 12}

CONFIG = {
    "datasets": {
        "ramps": {"source": "ramps", "path": "ramps.txt", "test_fraction": 0.5},
        "brought": {"source": "features", "path": "brought.npz"},
    },
    "models": {
        "flat": {
            "architecture": "linear",
            "options": {"bias": False},
            "dataset": "ramps",
            "training": {"epochs": 1},
            "seeds": [0, 1, 2],
            "layers": {"pixels": "flatten", "logits": "logits"},
        }
    },
    "transforms": {"mirrored": {"kind": "flip"}},
    "kstar": {
        "studies": {
            "new": {"model": "flat", "metric": "canberra", "transform": "all", "layer": "pixels"},
            "apart": {"features": "brought"},
        }
    },
    "agreement": {"studies": {"alike": {"model": "flat"}}},
}
MAKER = '"agreement": '
MISSPELT = {
    "datasets": {"ramps": {"source": "ramp", "path": "ramps.txt"}},
    "models": {"flat": CONFIG["models"]["flat"] | {"architecture": "linea"}},
    "transforms": {"mirrored": {"kind": "flop"}},
    "kstar": {"studies": {"new": {"model": "flat", "metric": "canbera"}}},
}
MISFIT = CONFIG | {
    "models": {"flat": CONFIG["models"]["flat"] | {"seeds": [0]}},
    "agreement": {"studies": {"alike": {"model": "flat"}, "none": {"model": "flit"}}},
}
LOAD = """
import sys, yaml
from workflow_lib.config import load
from workflow_lib.errors import UserError
try:
    load(yaml.safe_load(sys.argv[1]), check_files=False)
except UserError as error:
    print(error)
"""
POINT = "flat/ramps/seed-0/interval-100/test"
MIRRORED = f"{POINT}/mirrored/pixels/canberra"


DOCS = """
from workflow_lib.config.reference import reference
from workflow_lib.config.schema import schema
print(reference(schema()))
"""


def items(heading):
    """The numbered items of a recipe: paths that each begins with, and its block of code ("" without one)."""
    section = GUIDE.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    found = {}
    for item in re.split(r"^\d+\. ", section, flags=re.MULTILINE)[1:]:
        block = re.search(r"^ +```(?:python|snakemake)\n(.*?)^ +```$", item, re.MULTILINE | re.DOTALL)
        path = re.match(r"`([^`]+)`:", item).group(1)
        found[path] = textwrap.dedent(block.group(1)) if block else ""
    return found


def add(project, heading, path, *edits, before=None, indent=""):
    """Write the code of an item before a line of its file, or as a new file; then replace texts in the file."""
    file = project.folder / path
    code = items(heading)[path]
    if before is None and not file.exists():
        file.write_text(code)
    elif before is not None:
        project.edit(path, before, re.sub(r"^(?=.)", indent, code, flags=re.MULTILINE) + before)
    for old, new in edits:
        project.edit(path, old, new)


def line(heading, start):
    """The line of code that a recipe shows in its text, such as `"flip": …,`."""
    section = GUIDE.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    return re.search(rf'`("?{re.escape(start)}[^`]*)`', section).group(1)


def follow(project):
    """Follow the recipes."""
    add(
        project,
        SOURCE,
        "workflow_lib/config/datasets.py",
        ("    | Torchvision\n", "    | Ramps\n    | Torchvision\n"),
        (
            "import UNIQUE, Function, Name, Options, Text,",
            "import UNIQUE, Fraction, Function, Name, Options, Seed, Text,",
        ),
        before="Dataset = Annotated[",
    )
    readers = "READERS: Final"
    entry = ('    "function": _function,', f'    "function": _function,\n    {line(SOURCE, "ramps")}')
    add(project, SOURCE, "workflow_lib/datasets/sources.py", entry, before=readers)
    add(project, ARCHITECTURE, "workflow_lib/models/linear.py")
    table = "ARCHITECTURES: Final"
    entry = ('    "resnet18": ', f'    {line(ARCHITECTURE, "linear")}\n    "resnet18": ')
    add(project, ARCHITECTURE, "workflow_lib/models/architectures.py", entry, before=table)
    kinds = ("Rotation | CentreCrop", "Rotation | Flip | CentreCrop")
    add(project, TRANSFORM, "workflow_lib/config/transforms.py", kinds, before="AnyTransform = ")
    entry = ('    "rotation": ', f'    {line(TRANSFORM, "flip")}\n    "rotation": ')
    add(project, TRANSFORM, "workflow_lib/features/transforms.py", entry, before="KINDS: Final")
    add(project, METRIC, "workflow_lib/names.py", ('"chebyshev", ', '"chebyshev", "canberra", '))
    numbers = ("EUCLIDEAN, CITYBLOCK, CHEBYSHEV = 0, 1, 2", "EUCLIDEAN, CITYBLOCK, CHEBYSHEV, CANBERRA = 0, 1, 2, 3")
    branch = "    if rows.kind == CITYBLOCK:\n"
    add(project, METRIC, "workflow_lib/kstar/pairs.py", numbers, before=branch, indent="    ")
    imports = ("pairs import CHEBYSHEV", "pairs import CANBERRA, CHEBYSHEV")
    entry = ('    "euclidean": Distance', f'    {line(METRIC, "canberra")}\n    "euclidean": Distance')
    add(project, METRIC, "workflow_lib/kstar/metrics.py", imports, entry)
    add(project, FIGURE, "workflow_lib/figures/kstar/medians.py")
    add(project, FIGURE, "workflow_lib/steps/draw_medians.py")
    add(project, TABLE, "workflow_lib/steps/tabulate_levels.py")
    (project.folder / "docs" / "captions" / "medians.rst").write_text("Medians of k*.")
    plan = "workflow_lib/plan/kstar.py"
    for recipe in (FIGURE, TABLE):
        entry = textwrap.indent(items(recipe)[plan].rstrip() + ",\n", "    ")
        project.edit(plan, ")\n\n\nclass KstarPlan", f"{entry})\n\n\nclass KstarPlan")
    first = '        "aggregates": '
    project.edit("workflow_lib/report/tables.py", first, f"        {line(TABLE, 'levels')},\n{first}")
    follow_study(project)


def follow_study(project):
    """Follow the recipe of a kind of study."""
    new = [path for path in items(STUDY) if not (project.folder / path).exists()]
    for path in new:
        (project.folder / path).parent.mkdir(exist_ok=True)
        add(project, STUDY, path)
    assert len(new) == 7
    config, plan = "workflow_lib/config/config.py", "workflow_lib/plan/plan.py"
    section, family = "from workflow_lib.config.confusion", "from workflow_lib.plan.confusion"
    project.edit(config, section, f"from workflow_lib.config.agreement import Agreement\n{section}")
    project.edit(config, '"boundaries", "confusion"', '"boundaries", "agreement", "confusion"')
    add(project, STUDY, config, before="    confusion: Confusion", indent="    ")
    sense = "workflow_lib/config/sense.py"
    add(project, STUDY, sense, before="def _results_problems")
    project.edit(
        sense, "\n\n\ndef _agreement_problems", f"\n    {line(STUDY, 'yield from')}\n\n\ndef _agreement_problems"
    )
    project.edit("Snakefile", 'include: "rules/bundles.smk"', f'{line(STUDY, "include")}\ninclude: "rules/bundles.smk"')
    project.edit(plan, family, f"from workflow_lib.plan.agreement import AgreementPlan\n{family}")
    project.edit(plan, "ConfusionPlan, RelationsPlan)", "ConfusionPlan, RelationsPlan, AgreementPlan)")
    attribute = "        self.confusion = "
    project.edit(plan, attribute, f"        {line(STUDY, 'self.agreement')}\n{attribute}")
    add(project, STUDY, plan, before="    def _metric", indent="    ")
    jobs, makers = "workflow_lib/plan/jobs.py", '    "confusion": '
    add(project, STUDY, jobs, before="_MAKERS: Mapping")
    project.edit(jobs, makers, f"    {line(STUDY, MAKER)}\n{makers}")
    (project.folder / "docs" / "captions" / "agreement.rst").write_text("Agreement of predictions.")


def sources(project):
    """Text of each file of code."""
    places = ("Snakefile", "rules/*.smk", "workflow_lib/**/*.py")
    found = [path for place in places for path in project.folder.glob(place)]
    return {str(path.relative_to(project.folder)): path.read_text() for path in found}


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A project with one thing more of each kind, after a run with all of them."""
    project = Project(tmp_path_factory.mktemp("recipes"), cores=1)
    before = sources(project)
    follow(project)
    project.touched = {path for path, text in sources(project).items() if text != before.get(path)}
    generator = np.random.default_rng(0)
    lines = [f"{'ab'[row % 2]} {low:.4f} {high:.4f}" for row, (low, high) in enumerate(generator.random((40, 2)))]
    (project.folder / "ramps.txt").write_text("\n".join(lines))
    np.savez(project.folder / "brought.npz", features=generator.random((8, 3)), labels=np.arange(8) % 2)
    (project.folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    project.run = project.snakemake(
        *("features", f"results/kstar/{MIRRORED}.zarr.zip", f"results/neighbours/{MIRRORED}.csv"),
        *(f"results/studies/kstar/new/{name}" for name in ("medians.png", "levels.csv")),
        "results/studies/agreement/alike/agreement.png",
    )
    return project


def test_the_files_are_those_that_the_recipes_name(grown):
    assert grown.touched == {path for recipe in FILES for path in items(recipe)}
    assert {recipe: len(items(recipe)) for recipe in FILES} == FILES


def test_everything_runs(grown):
    assert grown.run.code == 0, grown.run.output
    assert {"prepare_dataset/ramps", f"compute_kstar/{MIRRORED}", f"count_neighbours/{MIRRORED}"} <= grown.run.computed


def loaded(grown, path):
    return storage.load(grown.folder / "results" / f"{path}.zarr.zip")


def test_the_transform_and_the_network_compute_what_they_say(grown):
    pixels, mirrored = (loaded(grown, f"features/{POINT}/{name}/pixels") for name in ("original", "mirrored"))
    images = pixels["features"].values.reshape(-1, 4, 4)
    assert np.ptp(images, axis=1).max() == 0  # rows are equal: only left and right differ
    assert np.ptp(images, axis=2).max() > 0.5
    np.testing.assert_array_equal(mirrored["features"].values.reshape(-1, 4, 4), images[:, :, ::-1])
    checkpoint = grown.folder / "results/checkpoints/flat/seed-0/interval-100.pt"
    weights = torch.load(checkpoint, weights_only=True)["network"]
    assert list(weights) == ["logits.weight"]
    logits = loaded(grown, f"features/{POINT}/original/logits")["features"].values
    np.testing.assert_allclose(logits, pixels["features"].values @ weights["logits.weight"].numpy().T, atol=1e-5)


def test_the_metric_is_exact(grown):
    found = loaded(grown, f"kstar/{MIRRORED}")
    x = loaded(grown, f"features/{POINT}/mirrored/pixels")["features"].values.astype(np.float64)
    labels = found["label"].values
    ratio = np.abs(x[:, None] - x[None]) / (np.abs(x[:, None]) + np.abs(x[None]))
    distance = np.cumsum(ratio, axis=2)[:, :, -1]
    other = labels[:, None] != labels[None]
    nearest = np.where(other, distance, np.inf).min(axis=1)
    own = ~other & ~np.eye(len(x), dtype=bool)
    np.testing.assert_array_equal(found["kappa"].values, 1 + (own & (distance < nearest[:, None])).sum(axis=1))
    np.testing.assert_array_equal(found["nearest_foreign_distance"].values, nearest)


def test_the_figure_and_the_table_are_outputs_of_the_study(grown):
    folder = grown.folder / "results" / "studies" / "kstar" / "new"
    classes = pd.read_csv(folder / "classes.csv")
    assert (folder / "medians.svg").is_file()
    assert pd.read_csv(folder / "medians.csv")["class_name"].tolist() == ["a", "b"]
    levels = pd.read_csv(folder / "levels.csv").set_index("pattern")["mean"]
    assert levels.to_dict() == pytest.approx(classes.groupby("pattern")["mean"].mean().to_dict())
    assert {"draw_medians/new", "tabulate_levels/new"} <= grown.forecast().jobs.keys()


def test_the_study_of_the_new_kind_is_right_and_known(grown):
    predictions = [
        loaded(grown, f"features/{POINT.replace('seed-0', f'seed-{seed}')}/original/pixels")["prediction"].values
        for seed in range(3)
    ]
    shares = pd.read_csv(grown.folder / "results/agreement/alike.csv").set_index(["seed", "other"])["share"]
    assert shares.to_dict() == {(i, j): (predictions[i] == predictions[j]).mean() for i, j in [(0, 1), (0, 2), (1, 2)]}
    assert 0 < shares.min() < shares.max() <= 1
    figure = "results/studies/agreement/alike/agreement.csv"
    pd.testing.assert_frame_equal(pd.read_csv(grown.folder / figure), shares.reset_index())
    assert {"compare_predictions/alike", "draw_agreement/alike"} <= grown.forecast("tables", "figures").jobs.keys()
    told = grown.python("-c", LOAD, yaml.safe_dump(MISFIT)).stdout
    assert "agreement.studies.alike.model: flat\n    has one seed only" in told
    assert 'agreement.studies.none.model: "flit"' in told


def test_messages_and_docs_know_the_names(grown):
    told = grown.python("-c", LOAD, yaml.safe_dump(MISSPELT)).stdout
    assert "4 problems" in told
    for name in ("ramps", "linear", "flip", "canberra"):
        assert f"write {name}" in told
    page = grown.python("-c", DOCS).stdout
    for words in (
        "with source: ramps",
        "with kind: flip",
        "small_cnn, linear, resnet18",
        "chebyshev, canberra, cosine",
        "agreement.studies",
    ):
        assert words in page


def test_an_edit_of_the_data_runs_what_depends_on_it(grown):
    file = grown.folder / "ramps.txt"
    assert grown.forecast("features").running == set()
    file.write_text(file.read_text().replace("a 0.", "a 0.0", 1))
    features, kstar, figures = (grown.forecast(target) for target in ("features", "kstar", "figures"))
    assert features.running == features.jobs.keys() - {"import_features/brought"}
    assert f"compute_kstar/{MIRRORED}" in kstar.running
    assert {"compare_predictions/alike", "draw_agreement/alike"} <= figures.running
    assert features.jobs.keys() > {"import_features/brought"}
