"""Train several runs at the same time, as a stack: fastest if a single network does not keep the device busy.

Order of samples, augmentation, learning rates and arithmetic are those of `workflow_lib.training.loop.train`; only the
rounding of sums differs. The runs may have different labels, so that those of several pairs of classes fit in a stack.
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
from workflow_lib.training.precision import tensor_cores
from workflow_lib.training.replay import replayed
from workflow_lib.training.replicates.runs import Run, Trained
from workflow_lib.training.replicates.stack import Stack

DTYPES = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16}
"""Type in which convolutions and products are computed, by precision."""


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
        runs: the runs to train, all on the same number of images.
        images: (N, c, y, x), uint8 or float32 in [0, 1]; in memory only once.
        settings: training settings.
        device: "cpu" or "cuda".
        progress: called with the number of finished batches and of all batches.
    """
    with tensor_cores(settings.precision):
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


def _losses(stack: Stack, images: Tensor, labels: Tensor, draws: Draws, settings: Settings) -> Tensor:
    """Mean loss of a batch, (runs,), from stored images (runs * b, c, y, x), labels (runs, b), and draws per image."""
    values = augment(as_unit(images), settings.augmentation, draws, 0)
    logits = stack(values.view(*labels.shape, *values.shape[1:]))
    smoothing = settings.label_smoothing
    losses = cross_entropy(logits.flatten(0, 1), labels.flatten(), label_smoothing=smoothing, reduction="none")
    return losses.view(labels.shape).mean(1)


class _Training:
    """A stack in training; `advance` trains on one batch."""

    def __init__(
        self,
        runs: Sequence[Run],
        images: np.ndarray,
        settings: Settings,
        device: str,
    ) -> None:
        self.runs, self.settings, self.device = runs, settings, device
        self.networks = [run.build() for run in runs]
        self.stack = Stack(self.networks, images.shape[1], device, DTYPES[settings.precision])
        self.optimizer = make_optimizer(settings, self.stack.vector)
        self.learn = replayed(self._learn, self.networks[0], device)
        self.images = torch.from_numpy(images).to(device)
        self.labels = torch.from_numpy(np.stack([run.labels for run in runs])).to(device)
        self.samples = np.stack([run.samples for run in runs])  # (runs, samples of each)
        self.batches = -(-self.samples.shape[1] // settings.batch_size)
        self.sums = torch.zeros(len(runs), dtype=torch.float64, device=device)
        self.losses = np.full((len(runs), settings.epochs), np.nan)
        self.running = np.ones(len(runs), dtype=bool)

    def draw_epoch(self, epoch: int) -> None:
        drawn = [
            Epoch.of(
                run.lineage,
                epoch,
                count=self.samples.shape[1],
                batches=self.batches,
                augmentation=self.settings.augmentation,
                device=self.device,
            )
            for run in self.runs
        ]
        self.epoch, self.starts = epoch, drawn[0].starts
        order = np.take_along_axis(self.samples, np.stack([one.order for one in drawn]), axis=1)
        self.order = torch.from_numpy(order).to(self.device)
        self.ordered_labels = self.labels.gather(1, self.order)
        self.flips = torch.stack([one.draws.flips for one in drawn])
        self.offsets = torch.stack([one.draws.offsets for one in drawn])
        self.sums.zero_()

    def advance(self, step: int) -> None:
        batch = slice(int(self.starts[step]), int(self.starts[step + 1]))
        lr = learning_rate(self.settings, self.epoch * self.batches + step, self.settings.epochs * self.batches)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        chosen, labels = self.order[:, batch].flatten(), self.ordered_labels[:, batch]
        flips, offsets = self.flips[:, batch].flatten(), self.offsets[:, batch].flatten(0, 1)
        losses = self.learn(self.images.index_select(0, chosen), labels, flips, offsets)
        self.sums += losses.double() * labels.shape[1]
        if self.device == "cpu":  # on a GPU, each check would wait for its computations
            self._leave_diverged()
        self.optimizer.step()

    def _learn(self, images: Tensor, labels: Tensor, flips: Tensor, offsets: Tensor) -> Tensor:
        """Losses of a batch, (runs,); leaves the gradients in the stack."""
        self.optimizer.zero_grad(set_to_none=False)
        losses = _losses(self.stack, images, labels, Draws(flips, offsets), self.settings)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        return losses.detach()

    def _leave_diverged(self) -> None:
        """Keep the weights from before this batch for runs whose loss is no longer finite."""
        finite = np.isfinite(self.sums.cpu().numpy())
        for slot in np.flatnonzero(self.running & ~finite):
            self.stack.unstack(int(slot))
        self.running &= finite

    def end_epoch(self) -> None:
        self._leave_diverged()
        self.losses[self.running, self.epoch] = self.sums.cpu().numpy()[self.running] / self.samples.shape[1]

    def results(self) -> list[Trained]:
        for slot in np.flatnonzero(self.running):
            self.stack.unstack(int(slot))
        return [Trained(network, losses) for network, losses in zip(self.networks, self.losses, strict=True)]
