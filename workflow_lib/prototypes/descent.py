"""Gradient descent on the pixels of many images at once, each towards its own class (docs/science.md 2.1, 2.2).

Each image stops on its own: at the first step at which its loss is below the threshold, or at the step limit. It does
not depend on the other images of the batch, except that the batch size decides the order of sums and so their rounding.

In bfloat16, a pass gives the gradient of each step, and only proposes the rest: which images have finished, and where a
target's logit is close to the origin's. These images are held until a pass in float32 decides, then leave or go on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from workflow_lib.prototypes.frozen import Frozen
from workflow_lib.training.precision import autocast
from workflow_lib.training.replay import replayed

BETAS, EPSILON = (0.9, 0.999), 1e-8
"""Adam's usual decay of both moments, and what it adds to the root of the second."""

BETWEEN_LOOKS = {"cpu": 1, "cuda": 4}
"""Passes between two checks for images that have finished; a check makes a GPU wait."""

RECORDED_AFTER = 32
"""Passes of as many images before a pass is recorded: that takes about as long, and images that leave end it."""

CLOSE = 1 / 64
"""Logits in bfloat16 that differ by at most this share of the largest one are compared in float32."""

Watch = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], None]
"""Called with entries (m,), their number of steps (m,), images (m, c, y, x) and losses (m,)."""


@dataclass(frozen=True)
class Settings:
    """How an image is optimised for a class.

    Attributes:
        optimizer: sgd (pixels - lr * gradient, as on the poster) | normalised_sgd (with the gradient of each image
            divided by its Euclidean length; zeros stay zeros) | adam.
        lr: learning rate; with normalised_sgd the length of a step.
        steps: largest number of steps.
        loss: an image has converged when its cross-entropy (nats, in float32) is below this.
        precision: float32 | bfloat16, in which steps are computed; results are float32.
    """

    optimizer: str = "sgd"
    lr: float = 0.1
    steps: int = 400
    loss: float = 0.01
    precision: str = "float32"


class Descent:
    """A batch of images being optimised; images enter at any time and leave when they have finished.

    Attributes:
        entry: int64 (b,): the caller's number of each image.
        rows: tensors on the device with a row per image.
    """

    def __init__(
        self,
        network: Frozen,
        settings: Settings,
        *,
        device: str = "cpu",
        state: Mapping[str, Tensor] | None = None,
        watch: Watch | None = None,
    ) -> None:
        """An empty batch, or the one that `state()` returned.

        `watch` gets the images with target = origin (class prototypes) after 0, 1, 2, 4, 8, … steps.
        """
        self.network, self.settings, self.device, self.watch = network, settings, device, watch
        rows = self._new(torch.empty(0, *network.image_shape), *[torch.empty(0, dtype=torch.int64)] * 2)
        self.rows = self._placed(
            {name: value if state is None else state[name].clone() for name, value in rows.items()}
        )
        self.entry = np.empty(0, np.int64) if state is None else state["entry"].numpy().copy()
        # A copy of `steps` that is known without waiting for a GPU; both are equal between two calls.
        self.passes = self.rows["steps"].cpu().numpy().copy()
        self.look = replayed(self._look, network, device, RECORDED_AFTER)
        self.watched = (self.rows["target"] == self.rows["origin"]).cpu().numpy()

    def __len__(self) -> int:
        return len(self.entry)

    def state(self) -> dict[str, Tensor]:
        """Everything that `Descent` needs to continue; to be taken between two calls. The tensors are those in use."""
        return {"entry": torch.from_numpy(self.entry), **self.rows}

    def enter(self, entry: np.ndarray, images: np.ndarray, targets: np.ndarray, origins: np.ndarray) -> None:
        """Add images (m, c, y, x) float32 in [0, 1], from classes `origins` (m,), to optimise for `targets` (m,)."""
        new = self._placed(self._new(*map(torch.from_numpy, (images, targets, origins))))
        self.rows = self._placed({name: torch.cat([rows, new[name]]) for name, rows in self.rows.items()})
        self.entry = np.concatenate([self.entry, entry])
        self.passes = np.concatenate([self.passes, np.zeros(len(entry), np.int64)])
        self.watched = np.concatenate([self.watched, targets == origins])

    def advance(self) -> dict[str, np.ndarray]:
        """Do a step, on a GPU several at most; return the images that have finished, and remove them.

        Returns:
            `entry`, `image`, `features`, `loss`, `confidence`, `predicted`, `steps`, `converged`, `length`, `crossing`
            (m, 2, c, y, x), `crossing_length`, `crossing_step`, a row for each finished image, as in the store.
        """
        held = torch.zeros(len(self), dtype=torch.bool, device=self.device)
        for left in reversed(range(BETWEEN_LOOKS[self.device])):
            logits, features, losses, gradient = self.look(self.rows["image"], self.rows["target"])
            with torch.no_grad():
                held |= self._finished(losses)
                if self._reduced:
                    held |= self._close(logits)
                    if not left:
                        logits, features, losses = self._decided(held, logits, features, losses)
                        held &= self._finished(losses)
                self._notify(losses)
                self._find_crossings(logits, waiting=held if left else torch.zeros_like(held))
                self._step(gradient, held)
                self.passes += 1
        # An image that is held does not change, so the last pass belongs to the image that is kept.
        return self._leave(held, logits, features, losses)

    @torch.enable_grad()
    def _look(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits, features, losses and gradients of a pass."""
        images = images.detach().requires_grad_()
        with autocast(self.settings.precision, self.device):
            logits, features = self.network(images)
        logits = logits.float()
        losses = cross_entropy(logits, targets, reduction="none")
        (gradient,) = torch.autograd.grad(losses.sum(), images)  # of a sum: each image has its own
        return logits.detach(), features, losses.detach(), gradient

    @property
    def _reduced(self) -> bool:
        return self.settings.precision != "float32"

    def _finished(self, losses: Tensor) -> Tensor:
        return (losses < self.settings.loss) | (self.rows["steps"] >= self.settings.steps)

    def _ahead(self, logits: Tensor) -> Tensor:
        """Logit of the target minus that of the origin (b,)."""
        return (logits.gather(1, self.rows["target"][:, None]) - logits.gather(1, self.rows["origin"][:, None]))[:, 0]

    def _close(self, logits: Tensor) -> Tensor:
        """Images of which bfloat16 cannot say whether the target has overtaken the origin."""
        rows, close = self.rows, self._ahead(logits).abs() <= CLOSE * logits.abs().amax(1)
        return close & (rows["target"] != rows["origin"]) & (rows["crossing_step"] < 0)

    def _decided(self, held: Tensor, *found: Tensor) -> tuple[Tensor, ...]:
        """Logits, features and losses of a pass, those of the images held by a pass in float32."""
        decided, chosen = tuple(values.float() for values in found), held.nonzero()[:, 0]
        if len(chosen):
            for values, exact in zip(decided, self._exact(chosen), strict=True):
                values[chosen] = exact
        self.passes = self.rows["steps"].cpu().numpy().copy()  # images that were held have made fewer
        return decided

    def _exact(self, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, features and losses of these images in float32."""
        images = self.rows["image"][chosen].contiguous(memory_format=self.network.memory_format)
        logits, features = self.network(images)
        return logits, features, cross_entropy(logits, self.rows["target"][chosen], reduction="none")

    def _new(self, images: Tensor, targets: Tensor, origins: Tensor) -> dict[str, Tensor]:
        count = len(images)
        rows = {
            "image": images,
            "target": targets,
            "origin": origins,
            "steps": torch.zeros(count, dtype=torch.int64),
            "length": torch.zeros(count),
            "behind": torch.zeros(count, dtype=torch.bool),
            "before": images,
            "after": images,
            "crossing_length": torch.full((count,), torch.nan),
            "crossing_step": torch.full((count,), -1),
        }
        if self.settings.optimizer == "adam":
            rows |= {"first": torch.zeros_like(images), "second": torch.zeros_like(images)}
        return rows

    def _placed(self, rows: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """On the device, images in the memory format of the network."""
        layout = self.network.memory_format
        return {
            name: value.to(self.device).contiguous(memory_format=layout if value.ndim == 4 else torch.contiguous_format)
            for name, value in rows.items()
        }

    def _notify(self, losses: Tensor) -> None:
        due = np.flatnonzero(self.watched & (self.passes & (self.passes - 1) == 0))
        if self.watch and len(due):
            chosen = torch.from_numpy(due).to(self.device)
            images, found = self.rows["image"][chosen], self._exact(chosen)[2] if self._reduced else losses[chosen]
            self.watch(self.entry[due], self.passes[due], images.cpu().numpy(), found.cpu().numpy())

    def _find_crossings(self, logits: Tensor, waiting: Tensor) -> None:
        """Keep the images between which the target's logit first overtakes the origin's; later, if they are waiting."""
        rows, ahead = self.rows, self._ahead(logits)
        now = rows["behind"] & (ahead > 0) & (rows["crossing_step"] < 0) & ~waiting
        rows["after"] = self._where(now, rows["image"], rows["after"])
        rows["crossing_step"] = torch.where(now, rows["steps"], rows["crossing_step"])
        settled = (rows["crossing_step"] >= 0) | waiting
        rows["before"] = self._where(settled, rows["before"], rows["image"])
        rows["crossing_length"] = torch.where(settled, rows["crossing_length"], rows["length"])
        rows["behind"] = torch.where(waiting, rows["behind"], ahead <= 0)

    def _step(self, gradient: Tensor, held: Tensor) -> None:
        rows, image = self.rows, self.rows["image"]
        moved = self._updated(image, gradient, held).clamp_(0, 1)
        moved = self._where(held, image, moved)
        rows["length"] = rows["length"] + torch.linalg.vector_norm(moved - image, dim=tuple(range(1, image.ndim)))
        rows["steps"] = rows["steps"] + ~held
        rows["image"] = moved

    def _where(self, chosen: Tensor, images: Tensor, others: Tensor) -> Tensor:
        """`images` in the chosen rows, else `others`; on a CPU without a copy if none is chosen."""
        if self.device == "cpu" and not chosen.any():
            return others
        return torch.where(_column(chosen, images), images, others)

    def _updated(self, image: Tensor, gradient: Tensor, held: Tensor) -> Tensor:
        """Images after a step of Adam (Kingma & Ba 2015), with a step count for each image, or of SGD."""
        lr = self.settings.lr
        if self.settings.optimizer == "normalised_sgd":
            gradient = _normalised(gradient)
        if self.settings.optimizer != "adam":
            return image.add(gradient, alpha=-lr)
        rows, count = self.rows, (self.rows["steps"] + 1).double()
        first = rows["first"].lerp(gradient, 1 - BETAS[0])
        second = (rows["second"] * BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        rows["first"], rows["second"] = (
            self._where(held, rows["first"], first),
            self._where(held, rows["second"], second),
        )
        size = (lr / (1 - BETAS[0] ** count)).float()
        root = (1 - BETAS[1] ** count).sqrt().float()
        return image - _column(size, image) * first / (second.sqrt() / _column(root, image) + EPSILON)

    def _leave(self, done: Tensor, logits: Tensor, features: Tensor, losses: Tensor) -> dict[str, np.ndarray]:
        gone = done.cpu().numpy()
        if not gone.any():
            return {}
        # As numbers of rows, because a GPU would count the true values of a mask anew for each array, and wait.
        leaving, staying = (torch.from_numpy(np.flatnonzero(mask)).to(self.device) for mask in (gone, ~gone))
        rows = {name: value[leaving].cpu() for name, value in self.rows.items()}
        loss, never = losses[leaving].cpu(), rows["crossing_step"] < 0
        crossing = torch.stack([rows["before"], rows["after"]], 1)
        crossing[never] = rows["crossing_length"][never] = torch.nan
        found = {
            "image": rows["image"],
            "features": features[leaving].cpu(),
            "loss": loss,
            "confidence": torch.exp(-loss),  # the loss is minus the logarithm of the target's softmax
            "predicted": logits[leaving].argmax(1).cpu(),
            "steps": rows["steps"],
            "converged": loss < self.settings.loss,
            "length": rows["length"],
            "crossing": crossing,
            "crossing_length": rows["crossing_length"],
            "crossing_step": rows["crossing_step"],
        }
        entry = self.entry[gone]
        self.rows = self._placed({name: value[staying] for name, value in self.rows.items()})
        self.entry, self.passes, self.watched = self.entry[~gone], self.passes[~gone], self.watched[~gone]
        return {"entry": entry, **{name: value.numpy() for name, value in found.items()}}


def _normalised(gradient: Tensor) -> Tensor:
    """The gradient of each image (b, …) divided by its Euclidean length; zeros stay zeros."""
    every = tuple(range(1, gradient.ndim))
    length = torch.linalg.vector_norm(gradient, dim=every, dtype=torch.float64)  # in float32, small squares vanish
    return gradient / _column(length.where(length > 0, 1).float(), gradient)


def _column(values: Tensor, images: Tensor) -> Tensor:
    """(b,) -> (b, 1, …, 1), to broadcast against images."""
    return values.view(-1, *[1] * (images.ndim - 1))
