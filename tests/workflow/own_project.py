"""A small study of a user's own: images, embeddings and weights in files; functions for data and for a network."""

import shutil
from pathlib import Path

import numpy as np
from project import Project, run_once

CONFIG = """\
datasets:
  shapes: {source: arrays, train: data/train.npz, test: data/test.npz, classes: ["0", "1", "2", "3"]}
  drawn: {source: function, function: "my_data:load"}
  words: {source: features, path: data/words.npz, classes: [sport, music, news]}

models:
  net:
    architecture: small_cnn
    dataset: shapes
    training: {epochs: 2, batch_size: 16, optimizer: adam, lr: 0.01, weight_decay: 0.001}
    layers: {early: {module: conv1, pool: avg}, logits: logits}
  mine:
    architecture: my_network:two_layers
    dataset: drawn
    training: {epochs: 2, batch_size: 16, lr: 0.01}
    layers: {hidden: "2"}
  loaded:
    architecture: small_cnn
    dataset: shapes
    weights: data/weights.pt
    layers: {logits: logits}

kstar:
  studies:
    networks: {model: [net, mine, loaded]}
    words: {features: words}

prototypes:
  studies:
    sure: {model: loaded, initialisations: 1, lr: 1.0, loss: 1.0, steps: 60, unconverged: keep}

confusion:
  studies:
    mixed: {model: net, seeds: [0, 1], pairs: {sample: 2, seed: 13}, permutations: 99}  # [0, 1] and [2, 3]
"""
DATA = '''\
"""Images that a function draws."""

import numpy as np
import yaml


def load(count=20):
    generator = np.random.default_rng(1)
    assert yaml.safe_load("[]") == []
    labels = np.repeat(np.arange(4), count)
    images = generator.uniform(size=(len(labels), 1, 8, 8)).astype("float32")
    return {"train": (images, labels, None), "test": (images[::2], labels[::2], None)}
'''
NETWORK = '''\
"""A network of the user's own."""

from my_layers import flat
from torch import nn


def two_layers(in_channels, image_size, n_classes, hidden=16):
    # Flat images, one hidden layer.
    pixels = in_channels * image_size[0] * image_size[1]
    return nn.Sequential(flat(), nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, n_classes))
'''
LAYERS = {
    "__init__.py": "from my_layers.parts import flat as flat\n",
    "parts.py": "from torch import nn\n\n\ndef flat(start=1):\n    return nn.Flatten(start)\n",
}
"""A package that the network imports."""


def made_beside(finished: Project) -> Project:
    """The study, run to its end in a folder beside the finished miniature."""
    # A network of the miniature tells four classes apart, too.
    weights = finished.folder / "results/checkpoints/digits_cnn/seed-0/interval-100.pt"
    return run_once(finished.folder.with_name(f"{finished.folder.name}-own"), lambda folder: fresh(folder, weights))


def fresh(folder: Path, weights: Path) -> Project:
    """The study before its first run, in a new folder; `weights` are those of a small_cnn."""
    data = folder / "data"
    data.mkdir(parents=True)
    shutil.copy(weights, data / "weights.pt")
    for split, count in (("train", 20), ("test", 12)):
        write_images(data / f"{split}.npz", count)
    write_embeddings(data / "words.npz")
    (folder / "my_data.py").write_text(DATA)
    (folder / "my_network.py").write_text(NETWORK)
    (folder / "my_layers").mkdir()
    for name, text in LAYERS.items():
        (folder / "my_layers" / name).write_text(text)
    return Project(folder, config=CONFIG)


def write_images(file: Path, count: int, seed: int = 0) -> None:
    """So many grey images of each of four classes, in a file of the user's."""
    generator = np.random.default_rng([seed, count])
    labels = np.repeat(np.arange(4), count)
    brightness = 50 * labels[:, None, None] + generator.integers(0, 100, size=(len(labels), 8, 8))
    np.savez(file, images=brightness.astype("uint8"), labels=labels)


def write_embeddings(file: Path, seed: int = 0) -> None:
    """Embeddings of eighty texts of four kinds."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(["sport", "music", "news", "art"], 20)
    np.savez(file, features=generator.normal(size=(80, 8)) + 3 * (labels == "sport")[:, None], labels=labels)
