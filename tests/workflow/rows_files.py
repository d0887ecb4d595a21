"""Rows: edits that count for nothing, results that were moved or deleted, and how Snakemake is called."""

import importlib.metadata
import os
import shutil
import time

from edits import append, copied, library, nothing, put, remove, replace, several, take_out, touch
from project import Project
from row import STUDY_JOBS, Row

MODEL = "models.digits_cnn"
TRAINING = f"{MODEL}.training"
NUMPY = importlib.metadata.version("numpy").partition("+")[0]


def _keys_reversed(project: Project) -> None:
    def reverse(section):
        if not isinstance(section, dict):
            return section
        # The order of layers is the order of rows and panels.
        return {key: value if key == "layers" else reverse(value) for key, value in reversed(section.items())}

    def change(config):
        reversed_config = reverse(config)
        config.clear()
        config.update(reversed_config)

    project.edit_config(change)


def _move_cache(project: Project) -> None:
    """A second checkout: no results, no memory of Snakemake's, but the cache of the first."""
    shared = project.folder.with_name("shared_cache")
    shutil.move(project.folder / "results" / ".cache", shared)
    remove("results", ".snakemake")(project)
    project.variables["LATENT_ATLAS_CACHE"] = str(shared)


def _empty_cache(project: Project) -> None:
    project.variables["LATENT_ATLAS_CACHE"] = str(project.folder.with_name("empty_cache"))


def _there_and_back(project: Project) -> None:
    put("kstar.threshold", 100)(project)
    assert project.snakemake("tables").computed
    take_out("kstar.threshold")(project)


def _put_back(project: Project) -> None:
    copy = project.folder.with_name("copy")
    for name in ("studies", "provenance"):
        shutil.copytree(project.folder / "results" / name, copy / name)
    put("kstar.threshold", 100)(project)
    assert project.snakemake("tables").computed
    shutil.copytree(copy, project.folder / "results", dirs_exist_ok=True)


def _touched(project: Project) -> None:
    put("kstar.threshold", 100)(project)
    assert project.snakemake("--touch", "results/studies/kstar/training/classes.csv").code == 0


def _dated_ahead(project: Project) -> None:
    """As by a node whose clock is two days ahead."""
    ahead = time.time() + 2 * 86_400
    for file in (project.folder / "results" / "features").rglob("*.zarr.zip"):
        os.utime(file, (ahead, ahead))


AFTER_CLASSES = "tabulate_kstar/* render_tables/* draw_violins/* draw_trends/* draw_accuracy_vs_kstar/* draw_maps/*"
"""What depends on the tables of classes: all but the figure of neighbours."""

NOTHING = [
    Row("nothing", nothing),
    Row("comments and empty lines in `config.yaml`", replace("config.yaml", "    seeds:", "\n    # two\n    seeds:")),
    Row("keys of `config.yaml` in another order", _keys_reversed),
    Row(
        "defaults written out",
        several(
            put("kstar.skewness", "anchored"),
            put("kstar.threshold", 0.5),
            put(f"{TRAINING}.schedule", "constant"),
            put(f"{TRAINING}.weight_decay", 0),
            put(f"{MODEL}.normalize", None),
            put("kstar.studies.metrics.split", "test"),
            put("datasets.digits.subsample.seed", 0),
        ),
    ),
    Row(
        "the same values in another form: `{start: 0, count: 2}` for `[0, 1]`, `1.0e-2` for `0.01`",
        several(
            put(f"{MODEL}.seeds", {"start": 0, "count": 2}),
            put(f"{MODEL}.intervals", [100, 25, 50]),
            put(f"{MODEL}.layers.logits", {"module": "logits", "pool": "none"}),
            replace("config.yaml", "lr: 0.01", "lr: 1.0e-2"),
        ),
    ),
    Row(
        "a dataset, a model and a transform that no study names",
        several(
            put("datasets.more", {"source": "digits"}),
            put("models.unused", {"architecture": "small_cnn", "dataset": "more", "training": {"epochs": 1}}),
            put("models.unused.layers", {"logits": "logits"}),
            put("transforms.turned", {"kind": "rotation", "degrees": 30}),
        ),
    ),
    Row("a study taken out (its results stay, see Orphans)", take_out("kstar.studies.metrics")),
    Row(
        "an edit that is taken back before `snakemake` is called",
        several(put("kstar.threshold", 9), take_out("kstar.threshold")),
    ),
    Row(
        "`config.yaml`, rules, code and profile touched",
        touch("config.yaml", "Snakefile", "rules/*", "workflow_lib/**/*.py", "profiles/default/*"),
    ),
    Row(
        "results up to 1 MB touched: a dataset, features, k\\*, a table",
        touch(
            "results/datasets/digits/train.zarr.zip",
            "results/features/digits_cnn/digits/seed-0/interval-25/test/original/early.zarr.zip",
            "results/kstar/digits_cnn/digits/seed-0/interval-100/test/original/logits/cosine.zarr.zip",
            "results/studies/kstar/training/classes.csv",
        ),
    ),
    Row(
        "a result above 1 MB touched: a checkpoint",
        touch("results/checkpoints/digits_cnn/seed-0/interval-50.pt"),
        starts=f"train_interval/*seed-0/interval-100 */seed-0/interval-50/* */seed-0/interval-100/* {STUDY_JOBS}",
        computes="",
        why="",
        because="of files above 1 MB Snakemake looks at the time stamp only",
    ),
    Row(
        "documentation, captions, `environment.yaml`",
        several(
            append("docs/caching.md", "\nMore.\n"),
            append("docs/captions/violins.rst", "\nMore.\n"),
            append("environment.yaml", "# More.\n"),
        ),
    ),
]

RESULTS = [
    Row("`.snakemake` deleted", remove(".snakemake")),
    Row(
        "`.snakemake` deleted, then an edit: the k\\* threshold",
        several(remove(".snakemake"), put("kstar.threshold", 100)),
        stages="tables",
        starts="tabulate_kstar/* render_tables/*",
    ),
    Row(
        "`.snakemake` deleted, then an edit, and one file asked for: the k\\* threshold",
        several(remove(".snakemake"), put("kstar.threshold", 100)),
        stages="results/studies/kstar/training/classes.csv",
        starts="tabulate_kstar/training",
    ),
    Row(
        "an edit, and one file asked for by time stamps only (`--rerun-triggers mtime`): the k\\* threshold",
        put("kstar.threshold", 100),
        stages="results/studies/kstar/training/classes.csv",
        flags="--rerun-triggers mtime --",
        starts="tabulate_kstar/training",
    ),
    Row(
        "an edit after which a file is only touched (`--touch FILE`), and then asked for: the k\\* threshold",
        _touched,
        stages="results/studies/kstar/training/classes.csv",
        starts="tabulate_kstar/training",
    ),
    Row(
        "results dated ahead: features, then a metric added to a study",
        several(_dated_ahead, put("kstar.studies.metrics.metric", ["euclidean", "cosine", "cityblock"])),
        stages="kstar",
        starts="compute_kstar/*/cityblock",
    ),
    Row(
        "results put back from a copy that was made before an edit",
        _put_back,
        stages="tables",
        starts="tabulate_kstar/* render_tables/*",
        computes="",
        equal=False,
        because="those of the edit are in the cache",
    ),
    Row("`results/.cache` deleted", remove("results/.cache")),
    Row("`results/provenance` deleted", remove("results/provenance")),
    Row("logs and benchmarks deleted", remove("results/logs", "results/benchmarks")),
    Row("intermediate results deleted: all features, all k\\*", remove("results/features", "results/kstar")),
    Row(
        "a figure deleted",
        remove("results/studies/kstar/training/violins.png"),
        starts="draw_violins/training",
        computes="",
    ),
    Row(
        "a table deleted",
        remove("results/studies/kstar/training/classes.csv"),
        starts="*/training !draw_neighbours/training",
        computes="",
        because="what reads the table follows; it comes back with the same bytes",
    ),
    Row("all studies' results deleted", remove("results/studies"), starts=STUDY_JOBS, computes=""),
    Row(
        "all features deleted, then a metric added to a study",
        several(remove("results/features"), put("kstar.studies.metrics.metric", ["euclidean", "cosine", "cityblock"])),
        stages="kstar",
        starts="extract_features/*/interval-100/* compute_kstar/*/interval-100/*",
        computes="*/cityblock",
        because="the features that are needed again come from the cache, and what reads them follows",
    ),
    Row(
        "a table edited by hand: it is put back",
        append("results/studies/kstar/training/classes.csv", "by hand\n"),
        starts="render_tables/training draw_*/training !draw_neighbours/training",
        computes="",
        because="a job that reads the table sees that it is not what was written, and takes it from the cache",
    ),
    Row(
        "the whole project copied by `cp -r`: new time stamps",
        copied,
        stages="kstar",
        starts="* !prepare_dataset/* !check_network/* !train_interval/*/interval-25 !train_interval/*/interval-50",
        computes="",
        why="",
        because="of files above 1 MB, here checkpoints, Snakemake looks at the time stamp only",
    ),
    Row(
        "the project cloned afresh, the results copied over: new time stamps, no `.snakemake`",
        several(copied, remove(".snakemake")),
        stages="kstar",
        starts="* !prepare_dataset/*",
        computes="",
        why="",
        because="without its memory in `.snakemake` Snakemake looks at time stamps only",
    ),
    Row("a second checkout that shares `LATENT_ATLAS_CACHE`, without results", _move_cache, starts="*", computes=""),
    Row("`LATENT_ATLAS_CACHE` set to an empty folder", _empty_cache),
    Row(
        "an edit that is run, then taken back: the k\\* threshold",
        _there_and_back,
        starts=AFTER_CLASSES,
        computes="",
        because="all of it is in the cache",
    ),
]

RUNTIME = [
    Row("`--cores`, `--set-threads`", nothing, flags="--cores 2 --set-threads compute_kstar=2"),
    Row(
        "`--set-resources`: memory, device",
        nothing,
        flags="--set-resources compute_kstar:mem_mb=9000 extract_features:device=cpu",
    ),
    Row("the profile", replace("profiles/default/config.yaml", "keep-going: true", "keep-going: false")),
    Row(
        "threads, memory or message of a rule",
        several(
            replace("rules/bundles.smk", "threads: 1", "threads: 2"),
            replace("rules/bundles.smk", "mem_mb=per_attempt(4000)", "mem_mb=per_attempt(9000)"),
            replace("rules/bundles.smk", "trainings of {point}", "trainings at {point}"),
        ),
    ),
    Row(
        "the command line in a rule",
        replace("rules/bundles.smk", "python -m workflow_lib", "python  -m workflow_lib"),
    ),
    Row(
        "`snakemake --forcerun compute_map`",
        nothing,
        flags="--forcerun compute_map",
        starts="compute_map/* draw_maps/*",
        computes="",
        why="",
        because="Snakemake is told to; to compute anew, delete `results/.cache` too",
    ),
    Row(
        "`snakemake --forceall`",
        nothing,
        flags="--forceall",
        starts="*",
        computes="",
        why="",
        because="Snakemake is told to; to compute anew, delete `results/.cache` too",
    ),
    Row("another build of a library: `numpy` with `+local`", library("numpy", f"{NUMPY}+local")),
]
