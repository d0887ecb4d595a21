"""Figure: mean confusion matrices of the baseline and of a pair."""

from typing import Any

from workflow_lib.confusion.collected import read
from workflow_lib.confusion.example import choose_pair
from workflow_lib.confusion.run_tables import row_shares
from workflow_lib.figures.confusion.matrices import matrices as drawn
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.io.storage import load
from workflow_lib.steps.roles import Input, Output


def draw_matrices(*, spec: dict[str, Any], counts: Input, pairs: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw the mean confusion matrices of the baseline and of a pair that was confused.

    Args:
        spec: title, example_pair (names of the two classes; None: chosen as `confusion.example` says).
        counts: store of all runs.
        pairs: table of pairs.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    place, note = choose_pair(read_named(pairs), spec["example_pair"])
    runs = read(load(counts).isel(pair=[0] if place is None else [0, place]))
    members = [int(member) for member in runs.member[-1] if member >= 0]
    names = ["baseline", *(" and ".join(runs.classes[m] for m in members) for _ in runs.pairs[1:])]
    headings = [f"{name}: {count} runs" for name, count in zip(names, runs.counted, strict=True)]
    shares = dict(zip(headings, row_shares(runs.predictions), strict=True))
    figure, numbers = drawn(shares, runs.classes, members, title=spec["title"], note=note)
    save(figure, numbers, svg=svg, png=png, csv=csv)
