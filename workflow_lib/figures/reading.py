"""Read what figures are drawn from: tables from CSV, samples from stores."""

from pathlib import Path

import numpy as np
import pandas as pd

from workflow_lib.io.storage import load, read_table

TEXT = ("model", "dataset", "split", "transform", "layer", "metric", "pattern", "class_name", "neighbour_class")
TEXT_OF_PROTOTYPES = ("tensor", "route", "relation", "origin", "target", "class_a", "class_b")
TEXT_OF_CONFUSION = ("reference", "unit", "confused", "undefined", "pair")


def read_named(path: Path) -> pd.DataFrame:
    """Read a table of a study; columns of names are text, even if a name looks like a number."""
    return read_table(path, (*TEXT, *TEXT_OF_PROTOTYPES, *TEXT_OF_CONFUSION))


def kstar_values(path: Path) -> pd.DataFrame:
    """A row per sample of a k* store: class_name, kstar."""
    with load(path) as store:
        names = np.array(store.attrs["class_names"], dtype=object)
        return pd.DataFrame({"class_name": names[store["label"].values], "kstar": store["kstar"].values})
