"""Place of a pydantic error: the key path as the user wrote it, and the section of the key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from workflow_lib.config.config import Config


@dataclass(frozen=True)
class Place:
    """Place of an error.

    Attributes:
        path: keys and list positions as in the config: "models.cnn.seeds[1]".
        key: the last key.
        section: model of the section that contains the last key.
        choices: if the place takes one of several sections, these by the value of their discriminating key; else empty.
    """

    path: str
    key: str
    section: type[BaseModel]
    choices: Mapping[str, type[BaseModel]]


def locate(loc: Sequence[int | str], raw: Any) -> Place:
    """Follow `loc` through the types and through `raw`.

    A location also names members of unions, and keys that the user left out in a short form. The path leaves both out.
    """
    kind: Any = Config
    section: type[BaseModel] = Config
    path = key = ""
    for step in loc:
        if step == "[key]":
            break
        choices = _choices(kind)
        if step in choices:
            kind = choices[str(step)]
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            section = kind
            field = kind.model_fields.get(str(step))
            kind = _plain(field.annotation) if field else None
        else:
            inner = [part for part in get_args(kind) if part is not Ellipsis]
            kind = _plain(inner[-1]) if inner else None
        if isinstance(raw, list) and isinstance(step, int):
            path, raw = f"{path}[{step}]", raw[step]
        elif isinstance(raw, Mapping) and (step in raw or step == loc[-1]):
            key = str(step)
            path, raw = f"{path}.{key}", raw.get(step)
    return Place(path.removeprefix("."), key, section, _choices(kind))


def _plain(annotation: Any) -> Any:
    """The type without its annotations and without None."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    parts = [part for part in get_args(annotation) if part is not type(None)]
    is_optional = get_origin(annotation) in (Union, UnionType) and len(parts) == 1
    return _plain(parts[0]) if is_optional else annotation


def _choices(kind: Any) -> dict[str, type[BaseModel]]:
    """Sections in a union, by each value of their discriminating key, or by their name if they have none."""
    if get_origin(kind) not in (Union, UnionType):
        return {}
    parts = map(_plain, get_args(kind))
    members = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
    return {value: member for member in members for value in _tags(member)}


def _tags(member: type[BaseModel]) -> tuple[str, ...]:
    """Values of the key source or kind that select a member of a union, or its name if it has no such key."""
    for key in ("source", "kind"):
        if key in member.model_fields:
            return get_args(member.model_fields[key].annotation)
    return (member.__name__,)
