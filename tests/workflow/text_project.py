"""A small study of texts, counted by tfidf, and of a table of numbers."""

from pathlib import Path

from project import Project, run_once

CONFIG = """\
datasets:
  sentences: {source: text, path: data/sentences.csv, splits: split}
  counted: {source: encoded, of: sentences, encoder: tfidf, terms: 12}
  cells: {source: table, path: data/cells.csv, splits: split}

models:
  read:
    architecture: mlp
    dataset: counted
    training: {epochs: 1, batch_size: 8, lr: 0.01}
    layers: {words: input, logits: logits}
  measured:
    architecture: mlp
    dataset: cells
    training: {epochs: 1, batch_size: 8, lr: 0.01}
    layers: {logits: logits}

kstar:
  studies:
    both: {model: [read, measured]}
"""


def made_beside(finished: Project) -> Project:
    """The study, run to its end in a folder beside the finished miniature."""
    return run_once(finished.folder.with_name(f"{finished.folder.name}-text"), fresh)


def fresh(folder: Path) -> Project:
    """The study before its first run, in a new folder."""
    data = folder / "data"
    data.mkdir(parents=True)
    (data / "sentences.csv").write_text(sentences())
    (data / "cells.csv").write_text(cells())
    return Project(folder, config=CONFIG)


def sentences(**changed: str) -> str:
    """The table of texts, 12 for training and 8 to test, with other texts in the rows `train_3` and the like."""
    rows = ["text,label,split"]
    for split, count in (("train", 12), ("test", 8)):
        for number in range(count):
            label = ("ask", "tell")[number % 2]
            text = f"{('who is', 'this is')[number % 2]} {('he', 'she', 'it')[number % 3]} here {number % 4}0"
            rows.append(f"{changed.get(f'{split}_{number}', text)},{label},{split}")
    return "\n".join(rows) + "\n"


def cells(**changed: str) -> str:
    """The table of numbers, 12 rows for training and 8 to test, with other sizes in the rows `train_3` and the like."""
    rows = ["size,weight,label,split"]
    for split, count in (("train", 12), ("test", 8)):
        for number in range(count):
            size = changed.get(f"{split}_{number}", str(number % 2 + number / 10))
            rows.append(f"{size},{number % 5},{('old', 'new')[number % 2]},{split}")
    return "\n".join(rows) + "\n"
