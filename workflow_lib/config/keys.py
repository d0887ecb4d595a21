"""Find all keys that YAML did not read as text, such as `no` (false) or `7`."""

from collections.abc import Mapping
from typing import Any

from workflow_lib.errors import Problem, yaml_text


def with_text_keys(value: Any, found: list[Problem], path: str = "", inside: tuple[int, ...] = ()) -> Any:
    """The value without entries whose keys are not text; each of these adds a problem to `found`.

    Args:
        value: a config or a part of it; not modified.
        found: list that the problems are added to.
        path: key path of the value.
        inside: ids of the mappings and lists around the value; a value that contains itself is kept unchanged.
    """
    if id(value) in inside:
        return value
    inside = (*inside, id(value))
    if isinstance(value, list):
        return [with_text_keys(item, found, f"{path}[{place}]", inside) for place, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    found.extend(_no_text(path, key) for key in value if not isinstance(key, str))
    return {
        key: with_text_keys(inner, found, f"{path}.{key}".removeprefix("."), inside)
        for key, inner in value.items()
        if isinstance(key, str)
    }


def _no_text(path: str, key: Any) -> Problem:
    """A key that is not text."""
    where = f"{path}.{yaml_text(key)}".removeprefix(".")
    if isinstance(key, bool):
        allowed = "a key must be text, but YAML reads no, off, yes and on without quotes as true or false"
        return Problem(where, yaml_text(key), allowed, 'put quotes around it, as in "no"')
    return Problem(where, yaml_text(key), "a key must be text", f'put quotes around it: "{key}"')
