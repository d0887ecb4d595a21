"""Rows: prototypes, of the loaded network in own_project.py."""

from functools import partial

from edits import append, put, replace, take_out
from row import Row

STUDY = "prototypes.studies.sure"
ALL = "*/sure*"
NUMBERS = "draw_dissimilarity/sure draw_distributions/sure draw_class_pairs/sure draw_quality_vs_accuracy/sure"
IMAGES = "draw_prototypes/sure draw_trajectories/sure draw_boundaries/sure"
TABLES = "tabulate_prototypes/sure tabulate_boundaries/sure"


_row = partial(Row, base="own")


PROTOTYPES = [
    _row(
        "an initialisation added to a study of prototypes",
        put(f"{STUDY}.initialisations", 2),
        starts=f"*/sure/*/initialisation-1* {TABLES} {NUMBERS} draw_boundaries/sure",
    ),
    _row("the learning rate of prototypes", put(f"{STUDY}.lr", 0.5), starts=ALL),
    _row(
        "a layer added to a study of prototypes",
        put(f"{STUDY}.layer", ["head_input", "logits"]),
        starts=f"compute_dissimilarity/sure/*/logits tabulate_prototypes/sure {NUMBERS} draw_layers/sure",
    ),
    _row(
        "another layer of a study of prototypes",
        put(f"{STUDY}.layer", "logits"),
        starts=f"compute_dissimilarity/sure/*/logits find_boundaries/* {TABLES} {NUMBERS} draw_boundaries/sure",
    ),
    _row("the precision of prototypes", put(f"{STUDY}.precision", "bfloat16"), starts=ALL),
    _row("defaults of a study of prototypes written out", put(f"{STUDY}.include_self", False)),
    _row(
        "comparisons of a prototype with itself counted",
        put(f"{STUDY}.include_self", True),
        starts=f"tabulate_prototypes/sure {NUMBERS}",
        computes="tabulate_prototypes/sure draw_dissimilarity/sure draw_distributions/sure",
        because="pairs of classes and the separation of prototypes come out equal",
    ),
    _row(
        "images that have not converged left out",
        put(f"{STUDY}.unconverged", "leave_out"),
        starts=f"{TABLES} {NUMBERS} draw_boundaries/sure",
    ),
    _row("the title of a study of prototypes", put(f"{STUDY}.title", "Certain"), starts="draw_*/sure"),
    _row(
        "the classes whose prototypes are shown",
        put(f"{STUDY}.classes", ["1", "2"]),
        starts=f"{IMAGES} draw_class_pairs/sure",
    ),
    _row("boundary images left out (those made stay, see Orphans)", put(f"{STUDY}.boundaries", False)),
    _row("a study of prototypes taken out", take_out(STUDY)),
    _row(
        "code of the boundaries, without a change of the results",
        append("workflow_lib/prototypes/boundaries.py", "\n\ndef unused() -> int:\n    return 1\n"),
        starts="find_boundaries/* tabulate_boundaries/sure draw_boundaries/sure",
        computes="find_boundaries/*",
        equal=True,
        because="the boundaries come out equal",
    ),
    _row(
        "code of C and R, with a change",
        replace("workflow_lib/dissimilarity/cosine.py", "np.subtract(1, found", "np.subtract(1.5, found"),
        starts=f"compute_dissimilarity/* {TABLES} {NUMBERS} draw_boundaries/sure",
        computes=f"compute_dissimilarity/* {TABLES} {NUMBERS}",
        because="the tables of boundaries come out equal",
    ),
]
