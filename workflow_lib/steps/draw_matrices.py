"""Figure: mean confusion matrices of the baseline and of one confused pair."""

from typing import Any

from workflow_lib.confusion.example import example
from workflow_lib.figures.confusion.matrices import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.io.storage import load
from workflow_lib.steps.roles import Input, Output


def draw_matrices(*, spec: dict[str, Any], counts: Input, pairs: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw the mean confusion matrices of the baseline and of one confused pair.

    Args:
        spec: title, mode, example_pair (names of the two classes; None: chosen by `confusion.example`).
        counts: store of all runs.
        pairs: table of pairs.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(
        example(load(counts), read_named(pairs), spec["example_pair"]), mode=spec["mode"], title=spec["title"]
    )
    save(figure, numbers, svg=svg, png=png, csv=csv)
