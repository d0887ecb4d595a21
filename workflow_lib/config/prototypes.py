"""Section `prototypes`: images that a network classifies with confidence, and the studies of them."""

from typing import Annotated, Literal

from pydantic import Field

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
    example,
)
from workflow_lib.names import HEAD_INPUT


class PrototypeStudy(Section):
    """One set of prototypes for each model, seed, interval and initialisation, and the measurements on these sets."""

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
    """Heading of the tables and figures; null makes one from the study's name."""
    description: str = ""
    """What the study asks."""
    model: Choice[Name]
    """Models to make prototypes of."""
    seed: Choice[Seed] = Field(default=(), json_schema_extra={"default": ALL})
    """Seeds of the models."""
    interval: Choice[Percent] = Field(default=(), json_schema_extra={"default": ALL})
    """Intervals of the training, in percent."""
    initialisations: Annotated[int, Field(ge=1, le=1000)] = 5
    """Number of independent starts from noise, counted from 0. A higher number computes only the new ones."""
    layer: Choice[Name] = (HEAD_INPUT,)
    """Layers whose features are compared: head_input, the input of the linear layer that gives the logits, or names of
    layers of the models. More layers need no new images. Boundary and adversarial images have the features of the
    first."""
    optimizer: Literal["sgd", "normalised_sgd", "adam"] = "sgd"
    """Optimizer of the images: plain gradient descent, as in the poster; the same with the gradient of each image
    divided by its length, as in the authors' later code; or Adam."""
    lr: Annotated[float, Field(gt=0)] = 0.1
    """Learning rate, for pixels in [0, 1]; with normalised_sgd, the Euclidean length of each step."""
    loss: Annotated[float, Field(gt=0)] = 0.01
    """An image has converged when its cross-entropy to the target class is below this value."""
    steps: Count = 1000
    """Largest number of steps per image; an image that needs more is kept and marked as not converged."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Arithmetic of the gradient descent. With bfloat16, an image has converged only when a pass in float32 says so,
    and all results are computed in float32 from the images."""
    start: Literal["noise", "warm"] = "noise"
    """Start of the class prototypes: noise, or (warm) those of the interval before; the first uses noise."""
    boundaries: bool = True
    """Find the images between two classes where both logits are equal."""
    include_self: bool = False
    """Include the comparison of a prototype with itself, which is always 0, as in the poster."""
    unconverged: Literal["leave_out", "keep"] = "leave_out"
    """Whether statistics use images that have not converged."""
    classes: Annotated[tuple[ClassName, ...], Field(min_length=1), *UNIQUE] | None = None
    """Classes shown in the figures; null shows all, or 10 evenly spaced ones if there are more than 20."""


class Prototypes(Section):
    """Class prototypes, intermediaries between classes, and their dissimilarities C and R."""

    studies: dict[Name, PrototypeStudy] = Field(default={})
    """The studies by name."""
