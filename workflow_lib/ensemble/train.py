"""Training an ensemble in the form that is fastest for its architecture, image size and device."""

from collections.abc import Iterator, Mapping

import numpy as np

from workflow_lib.ensemble.loop import train_one
from workflow_lib.ensemble.members import Member, States, Trained
from workflow_lib.optimisation import Settings
from workflow_lib.progress import Progress


def train_members(
    members: Mapping[str, Member],
    images: np.ndarray,
    settings: Settings,
    *,
    device: str = "cpu",
    states: States | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[str, Trained]]:
    """Each member by its name as soon as its training has ended; one that diverges does not stop the others.

    What becomes of a member does not depend on which others there are, on a CPU to the byte.

    Args:
        members: what is trained, by name.
        images: (N, c, y, x), uint8 or float32 in [0, 1]; those of all members, held once.
        settings: of all members.
        device: "cpu" or "cuda".
        states: where states are kept in case of a kill.
        progress: told the batches done and those of all members.
    """
    for index, (name, member) in enumerate(members.items()):
        part = _part(progress, index, len(members))
        yield name, train_one(name, member, images, settings, device=device, states=states, progress=part)


def _part(progress: Progress | None, index: int, count: int) -> Progress | None:
    """Progress of the member `index` among `count` of equal length."""
    if progress is None:
        return None
    whole = progress
    return lambda done, total: whole(index * total + done, count * total)
