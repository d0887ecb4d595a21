"""Rows: prototypes, of the loaded network in own_project.py and with the warm start in warm_project.py."""

from functools import partial

from edits import append, put, replace, take_out
from row import Row

STUDY = "prototypes.studies.sure"
ALL = "*/sure*"
NUMBERS = "draw_dissimilarity/sure draw_distributions/sure draw_class_pairs/sure draw_quality_vs_accuracy/sure"
IMAGES = "draw_class_prototypes/sure draw_prototypes/sure draw_trajectories/sure draw_boundaries/sure"
TABLES = "tabulate_prototypes/sure tabulate_boundaries/sure"


WARM = "prototypes.studies.warm"
AFTER_SETS = "tabulate_*/warm draw_*/warm"


_row = partial(Row, base="own")
_warm = partial(Row, base="warm")


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
        starts=f"compute_dissimilarity/sure/*/logits attack_prototypes/sure/* find_boundaries/* {TABLES} {NUMBERS} "
        "draw_boundaries/sure",
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
        "code of the adversarial images, without a change of the results",
        append("workflow_lib/prototypes/deepfool.py", "\n\ndef unused() -> int:\n    return 1\n"),
        starts=f"attack_prototypes/* tabulate_prototypes/sure {NUMBERS}",
        computes="attack_prototypes/*",
        equal=True,
        because="the adversarial images come out equal",
    ),
    _row(
        "code of C and R, with a change",
        replace("workflow_lib/dissimilarity/cosine.py", "np.subtract(1, found", "np.subtract(1.5, found"),
        starts=f"compute_dissimilarity/* {TABLES} {NUMBERS} draw_boundaries/sure",
    ),
    _warm(
        "an interval added in the middle of a study with a warm start",
        put("models.net.intervals", [25, 50, 75, 100]),
        starts=f"*/interval-75* */interval-100* {AFTER_SETS}",
        computes=f"*/interval-75* */warm/*/interval-100/* {AFTER_SETS}",
        because="the training goes on from another file with the same result",
    ),
    _warm(
        "an initialisation added to a study with a warm start",
        put(f"{WARM}.initialisations", 2),
        starts=f"*/warm/*/initialisation-1* {AFTER_SETS} !draw_prototypes/warm !draw_trajectories/warm "
        "!draw_class_prototypes/warm",
    ),
    _warm(
        "noise instead of a warm start",
        put(f"{WARM}.start", "noise"),
        starts=f"*/warm/*/interval-50/* */warm/*/interval-100/* {AFTER_SETS}",
    ),
]
