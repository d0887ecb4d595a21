"""Rows: relations between classes, and the studies that they name (relations_project.py)."""

from functools import partial

from edits import put, replace, take_out
from row import Row

STUDY = "relations.studies.alike"
ALIKE = "*/alike"

_row = partial(Row, base="relations")

RELATIONS = [
    _row(
        "a seed added to the confusion study that a study of relations names",
        put("confusion.studies.mixed.seeds", [0, 1]),
        starts=f"train_replicates/mixed/* */mixed {ALIKE}",
    ),
    _row(
        "the title of the k\\* study that a study of relations names",
        put("kstar.studies.last.title", "The end"),
        starts="render_tables/last draw_*/last",
    ),
    _row("the title of a study of relations", put(f"{STUDY}.title", "Alike or not"), starts=f"draw_{ALIKE}"),
    _row("the number of permutations of a study of relations", put(f"{STUDY}.permutations", 10), starts=ALIKE),
    _row("defaults of a study of relations written out", put(f"{STUDY}.permutations", 9999)),
    _row("the last interval of a study of relations written out", put(f"{STUDY}.interval", 100)),
    _row("a part taken out of a study of relations", take_out(f"{STUDY}.prototypes"), starts=ALIKE),
    _row("a study of relations taken out", take_out(STUDY)),
    _row(
        "code of the correlations, without a change of the results",
        replace("workflow_lib/relations/permutation.py", "DECIMALS = 12", "DECIMALS = 11"),
        starts=ALIKE,
        computes="tabulate_relations/alike",
        equal=True,
        because="the tables come out equal",
    ),
]
