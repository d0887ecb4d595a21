"""Section `prototypes`: images that a network is sure of, from every class towards every other, and their studies."""

from typing import Annotated, Literal

from pydantic import Field

from workflow_lib.config.fields import ALL, UNIQUE, Choice, Count, Name, Percent, Section, Seed, Text, example


class PrototypeStudy(Section):
    """One set of prototypes for each model, seed, interval and initialisation, and what is measured on them."""

    model_config = example(
        title="Prototypes while the network learns",
        model="net",
        seed="all",
        interval="all",
        initialisations=5,
        optimizer="sgd",
        lr=0.01,
    )

    title: Text | None = None
    """Heading of its tables and figures; null makes one from the study's name."""
    description: str = ""
    """What the study asks."""
    model: Choice[Name]
    """Models whose prototypes are made."""
    seed: Choice[Seed] = Field(default=(), json_schema_extra={"default": ALL})
    """Seeds of the models."""
    interval: Choice[Percent] = Field(default=(), json_schema_extra={"default": ALL})
    """Intervals of the training, in percent."""
    initialisations: Annotated[int, Field(ge=1, le=1000)] = 5
    """Independent starts from noise, numbered from 0. A higher number makes only what is new."""
    layer: Name | None = None
    """Role of the layer whose features are compared; null takes the input of the last linear layer."""
    optimizer: Literal["sgd", "adam"] = "sgd"
    """Rule of the steps: plain gradient descent, as in the poster, or Adam."""
    lr: Annotated[float, Field(gt=0)] = 0.1
    """Learning rate, for pixels from 0 to 1."""
    loss: Annotated[float, Field(gt=0)] = 0.01
    """An image is done when its cross-entropy to the target falls below this."""
    steps: Count = 1000
    """Most steps for an image; one that needs more is kept and flagged as not converged."""
    start: Literal["noise", "warm"] = "noise"
    """What class prototypes start from: noise at every interval, or from the second on those of the interval before."""
    boundaries: bool = True
    """Find the images on the way from class to class where the network is torn between the two."""
    include_self: bool = False
    """Count the comparison of a prototype with itself, which is 0 by definition, as the poster does."""
    unconverged: Literal["leave_out", "keep"] = "leave_out"
    """What statistics do with images that have not converged."""
    classes: Annotated[tuple[Text, ...], Field(min_length=1), *UNIQUE] | None = None
    """Classes that pictures show; null shows all, or 10 spread over them when there are more than 20."""


class Prototypes(Section):
    """Class prototypes, intermediaries between classes, and the dissimilarities C and R between them."""

    studies: dict[Name, PrototypeStudy] = Field(default={})
    """The studies by name."""
