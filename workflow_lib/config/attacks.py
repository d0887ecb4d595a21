"""Keys of an attack on a network, for the transform `pgd` and for adversarial training."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from workflow_lib.config.fields import Count, Section, wrong
from workflow_lib.errors import Problem

RATIO = r"^ *\d+(\.\d+)? */ *\d+(\.\d+)? *$"


def _number(value: Any) -> Any:
    """A ratio such as "8/255" as a number."""
    if not isinstance(value, str):
        return value
    upper, _, lower = value.partition("/")
    if not re.match(RATIO, value) or float(lower) == 0:
        raise wrong("must be a number, or a ratio such as 8/255", "write for example 8/255")
    return float(upper) / float(lower)


Length = Annotated[
    float,
    Field(gt=0),
    BeforeValidator(
        _number,
        json_schema_input_type=Annotated[float, Field(gt=0)] | Annotated[str, StringConstraints(pattern=RATIO)],
    ),
]
"""A norm, for images in [0, 1]: a number, or a ratio such as 8/255."""


class Attack(Section):
    """Projected gradient descent: steps that raise the loss, within a ball around the image and within [0, 1]."""

    epsilon: Length
    """Largest norm of the change, for images in [0, 1]: a number, or a ratio such as 8/255."""
    norm: Literal["linf", "l2"] = "linf"
    """Norm of the change: linf is its largest absolute value, l2 its Euclidean length over all pixels."""
    steps: Count = 10
    """Number of steps."""
    step: Length | None = None
    """Norm of one step; null: 2.5 times epsilon, divided by the number of steps."""
    random_start: bool = True
    """Start at a random point of the ball; false: at the image."""


def problems(where: str, attack: Attack) -> Iterator[Problem]:
    """Contradictions in an attack whose values are all well formed."""
    if attack.norm == "linf" and attack.epsilon > 1:
        allowed = "must be at most 1 for linf: images are in [0, 1]"
        yield Problem(f"{where}.epsilon", f"{attack.epsilon:g}", allowed, "write for example 8/255")
