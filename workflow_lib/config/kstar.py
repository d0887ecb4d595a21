"""Section `kstar`: how k* is summarised, and the studies that get tables and figures."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from workflow_lib.config.fields import (
    ALL,
    UNIQUE,
    Choice,
    ClassName,
    Count,
    Name,
    Percent,
    Section,
    Seed,
    Text,
    Unique,
    example,
)
from workflow_lib.names import ORIGINAL, MapMethod, Metric, Skewness, Split


class Maps(Section):
    """Settings of the two-dimensional maps of features, for all studies with maps."""

    samples: Annotated[int, Field(ge=10)] = 2000
    """Largest number of samples on a map; larger splits are sampled, stratified by class."""
    seed: Seed = 0
    """Seed of the draw and of the map methods."""


class Approximate(Section):
    """Approximate k*: the nearest neighbours of each sample are searched with pynndescent."""

    neighbours: Annotated[int, Field(ge=2)] = 200
    """Number of nearest neighbours searched for each sample. A list that ends before a sample of another class gives a
    lower bound of k*; classes.csv counts them in censored."""
    check: Count = 1000
    """About so many samples also get their exact k*; classes.csv has the share that agrees in agreement."""
    seed: Seed = 0
    """Seed of the search and of the choice of the samples that are checked."""


class Study(Section):
    """One question. A key with one value is held fixed; a key with a list, or all, is varied."""

    model_config = example(
        title="Early and late layers",
        model="net",
        seed="all",
        interval=100,
        layer=["early", "logits"],
        metric="all",
        maps=["pca"],
    )

    title: Text | None = None
    """Heading of the tables and figures; null makes one from the study's name."""
    description: str = ""
    """What the study asks, shown in the report."""
    model: Choice[Name] | None = None
    """Models to compare; a study needs either this or `features`."""
    features: Choice[Name] | None = None
    """Datasets of imported features to compare instead of models; the keys dataset, seed, interval, split, transform
    and layer do not apply to them."""
    dataset: Choice[Name] | None = None
    """Datasets whose images the models see: their own one, or those under `examine`; all: all of these. null: each
    model's own one."""
    seed: Choice[Seed] = Field(default=(), json_schema_extra={"default": ALL})
    """Seeds of the models."""
    interval: Choice[Percent] = (100,)
    """Intervals of the training, in percent."""
    split: Choice[Split] = ("test",)
    """Splits whose samples are used."""
    transform: Choice[Name] = (ORIGINAL,)
    """Transforms of the images; original changes nothing."""
    layer: Choice[Name] = Field(default=(), json_schema_extra={"default": ALL})
    """Names of the layers."""
    metric: Choice[Metric] = ("euclidean",)
    """Distances between features."""
    maps: Unique[MapMethod] = ()
    """Methods of the 2-D maps drawn next to the violins; an empty list draws none."""
    classes: Annotated[tuple[ClassName, ...], Field(min_length=1), *UNIQUE] | None = None
    """Classes shown in the figures, `table.md` and `table.tex`; null shows all, or 20 spread over the range of skewness
    if there are more."""

    @model_serializer(mode="wrap")
    def _only_what_applies(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the keys that do not apply, so that the written study can be loaded again."""
        unused = ("features",) if self.features is None else ("model", *MODEL_KEYS)
        return {key: value for key, value in serialize(self).items() if key not in unused}


MODEL_KEYS = ("dataset", "seed", "interval", "split", "transform", "layer")
"""Keys of a study that apply to models but not to imported features."""


class Kstar(Section):
    """k* distributions: how they are summarised, and the studies of them."""

    threshold: Annotated[float, Field(gt=0)] = 0.5
    """A class is Fractured if its skewness is above this value, Clustered if it is below minus this value."""
    skewness: Skewness = "anchored"
    """anchored: of the k* values plus the end points 0 and 1, as in the paper's tables; plain: of the values only."""
    neighbours: Count = 10
    """Number of nearest neighbours of each sample that the neighbour distribution counts."""
    on_zero: Literal["error", "leave_out"] = "error"
    """What happens under cosine to samples whose features are all 0, which have no cosine distance. leave_out: they get
    no k* and are no neighbours; classes.csv counts them."""
    approximate: Approximate | None = None
    """Approximate k* of all studies; null computes the exact k*, which is mostly faster, too (docs/kstar.md)."""
    maps: Maps = Maps()
    """Settings of the 2-D maps."""
    studies: dict[Name, Study] = Field(default={})
    """The studies by name."""
