"""A small study of a network trained on growing data, and of one that starts from its weights."""

from pathlib import Path

from project import Project, run_once

CONFIG = """\
datasets:
  digits: {source: digits, classes: ["0", "1", "2", "3"], subsample: {train: 20, test: 12}}

models:
  grown:
    architecture: small_cnn
    dataset: digits
    training: {epochs: 4, batch_size: 16, lr: 0.01, schedule: cosine}
    intervals: [25, 50, 100]
    intervals_of: data
    layers: {logits: logits}
  further:
    architecture: small_cnn
    dataset: digits
    weights: {model: grown, interval: 50}
    training: {epochs: 1, batch_size: 16, lr: 0.01}
    layers: {logits: logits}

kstar:
  studies:
    stages: {model: [grown, further], interval: all}
"""


def made_beside(finished: Project) -> Project:
    """The study, run to its k* in a folder beside the finished miniature."""
    return run_once(finished.folder.with_name(f"{finished.folder.name}-stages"), fresh, "kstar")


def fresh(folder: Path) -> Project:
    """The study before its first run, in a new folder."""
    return Project(folder, config=CONFIG)
