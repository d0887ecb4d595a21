"""A small study of relations between classes, and the studies of k*, prototypes and confusion that it names."""

from pathlib import Path

from project import Project, run_once

CONFIG = """\
datasets:
  digits: {source: digits, classes: ["0", "1", "2", "3"], subsample: {train: 20, test: 12}}

models:
  net:
    architecture: small_cnn
    dataset: digits
    training: {epochs: 2, batch_size: 16, optimizer: adam, lr: 0.01}
    layers: {logits: logits}

kstar:
  studies:
    last: {model: net}

prototypes:
  studies:
    sure: {model: net, initialisations: 1, lr: 1.0, loss: 1.0, steps: 60, unconverged: keep}

confusion:
  studies:
    mixed: {model: net, seeds: [0], permutations: 99}

relations:
  studies:
    alike: {kstar: last, prototypes: sure, confusion: mixed}
"""


def made_beside(finished: Project) -> Project:
    """The study, run to its end in a folder beside the finished miniature."""
    return run_once(finished.folder.with_name(f"{finished.folder.name}-relations"), fresh)


def fresh(folder: Path) -> Project:
    """The study before its first run, in a new folder."""
    folder.mkdir(parents=True)
    return Project(folder, config=CONFIG)
