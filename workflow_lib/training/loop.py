"""Train a classifier from any state to any epoch, with the same bytes for any interruptions in between.

Order of samples, augmentation and the random state of torch depend only on the name of the epoch, the learning rate
and the starts of attacks only on the step. So only the weights and the optimiser's moments pass from one epoch to the
next; within an epoch, also the random generators and the sums of the learning curve. Equal bytes need the same device
and number of threads, because these decide how sums are rounded.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from workflow_lib import seeds
from workflow_lib.attacks import Attack, pgd
from workflow_lib.errors import Problem, UserError
from workflow_lib.models.layers import inner, load_state
from workflow_lib.progress import Progress
from workflow_lib.training.augmentation import augment
from workflow_lib.training.epochs import Epoch
from workflow_lib.training.images import as_unit, memory_format
from workflow_lib.training.optimisation import Settings, learning_rate, make_optimizer, restore_optimizer
from workflow_lib.training.precision import autocast, tensor_cores
from workflow_lib.training.replay import replayed

CURVE = ("epoch", "lr", "train_loss", "train_accuracy")
"""Columns of the learning curve."""


class DivergedError(UserError):
    """The loss is no longer finite. The network is left as before that batch, on a GPU as at the end of the epoch.

    Attributes:
        curve: rows of the epochs before, as in `State`.
    """

    def __init__(self, problem: Problem, curve: list[dict[str, float]]) -> None:
        super().__init__(problem)
        self.curve = curve


@dataclass
class State:
    """Everything that a training needs to continue.

    Attributes:
        network: state_dict of the network, without its normalisation.
        optimizer: state_dict of the optimiser; empty before the first batch.
        epoch: completed epochs.
        step: completed batches of the current epoch; 0 between epochs.
        random: states of torch's generators by device type; empty between epochs.
        sums: loss, right predictions and samples of the current epoch so far.
        curve: a row per epoch: epoch (from 1), lr (of its last batch), train_loss, train_accuracy (in [0, 1]; both
            over the samples as trained on, while the network was changing).
    """

    network: dict[str, Tensor]
    optimizer: dict[str, Any] = field(default_factory=dict)
    epoch: int = 0
    step: int = 0
    random: dict[str, Tensor] = field(default_factory=dict)
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    curve: list[dict[str, float]] = field(default_factory=list)


def train(
    network: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    settings: Settings,
    *,
    lineage: tuple[object, ...],
    stop_epoch: int,
    state: State | None = None,
    device: str = "cpu",
    save_state: Callable[[State], None] | None = None,
    save_every: float = 30.0,
    progress: Progress | None = None,
) -> State:
    """Train `network` in place until `stop_epoch` epochs are done, and return the state.

    Args:
        network: maps images (b, c, y, x) float32 in [0, 1] to logits (b, classes).
        images: (n, c, y, x), uint8 or float32 in [0, 1]; held on the device in this dtype.
        labels: (n,) int64, 0 … classes - 1.
        settings: optimiser, schedule, augmentation and so on.
        lineage: names from which all randomness is derived, such as model and seed.
        stop_epoch: number of epochs done at the end, at most `settings.epochs`.
        state: where to continue; None: start from the network's present weights.
        device: "cpu" or "cuda".
        save_state: called from time to time with the state, so that a killed job can continue.
        save_every: least number of seconds between two such calls.
        progress: called with the batches done and the batches until `stop_epoch`.

    Raises:
        DivergedError: the loss is not finite; the error names the epoch and the learning rate.
    """
    devices = [torch.cuda.current_device()] if device == "cuda" else []
    with torch.random.fork_rng(devices=devices), tensor_cores(settings.precision):
        training = _Training(network, images, labels, settings, lineage, device)
        if state is not None:
            training.restore(state)
        saved = time.monotonic()
        total = stop_epoch * training.batches
        while training.epoch < stop_epoch:
            training.advance()
            if save_state and training.epoch < stop_epoch and time.monotonic() - saved >= save_every:
                save_state(training.state())
                saved = time.monotonic()
            if progress:
                progress(training.epoch * training.batches + training.step, total)
        return training.state()


class _Training:
    """A training in progress; `advance` does one batch."""

    def __init__(
        self,
        network: nn.Module,
        images: np.ndarray,
        labels: np.ndarray,
        settings: Settings,
        lineage: tuple[object, ...],
        device: str,
    ) -> None:
        self.settings, self.lineage, self.device = settings, lineage, device
        reduced = device == "cuda" and settings.precision != "float32"
        self.format = memory_format(network, images.shape, tensor_cores=reduced)
        self.network = network.to(device, memory_format=self.format).train()  # type: ignore[call-overload]
        self.images, self.labels = torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device)
        self.optimizer = make_optimizer(settings, network)
        self.parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.learn = replayed(self._learn, network, device)
        self.batches = -(-len(labels) // settings.batch_size)
        self.epoch = self.step = 0
        self.sums = torch.zeros(3, dtype=torch.float64, device=device)
        self.curve: list[dict[str, float]] = []

    def restore(self, state: State) -> None:
        load_state(self.network, state.network)
        if state.optimizer:
            restore_optimizer(self.optimizer, state.optimizer)
        self.epoch, self.step, self.curve = state.epoch, state.step, list(state.curve)
        self.sums = torch.tensor(state.sums, dtype=torch.float64, device=self.device)
        if self.step:
            self._draw_epoch()
            torch.set_rng_state(state.random["cpu"])
            if self.device == "cuda":
                torch.cuda.set_rng_state(state.random["cuda"])

    def state(self) -> State:
        """The present state; store it before the next batch, because its tensors are those in use."""
        self._check_loss()
        random = {"cpu": torch.get_rng_state()} if self.step else {}
        if random and self.device == "cuda":
            random["cuda"] = torch.cuda.get_rng_state()
        return State(
            network=inner(self.network).state_dict(),
            optimizer=self.optimizer.state_dict() if self.optimizer.state else {},
            epoch=self.epoch,
            step=self.step,
            random=random,
            sums=self.sums.tolist(),
            curve=list(self.curve),
        )

    def advance(self) -> None:
        if self.step == 0:
            self._draw_epoch()
        images, labels = self._batch()
        lr = self._set_learning_rate()
        for parameter, gradient in zip(self.parameters, self.learn(images, labels), strict=True):
            parameter.grad = gradient
        if self.device == "cpu":  # on a GPU each check would wait
            self._check_loss()
        self.optimizer.step()
        self.step += 1
        if self.step == self.batches:
            self._end_epoch(lr)

    def _learn(self, images: Tensor, labels: Tensor) -> list[Tensor | None]:
        """Gradients of a batch for all parameters; also adds to the sums."""
        self.optimizer.zero_grad()
        logits = self._logits(images)
        loss = cross_entropy(logits, labels, label_smoothing=self.settings.label_smoothing)
        right = (logits.detach().argmax(1) == labels).sum()
        self.sums[:2].add_(torch.stack([loss.detach().double() * len(labels), right.double()]))
        self.sums[2].add_(len(labels))
        loss.backward()  # type: ignore[no-untyped-call]
        return [parameter.grad for parameter in self.parameters]

    def _draw_epoch(self) -> None:
        """All random choices of the epoch, derived from its name."""
        self.drawn = Epoch.of(
            self.lineage,
            self.epoch,
            count=len(self.labels),
            batches=self.batches,
            augmentation=self.settings.augmentation,
            device=self.device,
        )
        self.order = torch.from_numpy(self.drawn.order).to(self.device)  # at once, as each copy would wait for the GPU
        torch.manual_seed(seeds.derive(*self.lineage, "torch", self.epoch))

    def _batch(self) -> tuple[Tensor, Tensor]:
        start, stop = self.drawn.starts[self.step : self.step + 2].tolist()
        chosen = self.order[start:stop]
        images = as_unit(self.images[chosen])
        images = augment(images, self.settings.augmentation, self.drawn.draws, start)
        labels = self.labels[chosen]
        if self.settings.adversarial:
            images = self._attacked(images, labels, self.settings.adversarial)
        return images.contiguous(memory_format=self.format), labels

    def _attacked(self, images: Tensor, labels: Tensor, attack: Attack) -> Tensor:
        """The attacked batch. In eval mode, batch statistics and the random state of dropout stay as they are."""
        rng = seeds.generator(*self.lineage, "attack", self.epoch, self.step)
        starts = torch.stack([attack.start(images.shape[1:], rng) for _ in labels]).to(self.device)
        self.network.eval()
        attacked = pgd(self._logits, images, labels, attack, starts)
        self.network.train()
        return attacked

    def _logits(self, images: Tensor) -> Tensor:
        """Logits (b, classes), for a loss in float32 whatever the precision of the pass."""
        with autocast(self.settings.precision, self.device):
            logits = _logits(self.network(images))
        return logits.float() if logits.dtype == torch.bfloat16 else logits

    def _set_learning_rate(self) -> float:
        step = self.epoch * self.batches + self.step
        lr = learning_rate(self.settings, step, self.settings.epochs * self.batches)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        return lr

    def _end_epoch(self, lr: float) -> None:
        self._check_loss()
        loss, right, count = self.sums.tolist()
        self.epoch, self.step = self.epoch + 1, 0
        self.sums.zero_()
        self.curve.append(dict(zip(CURVE, (self.epoch, lr, loss / count, right / count), strict=True)))

    def _check_loss(self) -> None:
        if not torch.isfinite(self.sums[0]) and (self.epoch, self.step) == (0, 0):
            allowed = "the loss is not finite before the first step: the network gives NaN or infinite logits"
            repair = "correct the network, its normalisation or its weights"
            raise DivergedError(Problem("architecture", "", allowed, repair), [])
        if not torch.isfinite(self.sums[0]):
            lr = self.optimizer.param_groups[0]["lr"]
            raise DivergedError(
                Problem(
                    "training.lr",
                    f"{self.settings.lr:g}",
                    f"the loss is no longer finite in epoch {self.epoch + 1}, at learning rate {lr:g}",
                    "lower the learning rate, or warm up with schedule: onecycle",
                ),
                list(self.curve),
            )


def _logits(output: object) -> Tensor:
    if isinstance(output, Tensor):
        return output
    raise UserError(
        Problem(
            "architecture",
            type(output).__name__,
            "the network must return one tensor of logits during training",
            "switch other outputs off, as with options: {aux_logits: false} for googlenet and inception_v3",
        )
    )
