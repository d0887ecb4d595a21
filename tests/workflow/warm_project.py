"""A small study of prototypes that start from those of the interval before, compared at two layers."""

from pathlib import Path

from own_project import write_images
from project import Project, run_once

CONFIG = """\
datasets:
  shapes: {source: arrays, train: data/train.npz, test: data/test.npz}

models:
  net:
    architecture: small_cnn
    dataset: shapes
    training: {epochs: 4, batch_size: 16, lr: 0.01}
    intervals: [25, 50, 100]
    layers: {logits: logits}

prototypes:
  studies:
    warm:
      model: net
      start: warm
      layer: [head_input, logits]
      optimizer: normalised_sgd
      initialisations: 1
      lr: 0.1
      loss: 0.5
      steps: 30
      unconverged: keep
"""


def made_beside(finished: Project) -> Project:
    """The study, run to its end in a folder beside the finished miniature."""
    return run_once(finished.folder.with_name(f"{finished.folder.name}-warm"), fresh)


def fresh(folder: Path) -> Project:
    """The study before its first run, in a new folder."""
    (folder / "data").mkdir(parents=True)
    for split, count in (("train", 20), ("test", 12)):
        write_images(folder / "data" / f"{split}.npz", count)
    return Project(folder, config=CONFIG)
