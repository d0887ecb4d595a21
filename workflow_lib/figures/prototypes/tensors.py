"""How figures show the two tensors of dissimilarities, C and R (docs/science.md 2.4)."""

from workflow_lib.figures.style import TEN_COLOURS

COLOURS = {"C": TEN_COLOURS[2], "R": TEN_COLOURS[0]}
MARKERS = {"C": "o", "R": "s"}
LABELS = {"C": "C: between classes (same origin, other target)", "R": "R: within a class (same target, other origin)"}


def counted(include_self: bool, unconverged: str) -> str:
    """The sentences on which entries count.

    Args:
        include_self: whether C[k, j, k] and R[k, j, j] are among them.
        unconverged: "leave_out" or "keep".
    """
    own = "counts, as on the poster" if include_self else "does not count"
    return f"Dissimilarity of an image to itself, 0 by definition, {own}. {images_counted(unconverged)}"


def images_counted(unconverged: str) -> str:
    """The sentence on whether images count that did not converge."""
    return f"Images that did not converge {'count too' if unconverged == 'keep' else 'do not count'}."
