"""A small study of approximate k* on a changed dataset, and its points as one array."""

from pathlib import Path

from own_project import write_images
from project import Project, run_once

CONFIG = """\
datasets:
  shapes: {source: arrays, train: data/train.npz, test: data/test.npz}
  turned: {source: transformed, of: shapes, transform: turned}

models:
  net:
    architecture: small_cnn
    dataset: turned
    training: {epochs: 1, batch_size: 16, lr: 0.01}
    layers: {logits: logits}

transforms:
  turned: {kind: rotation, degrees: 30}

kstar:
  approximate: {neighbours: 10}
  studies:
    training_data: {model: net, metric: [euclidean, cosine]}
"""


def made_beside(finished: Project) -> Project:
    """The study with its array, run to its end in a folder beside the finished miniature."""
    return run_once(finished.folder.with_name(f"{finished.folder.name}-approximate"), fresh, "all", "arrays")


def fresh(folder: Path) -> Project:
    """The study before its first run, in a new folder."""
    (folder / "data").mkdir(parents=True)
    for split, count in (("train", 20), ("test", 12)):
        write_images(folder / "data" / f"{split}.npz", count)
    return Project(folder, config=CONFIG)
