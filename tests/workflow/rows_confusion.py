"""Rows: the confusion study, of the network in own_project.py."""

from functools import partial

from edits import Edit, append, put, replace, several, take_out
from project import Project
from row import Row

STUDY = "confusion.studies.mixed"
TRAINED = "train_replicates/mixed/*"
FIGURES = "draw_*/mixed"
SUMMARY = f"collect_confusion/mixed tabulate_confusion/mixed {FIGURES}"


_row = partial(Row, base="own")


def _environment(**variables: str) -> Edit:
    def edit(project: Project) -> None:
        project.variables |= variables

    return edit


CONFUSION = [
    _row(
        "a seed added to a confusion study (the earlier ones are not trained again)",
        put(f"{STUDY}.seeds", [0, 1, 2]),
        starts=f"{TRAINED} {SUMMARY}",
    ),
    _row("a seed taken out of a confusion study", put(f"{STUDY}.seeds", [1]), starts=SUMMARY),
    _row(
        "a pair added to a confusion study",
        put(f"{STUDY}.pairs", [["0", "1"], ["2", "3"], ["0", "2"]]),
        starts=f"train_replicates/mixed/0+2/* {SUMMARY}",
    ),
    _row(
        "a larger sample of the pairs of a confusion study (those of the smaller one are not trained again)",
        put(f"{STUDY}.pairs", {"sample": 3, "seed": 13}),
        starts=f"train_replicates/mixed/0+3/* {SUMMARY}",
    ),
    _row(
        "the pairs of a sample written out",
        put(f"{STUDY}.pairs", [["0", "1"], ["2", "3"]]),
        starts=SUMMARY,
        computes="collect_confusion/mixed",
        because="the pairs are the same",
        equal=True,
    ),
    _row(
        "defaults of a confusion study written out", several(put(f"{STUDY}.share", 0.5), put(f"{STUDY}.mode", "swap"))
    ),
    _row(
        "the mode of a confusion study (the baseline is not trained again)",
        put(f"{STUDY}.mode", "drop"),
        starts=f"train_replicates/mixed/0+1/* train_replicates/mixed/2+3/* {SUMMARY}",
    ),
    _row(
        "a confusion study of ordered pairs in place of unordered ones",
        several(put(f"{STUDY}.mode", "one_way"), put(f"{STUDY}.pairs", [["0", "1"]])),
        starts=f"train_replicates/mixed/0+to+1/* {SUMMARY}",
    ),
    _row(
        "the share of mistrained images",
        put(f"{STUDY}.share", 0.25),
        starts=f"train_replicates/mixed/0+1/* train_replicates/mixed/2+3/* {SUMMARY}",
    ),
    _row(
        "groups of classes in a confusion study",
        put(f"{STUDY}.groups", {"low": ["0", "1"], "high": ["2", "3"]}),
        starts=f"tabulate_confusion/mixed {FIGURES}",
        computes="tabulate_confusion/mixed draw_information/mixed",
        because="the other tables come out equal",
    ),
    _row("the title of a confusion study", put(f"{STUDY}.title", "Mixed up"), starts=FIGURES),
    _row("the pair whose matrix is shown", put(f"{STUDY}.example_pair", ["2", "3"]), starts="draw_matrices/mixed"),
    _row("trainings in one job: `LATENT_ATLAS_SEEDS_PER_JOB=1`", _environment(LATENT_ATLAS_SEEDS_PER_JOB="1")),
    _row("the form of the trainings: `LATENT_ATLAS_REPLICATES=loop`", _environment(LATENT_ATLAS_REPLICATES="loop")),
    _row("a confusion study taken out", take_out(STUDY)),
    _row(
        "code of the mislabelling, without a change of the results",
        append("workflow_lib/confusion/mislabelling.py", "\n\ndef unused() -> int:\n    return 1\n"),
        starts=f"{TRAINED} {SUMMARY}",
        computes=TRAINED,
        equal=True,
        because="the trainings come out equal",
    ),
    _row(
        "code of the mislabelling, with a change",
        replace("workflow_lib/confusion/mislabelling.py", "math.floor(", "math.ceil(0.9 * "),
        starts=f"{TRAINED} {SUMMARY}",
        equal=False,
    ),
]
