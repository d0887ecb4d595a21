"""Train several runs at the same time, as a stack: fastest if a single network does not keep the device busy.

Order of samples, augmentation, learning rates and arithmetic are those of `workflow_lib.training.loop.train`; only the
rounding of sums differs.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from workflow_lib.progress import Progress
from workflow_lib.training.augmentation import Draws, augment
from workflow_lib.training.epochs import Epoch
from workflow_lib.training.images import as_unit
from workflow_lib.training.optimisation import Settings, learning_rate, make_optimizer
from workflow_lib.training.replicates.runs import Run, Trained
from workflow_lib.training.replicates.stack import Stack


def train_stack(
    runs: Sequence[Run],
    images: np.ndarray,
    settings: Settings,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
) -> list[Trained]:
    """Train runs whose networks are chains of known layers (`chain.chain`); a run that diverges keeps its weights.

    Args:
        runs: the runs to train.
        images: (N, c, y, x), uint8 or float32 in [0, 1]; in memory only once.
        settings: training settings.
        device: "cpu" or "cuda".
        progress: called with the number of finished batches and of all batches.
    """
    training = _Training(runs, images, settings, device)
    total = settings.epochs * training.batches
    for epoch in range(settings.epochs):
        training.draw_epoch(epoch)
        for step in range(training.batches):
            training.advance(step)
            if progress:
                progress(epoch * training.batches + step + 1, total)
        training.end_epoch()
    return training.results()


class _Training:
    """A stack in training; `advance` trains on one batch."""

    def __init__(self, runs: Sequence[Run], images: np.ndarray, settings: Settings, device: str) -> None:
        self.runs, self.settings, self.device = runs, settings, device
        self.networks = [run.build() for run in runs]
        self.stack = Stack(self.networks, images.shape[1], device)
        self.optimizer = make_optimizer(settings, self.stack.vector)
        self.images = torch.from_numpy(images).to(device)
        self.labels = torch.from_numpy(np.stack([run.labels for run in runs])).to(device)
        self.batches = -(-len(images) // settings.batch_size)
        self.sums = torch.zeros(len(runs), dtype=torch.float64, device=device)
        self.losses = np.full((len(runs), settings.epochs), np.nan)
        self.running = np.ones(len(runs), dtype=bool)

    def draw_epoch(self, epoch: int) -> None:
        drawn = [
            Epoch.of(
                run.lineage,
                epoch,
                count=len(self.images),
                batches=self.batches,
                augmentation=self.settings.augmentation,
                device=self.device,
            )
            for run in self.runs
        ]
        self.epoch, self.starts = epoch, drawn[0].starts
        self.order = torch.from_numpy(np.stack([one.order for one in drawn])).to(self.device)
        self.ordered_labels = self.labels.gather(1, self.order)
        self.flips = torch.stack([one.draws.flips for one in drawn])
        self.offsets = torch.stack([one.draws.offsets for one in drawn])
        self.sums.zero_()

    def advance(self, step: int) -> None:
        batch = slice(int(self.starts[step]), int(self.starts[step + 1]))
        lr = learning_rate(self.settings, self.epoch * self.batches + step, self.settings.epochs * self.batches)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        logits, labels = self.stack(self._images(batch)), self.ordered_labels[:, batch]
        losses = cross_entropy(
            logits.flatten(0, 1), labels.flatten(), label_smoothing=self.settings.label_smoothing, reduction="none"
        )
        losses = losses.view(labels.shape).mean(1)
        self.sums += losses.detach().double() * labels.shape[1]
        if self.device == "cpu":  # on a GPU, each check would wait for its computations
            self._leave_diverged()
        self.optimizer.zero_grad(set_to_none=False)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    def _images(self, batch: slice) -> Tensor:
        """Augmented images of a batch, (runs, b, c, y, x) float32."""
        chosen = self.order[:, batch]
        images = as_unit(self.images.index_select(0, chosen.flatten()))
        draws = Draws(self.flips[:, batch].flatten(), self.offsets[:, batch].flatten(0, 1))
        return augment(images, self.settings.augmentation, draws, 0).reshape(*chosen.shape, *images.shape[1:])

    def _leave_diverged(self) -> None:
        """Keep the weights from before this batch for runs whose loss is no longer finite."""
        finite = np.isfinite(self.sums.cpu().numpy())
        for slot in np.flatnonzero(self.running & ~finite):
            self.stack.unstack(int(slot))
        self.running &= finite

    def end_epoch(self) -> None:
        self._leave_diverged()
        self.losses[self.running, self.epoch] = self.sums.cpu().numpy()[self.running] / len(self.images)

    def results(self) -> list[Trained]:
        for slot in np.flatnonzero(self.running):
            self.stack.unstack(int(slot))
        return [Trained(network, losses) for network, losses in zip(self.networks, self.losses, strict=True)]
