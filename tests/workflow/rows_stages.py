"""Rows: intervals of the data, of the network in stages_project.py."""

from functools import partial

from edits import put
from row import Row

MODEL = "models.grown"
FURTHER = "*/further/*"
ALL = f"check_network/grown */grown/* {FURTHER}"

_row = partial(Row, base="stages", stages="kstar")


STAGES = [
    _row(
        "a stage added before the last one",
        put(f"{MODEL}.intervals", [25, 50, 75, 100]),
        starts="*/grown/*interval-75* */grown/*interval-100*",
    ),
    _row(
        "a stage added in the middle, from which another model's weights follow",
        put(f"{MODEL}.intervals", [25, 40, 50, 100]),
        starts=f"*/grown/* !*/grown/*interval-25* {FURTHER}",
    ),
    _row(
        "a stage moved",
        put(f"{MODEL}.intervals", [30, 50, 100]),
        starts=f"*/grown/* {FURTHER}",
    ),
    _row("a stage taken out", put(f"{MODEL}.intervals", [50, 100]), starts=f"*/grown/* {FURTHER}"),
    _row("an epoch more in each stage", put(f"{MODEL}.training.epochs", 5), starts=ALL),
    _row("intervals of the epochs instead", put(f"{MODEL}.intervals_of", "epochs"), starts=ALL),
    Row(
        "intervals of the data instead of the epochs",
        put("models.digits_cnn.intervals_of", "data"),
        starts="* !prepare_dataset/*",
    ),
]
