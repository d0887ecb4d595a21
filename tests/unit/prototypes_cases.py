"""Small networks, and a descent written as a user would: one image at a time, with torch's own optimisers."""

import functools

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from workflow_lib.models.normalization import wrap
from workflow_lib.prototypes.frozen import frozen

SHAPE = (2, 6, 6)
CLASSES = 4


def noise(count, seed=0, shape=SHAPE):
    return np.random.default_rng(seed).random((count, *shape), dtype=np.float32)


def quarters(count=120):
    """Noisy images of four classes: a bright quarter."""
    images = noise(count, seed=1) / 2
    labels = np.arange(count) % CLASSES
    for image, label in zip(images, labels, strict=True):
        image[:, 3 * (label // 2) :, 3 * (label % 2) :][:, :3, :3] += 0.5
    return torch.from_numpy(images), torch.from_numpy(labels)


@functools.cache
def trained():
    """A classifier with batch norm, normalisation and pooling that tells the quarters apart; not to be changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Conv2d(2, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
        network = wrap(
            nn.Sequential(*layers, nn.Linear(72, 12), nn.ReLU(), nn.Linear(12, CLASSES)),
            2,
            {"mean": [0.4, 0.4], "std": [0.3, 0.2]},
        )
    images, labels = quarters()
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    with torch.enable_grad():
        for _ in range(40):
            optimizer.zero_grad()
            cross_entropy(network(images), labels).backward()
            optimizer.step()
    assert (network.eval()(images).argmax(1) == labels).all()
    return network


@functools.cache
def quick():
    return frozen(trained(), None, SHAPE)


def linear(weight, bias, shape):
    """The frozen network with logits weight @ pixels + bias."""
    head = nn.Linear(len(weight[0]), len(weight))
    head.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
    return frozen(wrap(nn.Sequential(nn.Flatten(), head), shape[0], None), None, shape)


class NormalisedSGD(torch.optim.SGD):
    """SGD along the gradient of the only image, divided by its length."""

    def step(self):
        (image,) = self.param_groups[0]["params"]
        image.grad /= image.grad.norm()
        super().step()


OPTIMIZERS = {"sgd": torch.optim.SGD, "normalised_sgd": NormalisedSGD, "adam": torch.optim.Adam}


def one_by_one(network, start, target, settings, origin=None):
    """Images, losses and target logits less origin logits after 0, 1, 2, … steps, of a single image."""
    image = torch.from_numpy(start[None]).clone().requires_grad_()
    optimizer = OPTIMIZERS[settings.optimizer]([image], settings.lr)
    images, losses, ahead = [], [], []
    while True:
        logits = network(image)
        loss = cross_entropy(logits, torch.tensor([target]))
        images.append(image.detach().clone()[0].numpy())
        losses.append(loss.item())
        ahead.append((logits[0, target] - logits[0, target if origin is None else origin]).item())
        if losses[-1] < settings.loss or len(images) > settings.steps:
            return images, losses, ahead
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
