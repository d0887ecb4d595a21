"""Base class of all sections of the config, and types of values that several sections use."""

import unicodedata
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    PlainSerializer,
    StringConstraints,
)
from pydantic_core import CoreSchema, PydanticCustomError

ALL: Final = "all"
NAME: Final = r"^[a-z][a-z0-9_]{0,63}$"
FUNCTION: Final = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
WRONG: Final = "wrong"
"""Type of validation errors that carry their own message; see `wrong`."""

T = TypeVar("T")


class Section(BaseModel):
    """A part of the config. Unknown keys are errors, values are not converted silently, and sections are immutable."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def example(**keys: Any) -> ConfigDict:
    """Model settings of a section that add an example to the JSON schema and docs/config.md."""
    return ConfigDict(json_schema_extra={"examples": [keys]})


def wrong(allowed: str, repair: str) -> PydanticCustomError:
    """Error for a validator to raise: what is allowed, and what to do (as in `errors.Problem`)."""
    return PydanticCustomError(WRONG, "{allowed}", {"allowed": allowed, "repair": repair})


def _as_tuple(value: Any) -> Any:
    """Convert a YAML list to a tuple, which an immutable section can keep; the type checks all other values."""
    return tuple(value) if isinstance(value, list) else value


def _as_pair(value: Any) -> Any:
    """Convert a YAML list to a tuple, or say how one number is written as two; the type checks the entries."""
    if isinstance(value, list):
        return tuple(value)
    repair = f"write [{value}, {value}]" if str(value).isdecimal() else "write for example [32, 32]"
    raise wrong("must be a list of two numbers", repair)


def _unique(values: tuple[T, ...]) -> tuple[T, ...]:
    """The values, which must all differ."""
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise wrong(f"must not name anything twice; here: {', '.join(twice)}", "remove the repetition")
    return values


def _choice(value: Any) -> Any:
    """`all` as the empty tuple, one value as a tuple of one, a list as a tuple."""
    if value == ALL:
        return ()
    if value == []:
        raise wrong("must name at least one value, or all", "write all, a value or a list of values")
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)


class _ChoiceSchema:
    """JSON schema of a choice: all, one value or a list of values."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        listed = handler(core) | {"minItems": 1, "uniqueItems": True}
        return {"anyOf": [{"const": ALL}, listed["items"], listed]}


Name = Annotated[str, StringConstraints(pattern=NAME)]
"""A name chosen by the user; it becomes part of paths and table columns."""

Text = Annotated[str, StringConstraints(min_length=1)]
ClassName = Annotated[Text, AfterValidator(partial(unicodedata.normalize, "NFC"))]
"""A name of a class in composed form (NFC), in which names are compared."""

Function = Annotated[str, StringConstraints(pattern=FUNCTION)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Percent = Annotated[int, Field(ge=1, le=100)]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Options = dict[str, JsonValue]
"""Keyword arguments of a user function or an architecture."""

LIST = BeforeValidator(_as_tuple)
PAIR = BeforeValidator(_as_pair)
UNIQUE = (LIST, AfterValidator(_unique), Field(json_schema_extra={"uniqueItems": True}))
Unique = Annotated[tuple[T, ...], *UNIQUE]
Choice = Annotated[
    tuple[T, ...],
    BeforeValidator(_choice),
    AfterValidator(_unique),
    PlainSerializer(lambda values: list(values) or ALL),
    _ChoiceSchema(),
]
"""Values of a study: one value, a list of values, or `all`, which is stored as the empty tuple."""
