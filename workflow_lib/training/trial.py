"""One training step for each batch size of a training, so that a failure does not come in the middle of it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import nn

from workflow_lib.errors import Problem, UserError
from workflow_lib.training.loop import train
from workflow_lib.training.optimisation import Settings

SMALL_LR = 1e-4
"""Learning rate of the trial: no step of it diverges."""


def batch_sizes(count: int, batch_size: int) -> list[int]:
    """Sizes of the batches of an epoch of `count` images, as `Epoch.of` divides them, from the largest."""
    batches = -(-count // batch_size)
    return sorted({-(-count // batches), count // batches}, reverse=True)


def problems(
    network: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    settings: Settings,
    counts: Sequence[int],
    *,
    device: str = "cpu",
) -> list[Problem]:
    """Train a step with each batch size, in place, and return what fails.

    Args:
        network: maps images in [0, 1] to logits.
        images: (n, c, y, x), uint8 or float32 in [0, 1]; at least the largest batch.
        labels: (n,) int64.
        settings: of the training.
        counts: numbers of images in an epoch, of each training.
        device: "cpu" or "cuda".
    """

    def step(size: int) -> Problem | None:
        one_step = replace(settings, epochs=1, batch_size=size, lr=SMALL_LR, schedule="constant")
        try:
            train(network, images[:size], labels[:size], one_step, lineage=("trial", size), stop_epoch=1, device=device)
        except UserError as error:
            return error.problems[0]
        except MemoryError:
            raise
        except (Exception, SystemExit) as error:  # the network is the user's own
            found = f"training fails on a batch of {size}: {type(error).__name__}: {_first_line(error)}"
            return Problem("architecture", "", found, "correct the network, or write another training.batch_size")
        return None

    sizes = sorted({size for count in counts for size in batch_sizes(count, settings.batch_size)}, reverse=True)
    failed = {size: problem for size in sizes if (problem := step(size))}
    if 1 in failed and (len(failed) < len(sizes) or (len(images) > 1 and not step(2))):
        return [_batch_of_one(failed[1], counts, settings.batch_size)]
    return list(dict.fromkeys(failed.values()))[:1]


def _batch_of_one(problem: Problem, counts: Sequence[int], batch_size: int) -> Problem:
    """A network that cannot be trained on a single image, as with batch normalisation."""
    alone = next(count for count in counts if batch_sizes(count, batch_size)[-1] == 1)
    allowed = f"{alone} images make batches of one image, and {problem.allowed}"
    if 1 in counts:
        return Problem("intervals", "", allowed, "begin with a larger interval")
    larger = range(batch_size + 1, max(counts) + 1)
    fitting = next(size for size in larger if all(batch_sizes(count, size)[-1] > 1 for count in counts))
    return Problem("training.batch_size", str(batch_size), allowed, f"write {fitting} or more")


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
