"""Source `features`: features with labels, computed elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final, Literal

from workflow_lib.config.datasets_table import TABLES
from workflow_lib.config.fields import Section, Seed, Text, example
from workflow_lib.config.sources import ARRAYS, Kind, PerClass, Source
from workflow_lib.errors import Problem, listed

TENSORS: Final = (".npy", ".pt", ".pth", ".safetensors", ".h5ad")


class ImportedSubsample(Section):
    """A stratified draw from imported features, which have only one split."""

    imported: PerClass
    """Samples per class. A larger number keeps the samples of a smaller one."""
    seed: Seed = 0
    """Seed of the draw."""


class Features(Source):
    """Features with labels, computed elsewhere. They are analysed without a model."""

    kind: ClassVar[Kind] = "features"
    suffixes: ClassVar[tuple[str, ...]] = (*ARRAYS, *TENSORS, *TABLES)
    model_config = example(source="features", path="data/embeddings.parquet", features="dim_", labels="topic")

    source: Literal["features"]
    """Features and labels in a file."""
    subsample: ImportedSubsample | None = None
    """Keep this many samples of each class; null keeps all."""
    path: Text
    """The file (.npz, .npy, .zarr, .zarr.zip, .parquet, .pt, .safetensors or .h5ad), relative to the working
    directory."""
    labels_path: Text | None = None
    """File of the labels, predictions and ids, where the features are alone in theirs: a table (.csv, .tsv, .parquet,
    .json, .jsonl) with these columns, or .npy with the labels."""
    features: Text = "features"
    """Name of the array (sample, feature); for Parquet the name of a list column, or the prefix of numeric columns; for
    AnnData a key of obsm, or X. The array of a file with a single one needs no name."""
    labels: Text = "labels"
    """Name of the array or column of labels: integers or text."""
    predictions: Text | None = None
    """Name of the array or column of predicted classes; if given, the tables show accuracies."""
    ids: Text | None = None
    """Name of the array or column of unique sample names; null numbers the samples."""
    class_names: Text | None = None
    """Name of the array of class names, in the order of integer labels; null uses the labels as names."""

    def files(self) -> dict[str, str]:
        """The file `path`, and that of the labels."""
        return {"path": self.path} | ({"labels_path": self.labels_path} if self.labels_path else {})

    def extras(self) -> dict[str, str]:
        """What reads files of other libraries."""
        extra = {".safetensors": "safetensors", ".h5ad": "anndata"}.get(Path(self.path).suffix)
        return {"path": extra} if extra else {}

    def problems(self, where: str) -> Iterator[Problem]:
        """Files that hold no features, or no labels."""
        formats = (*ARRAYS, *TENSORS, ".parquet")
        if not self.path.endswith(formats):
            allowed = f"the name must end in one of {listed(formats)}"
            yield Problem(f"{where}.path", self.path, allowed, "save the features in one of these formats")
        if self.path.endswith(".npy") and not self.labels_path:
            allowed = "a file .npy holds the features alone"
            yield Problem(f"{where}.path", self.path, allowed, "name the file of the labels: labels_path")
        if self.labels_path and not self.labels_path.endswith((".npy", *TABLES)):
            allowed = f"the name must end in one of {listed(('.npy', *TABLES))}"
            yield Problem(f"{where}.labels_path", self.labels_path, allowed, "save the labels in one of these formats")
