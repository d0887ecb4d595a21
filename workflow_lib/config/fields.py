"""What every section of the config is built from: the base class and the kinds of value that recur."""

from collections.abc import Sequence
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
"""Type of the validation errors that bring their own words; see `wrong`."""

T = TypeVar("T")


class Section(BaseModel):
    """A part of the config: unknown keys are errors, nothing is converted silently, nothing changes later."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def example(**keys: Any) -> ConfigDict:
    """Model settings of a section with an example of it, for JSON schema and docs/config.md."""
    return ConfigDict(json_schema_extra={"examples": [keys]})


def wrong(allowed: str, repair: str) -> PydanticCustomError:
    """Error to raise in a validator: what is allowed, and what to do (as in `errors.Problem`)."""
    return PydanticCustomError(WRONG, "{allowed}", {"allowed": allowed, "repair": repair})


def _as_tuple(value: Any) -> Any:
    """Lists of YAML as the tuples that a frozen section keeps; anything else is left for the type to refuse."""
    return tuple(value) if isinstance(value, list) else value


def _unique(values: tuple[T, ...]) -> tuple[T, ...]:
    """The values, if no two are the same."""
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
"""A name that the user gives; it becomes part of paths and of table columns."""

Text = Annotated[str, StringConstraints(min_length=1)]
Function = Annotated[str, StringConstraints(pattern=FUNCTION)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Percent = Annotated[int, Field(ge=1, le=100)]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Options = dict[str, JsonValue]
"""Keyword arguments for a function of the user's own, or of an architecture."""

LIST = BeforeValidator(_as_tuple)
UNIQUE = (LIST, AfterValidator(_unique), Field(json_schema_extra={"uniqueItems": True}))
Unique = Annotated[tuple[T, ...], *UNIQUE]
Choice = Annotated[
    tuple[T, ...],
    BeforeValidator(_choice),
    AfterValidator(_unique),
    PlainSerializer(lambda values: list(values) or ALL),
    _ChoiceSchema(),
]
"""What a study holds or varies: one value, a list of values, or `all`, which is kept as the empty tuple."""
