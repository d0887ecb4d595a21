"""Rows: edits of the workflow's code, and other versions of libraries."""

from edits import append, library, replace, several
from row import Row

COUNTED = "count_neighbours/* draw_neighbours/*"
UNUSED = "\n\ndef unused() -> int:\n    return 1\n"

CODE = [
    Row(
        "comment, docstring or layout of a module",
        several(
            replace("workflow_lib/kstar/neighbours.py", "QUERIES = 20_000", "# A comment.\nQUERIES = (\n    20000\n)"),
            replace("workflow_lib/io/storage.py", '\n"""', '\n\n"""'),
            replace("workflow_lib/kstar/tables.py", '"""Tables of a ', '"""All tables of a '),
            append("workflow_lib/training/loop.py", "\n# The end.\n"),
        ),
    ),
    Row(
        "the runner, the plan, the reading of the config, a module that no step imports",
        several(
            append("workflow_lib/runner/run.py", UNUSED),
            append("workflow_lib/plan/plan.py", UNUSED),
            append("workflow_lib/config/load.py", UNUSED),
            append("workflow_lib/another.py", UNUSED),
        ),
    ),
    Row(
        "code of a kernel, without a change of its results",
        replace("workflow_lib/kstar/neighbours.py", "QUERIES = 20_000", "QUERIES = 2 * 10_000"),
        starts=COUNTED,
        computes="count_neighbours/*",
        equal=True,
        because="the numbers come out equal, so that the figures are restored",
    ),
    Row(
        "code of a kernel, with a change",
        replace("workflow_lib/kstar/neighbours.py", "k = min(k, ", "k = min(k + 1, "),
        starts=COUNTED,
    ),
    Row(
        "a function added to the module of the tables",
        append("workflow_lib/kstar/tables.py", UNUSED),
        starts="tabulate_kstar/* render_tables/* draw_* !draw_neighbours/*",
        computes="tabulate_kstar/*",
        equal=True,
        because="the tables come out equal",
    ),
    Row(
        "the style of the figures",
        replace("workflow_lib/figures/style.py", '"font.size": 8,', '"font.size": 9,'),
        starts="draw_* render_tables/*",
    ),
    Row(
        "code of the training, without a change of its results",
        append("workflow_lib/training/loop.py", UNUSED),
        base="own",
        stages="features",
        starts="train_interval/* import_weights/* extract_features/*",
        computes="train_interval/* import_weights/*",
        equal=True,
        because="the networks come out equal",
    ),
    Row(
        "code of the check before training: what has passed is not checked again",
        several(
            append("workflow_lib/steps/check_network.py", UNUSED),
            append("workflow_lib/training/trial.py", UNUSED),
        ),
    ),
    Row(
        "code that every stage uses, without a change of its results",
        append("workflow_lib/io/files.py", UNUSED),
        base="own",
        stages="checkpoints",
        starts="*",
        equal=True,
    ),
    Row(
        "another version of a library: `umap-learn`, for maps only",
        library("umap-learn", "9.9"),
        starts="compute_map/* draw_maps/*",
        computes="compute_map/*",
        equal=True,
        because="the maps come out equal",
    ),
    Row(
        "another version of a library behind a library: `pynndescent`, which `umap-learn` uses",
        library("pynndescent", "9.9"),
        starts="compute_map/* draw_maps/*",
        computes="compute_map/*",
        equal=True,
        because="the maps come out equal",
    ),
    Row(
        "another version of a library: `pyarrow`, which writes the tables of maps",
        library("pyarrow", "99.9"),
        starts="compute_map/* draw_maps/*",
        computes="compute_map/*",
        equal=True,
        because="the maps come out equal",
    ),
    Row(
        "another version of a library: `pyarrow`, which reads given features",
        library("pyarrow", "99.9"),
        base="own",
        starts="*/words*",
        computes="import_features/words",
        equal=True,
        because="the features come out equal",
    ),
    Row("another version of a library that no step uses: `pytest`", library("pytest", "99.9")),
]
