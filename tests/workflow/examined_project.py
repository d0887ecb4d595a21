"""Small studies: a model that is examined on other data and under transforms, a union, and weights of another model."""

from pathlib import Path

from own_project import write_images
from project import Project, run_once

CONFIG = """\
datasets:
  shapes: {source: arrays, train: data/shapes_train.npz, test: data/shapes_test.npz}
  noise: {source: arrays, train: data/noise_train.npz, test: data/noise_test.npz}
  both: {source: union, of: [shapes, noise]}

models:
  net:
    architecture: small_cnn
    dataset: shapes
    examine: [noise]
    training: {epochs: 2, batch_size: 16, lr: 0.01}
    layers: {logits: logits}
  further:
    architecture: small_cnn
    dataset: both
    weights: {model: net}
    training: {epochs: 1, batch_size: 16, lr: 0.01}
    layers: {logits: logits}

transforms:
  attacked: {kind: pgd, epsilon: 0.1, steps: 2}
  darker: {kind: function, function: "changes:darker", strength: 1}

kstar:
  studies:
    changed: {model: net, transform: all}
    elsewhere: {model: net, dataset: all}
    united: {model: further}
"""


def made_beside(finished: Project) -> Project:
    """The study, run to its end in a folder beside the finished miniature."""
    return run_once(finished.folder.with_name(f"{finished.folder.name}-examined"), fresh)


def fresh(folder: Path) -> Project:
    """The study before its first run, in a new folder."""
    (folder / "data").mkdir(parents=True)
    for seed, name in enumerate(("shapes", "noise")):
        for split, count in (("train", 20), ("test", 12)):
            write_images(folder / "data" / f"{name}_{split}.npz", count, seed)
    (folder / "changes.py").write_text("def darker(images, ids):\n    return images / 2\n")
    return Project(folder, config=CONFIG)
