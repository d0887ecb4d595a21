"""Section `kstar`: how k* is summarised, and the studies that tables and figures are made for."""

from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from workflow_lib.config.fields import ALL, UNIQUE, Choice, Count, Name, Percent, Section, Seed, Text, Unique, example
from workflow_lib.names import ORIGINAL, MapMethod, Metric, Skewness, Split


class Maps(Section):
    """How two-dimensional maps of the features are made, in every study that asks for them."""

    samples: Annotated[int, Field(ge=10)] = 2000
    """Samples on a map at most, drawn evenly from the classes."""
    seed: Seed = 0
    """Seed of the draw and of the methods."""


class Study(Section):
    """A question: what varies and what is held. A key with one value is held; a list, or all, is varied."""

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
    """Heading of its tables and figures; null makes one from the study's name."""
    description: str = ""
    """What the study asks, shown in the report."""
    model: Choice[Name] | None = None
    """Models to compare; a study needs either this or `features`."""
    features: Choice[Name] | None = None
    """Datasets of imported features to compare, instead of a model; seed to layer do not apply to them."""
    seed: Choice[Seed] = Field(default=(), json_schema_extra={"default": ALL})
    """Seeds of the models."""
    interval: Choice[Percent] = (100,)
    """Intervals of the training, in percent."""
    split: Choice[Split] = ("test",)
    """Splits whose samples are looked at."""
    transform: Choice[Name] = (ORIGINAL,)
    """Transforms of the images; original changes nothing."""
    layer: Choice[Name] = Field(default=(), json_schema_extra={"default": ALL})
    """Roles of the layers."""
    metric: Choice[Metric] = ("euclidean",)
    """Distances between features."""
    maps: Unique[MapMethod] = ()
    """Methods of the 2-D maps that are drawn beside the violins; an empty list draws none."""
    classes: Annotated[tuple[Text, ...], Field(min_length=1), *UNIQUE] | None = None
    """Classes that the pictures show; null shows all, or 20 spread over the skewness when there are more."""

    @model_serializer(mode="wrap")
    def _only_what_applies(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The written-out study can be loaded again: keys that do not apply to it are left out."""
        unused = ("features",) if self.features is None else ("model", *MODEL_KEYS)
        return {key: value for key, value in serialize(self).items() if key not in unused}


MODEL_KEYS = ("seed", "interval", "split", "transform", "layer")
"""Keys of a study that say something about models, and nothing about imported features."""


class Kstar(Section):
    """k* distributions: how they are summarised, and the studies made of them."""

    threshold: Annotated[float, Field(gt=0)] = 0.5
    """A class is Fractured when its skewness is above this, Clustered when it is below minus this."""
    skewness: Skewness = "anchored"
    """anchored: of the k* values with the ends 0 and 1, as in the paper's tables; plain: of the values alone."""
    neighbours: Count = 10
    """How many nearest neighbours of each sample the neighbour distribution counts."""
    maps: Maps = Maps()
    """How 2-D maps are made."""
    studies: dict[Name, Study] = Field(default={})
    """The studies by name."""
