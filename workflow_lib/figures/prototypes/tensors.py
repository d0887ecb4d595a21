"""Colours and words for the two tensors of dissimilarities, C and R (docs/science.md 2.4)."""

from workflow_lib.figures.style import TEN_COLOURS

COLOURS = {"C": TEN_COLOURS[2], "R": TEN_COLOURS[0]}
MARKERS = {"C": "o", "R": "s"}
LABELS = {"C": "C: between classes (same origin, other target)", "R": "R: within a class (same target, other origin)"}


def counted(include_self: bool, unconverged: str) -> str:
    """Sentences on which entries are included.

    Args:
        include_self: whether C[k, j, k] and R[k, j, j] are.
        unconverged: "leave_out" or "keep".
    """
    own = "is included, as on the poster" if include_self else "is left out"
    return f"The dissimilarity of an image to itself, 0 by definition, {own}. {images_counted(unconverged)}"


def images_counted(unconverged: str) -> str:
    """A sentence on whether images that did not converge are included."""
    return f"Images that did not converge are {'included' if unconverged == 'keep' else 'left out'}."
