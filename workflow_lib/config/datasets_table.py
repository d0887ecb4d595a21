"""Sources of rows of numbers: `table`, and the small ones of scikit-learn."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from workflow_lib.config.fields import Fraction, Seed, Text, Unique, example
from workflow_lib.config.sources import Kind, Samples
from workflow_lib.errors import Problem

TABLES: Final = (".csv", ".tsv", ".parquet", ".json", ".jsonl", ".ndjson")
Scaling = Literal["unit", "standard", "none"]
SKLEARN: Final = {
    "iris": ("setosa", "versicolor", "virginica"),
    "wine": ("class_0", "class_1", "class_2"),
    "breast_cancer": ("malignant", "benign"),
}


class Labelled(Samples):
    """Keys shared by the tables of users that hold labelled samples."""

    suffixes: ClassVar[tuple[str, ...]] = TABLES

    path: Text
    """The table (.csv, .tsv, .parquet, .json or .jsonl), relative to the working directory."""
    labels: Text = "label"
    """Column of the classes."""
    ids: Text | None = None
    """Column of unique names of the samples; null numbers the rows."""
    splits: Text | None = None
    """Column of the splits, train or test; rows of other splits are left out. Or give test_fraction instead."""
    test_fraction: Fraction | None = None
    """Share of each class that becomes the test split."""
    split_seed: Seed = 0
    """Seed of the split by `test_fraction`."""

    def files(self) -> dict[str, str]:
        """The table."""
        return {"path": self.path}

    def problems(self, where: str) -> Iterator[Problem]:
        """The split is made in exactly one way."""
        given = [key for key in ("splits", "test_fraction") if getattr(self, key) is not None]
        if len(given) != 1:
            allowed = f"needs either splits or test_fraction, and has {' and '.join(given) or 'neither'}"
            yield Problem(where, "", allowed, "write for example test_fraction: 0.2")
        if self.split_seed and self.test_fraction is None:
            allowed = "nothing is drawn without test_fraction"
            yield Problem(f"{where}.split_seed", str(self.split_seed), allowed, "remove it, or give test_fraction")


class Table(Labelled):
    """Rows of numbers with labels (CSV, Parquet, JSON)."""

    kind: ClassVar[Kind] = "table"
    model_config = example(source="table", path="data/cells.csv", labels="type", test_fraction=0.2)

    source: Literal["table"]
    """Rows of numbers in a table."""
    features: Annotated[Unique[Text], Field(min_length=1)] | None = None
    """Columns of the numbers; null takes all columns that have no other role."""
    scaling: Scaling = "unit"
    """unit: 0 and 1 are the smallest and the largest value of each feature in the training split, which prototypes need
    as their bounds; standard: mean 0 and standard deviation 1 there; none: as in the table."""

    def has_bounds(self) -> bool:
        """If each feature is scaled to its range."""
        return self.scaling == "unit"


class SklearnTable(Samples):
    """A small table that is part of scikit-learn: no download."""

    kind: ClassVar[Kind] = "table"
    model_config = example(source="iris")

    source: Literal["iris", "wine", "breast_cancer"]
    """Name of the table: 150 flowers by 4 measures, 178 wines by 13, 569 tumours by 30."""
    test_fraction: Fraction = 0.3
    """Share of each class that becomes the test split."""
    split_seed: Seed = 0
    """Seed of the split."""
    scaling: Scaling = "unit"
    """As in the source table."""

    def has_bounds(self) -> bool:
        """If each feature is scaled to its range."""
        return self.scaling == "unit"

    def own_classes(self) -> tuple[str, ...]:
        """The classes of the data set, in the order of their labels."""
        return SKLEARN[self.source]
