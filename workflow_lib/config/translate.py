"""Translate pydantic's validation errors into plain words, at key paths as the user wrote them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from workflow_lib.config.datasets_text import ENCODER, LIBRARIES, TFIDF
from workflow_lib.config.fields import ALL, NAME, WRONG
from workflow_lib.config.kstar import Study
from workflow_lib.config.locate import Place, locate
from workflow_lib.config.models import ARCHITECTURE
from workflow_lib.errors import Problem, listed, nearest, write_nearest, yaml_text
from workflow_lib.models.architectures import ARCHITECTURES, TIMM, TORCHVISION

Words = tuple[str, str]
"""What is allowed, and what to do."""


def translate(error: ValidationError, raw: Any) -> list[Problem]:
    """All problems found when `raw` was validated as a Config."""
    errors = error.errors(include_url=False)
    parents = {details["loc"][:-1] for details in errors}
    # Pydantic does not count malformed entries, so it also reports a list that has some as too short.
    real = [error for error in errors if error["type"] != "too_short" or error["loc"] not in parents]
    return [_problem(details, raw) for details in real]


def _problem(error: ErrorDetails, raw: Any) -> Problem:
    """One error in plain words."""
    place = locate(error["loc"], raw)
    kind, value = error["type"], error["input"]
    if kind.startswith("union_tag"):
        return _unknown_choice(error, place)
    if kind == "missing":
        meaning = " ".join(str(place.section.model_fields[place.key].description).split())  # on one line
        return Problem(place.path, "", f"is required: {meaning}".rstrip("."), f"add the key {place.key}")
    allowed, repair = _WORDS.get(kind, _otherwise)(error, place)
    return Problem(place.path, yaml_text(value), allowed.rstrip("."), repair)


def _unknown_choice(error: ErrorDetails, place: Place) -> Problem:
    """The discriminating key is missing or has an unknown value."""
    key = str(error["ctx"]["discriminator"]).strip("'")
    allowed = f"must be one of {listed(place.choices)}"
    if error["type"] == "union_tag_not_found":
        return Problem(f"{place.path}.{key}", "", f"is required and {allowed}", f"add the key {key}")
    value = error["input"][key]
    return Problem(f"{place.path}.{key}", yaml_text(value), allowed, write_nearest(value, place.choices))


def _unknown_key(error: ErrorDetails, place: Place) -> Words:
    """An unknown key."""
    known = list(place.section.model_fields)
    suggestion = nearest(place.key, known)
    repair = f"write {suggestion} instead" if suggestion else "remove it, or use one of the known keys"
    return f"is not a known key here; known keys are: {listed(known)}", repair


def _literal(error: ErrorDetails, place: Place) -> Words:
    """A word that is not allowed."""
    allowed = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    if place.section is Study and place.key != "maps":
        allowed.append(ALL)
    return f"must be one of {listed(allowed)}", write_nearest(error["input"], allowed)


def _too_short(error: ErrorDetails, place: Place) -> Words:
    """A list or mapping with too few entries."""
    least, found = error["ctx"]["min_length"], error["ctx"]["actual_length"]
    entries = "one entry" if least == 1 else f"{least} entries"
    return f"must have at least {entries}, and has {found or 'none'}", f"add to {place.key}"


def _list(error: ErrorDetails, place: Place) -> Words:
    """Something that is not a list."""
    single = isinstance(error["input"], (str, int, float))
    return "must be a list", f"write [{error['input']}]" if single else "write a list in square brackets"


def _text(error: ErrorDetails, place: Place) -> Words:
    """Something that YAML did not read as text."""
    value = error["input"]
    if isinstance(value, bool):
        return (
            "must be text, but YAML reads no, off, yes and on without quotes as true or false",
            'put quotes around it, as in "no"',
        )
    if value is None or isinstance(value, (list, Mapping)):
        return "must be text", "write one text"
    return "must be text", f'put quotes around it: "{value}"'


def _number(error: ErrorDetails, place: Place) -> Words:
    """Something that YAML did not read as a number of the right kind."""
    value = error["input"]
    whole = error["type"].startswith("int")
    allowed = "must be a whole number" if whole else "must be a number"
    if place.section is Study and isinstance(value, str):
        return f"{allowed}, a list of them, or all", "write numbers without quotes, or all"
    if isinstance(value, float) and value.is_integer():
        return allowed, f"write {value:.0f}"
    try:
        number = float(value) if isinstance(value, str) else float("nan")
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e15 or (whole and not number.is_integer()):
        return allowed, "write a whole number" if whole else "write a number"
    plain = f"{number:.0f}" if number.is_integer() else f"{number:.15f}".rstrip("0")
    if "e" not in value.lower():
        return f"{allowed}, not text in quotes", f"write {plain} without quotes"
    mantissa, exponent = re.split("[eE]", value)
    dotted = "" if whole else f" or {float(mantissa)}e{int(exponent):+d}"
    return f"{allowed}, but YAML reads {value} as text", f"write {plain}{dotted}"


def _pattern(error: ErrorDetails, place: Place) -> Words:
    """A malformed text."""
    value = str(error["input"])
    if error["ctx"]["pattern"] == NAME:
        name = re.sub(r"\W", "_", value.lower(), flags=re.ASCII).lstrip("_0123456789")[:64]
        allowed = "must be a name of lower-case letters, digits and _, begin with a letter, at most 64 long"
        return allowed, f"write for example {name or 'a_name'}"
    if error["ctx"]["pattern"] == ENCODER:
        allowed = f"must be {TFIDF} or {' or '.join(f'{library}/FOLDER' for library in LIBRARIES)}"
        return allowed, "write for example sentence-transformers/models/minilm"
    if error["ctx"]["pattern"] == ARCHITECTURE:
        allowed = f"must be {listed(ARCHITECTURES)}, {TORCHVISION}NAME, {TIMM}NAME, or module:function"
        return allowed, write_nearest(value, (*ARCHITECTURES, f"{TORCHVISION}{value.split('/')[-1]}"))
    return "must name a function as module:name", "write for example my_module:load"


def _fixed(allowed: str, repair: str) -> Callable[[ErrorDetails, Place], Words]:
    """A message with the numbers of the error, such as {gt}, filled in."""
    return lambda error, place: (
        allowed.format(**error.get("ctx", {})),
        repair.format(key=place.key, **error.get("ctx", {})),
    )


def _otherwise(error: ErrorDetails, place: Place) -> Words:
    """Fallback for kinds of error that no section should raise."""
    return f"is not valid: {error['msg']}", "see docs/config.md"


_mapping = _fixed("must be a mapping of keys to values", "indent its keys below it, or remove {key}")
_WORDS: dict[str, Callable[[ErrorDetails, Place], Words]] = {
    WRONG: lambda error, place: (error["ctx"]["allowed"], error["ctx"]["repair"]),
    "extra_forbidden": _unknown_key,
    "literal_error": _literal,
    "string_type": _text,
    "string_pattern_mismatch": _pattern,
    "int_type": _number,
    "float_type": _number,
    "finite_number": _fixed("must be a finite number", "write a finite number"),
    "bool_type": _fixed("must be true or false", "write true or false, without quotes"),
    "dict_type": _mapping,
    "model_type": _mapping,
    "model_attributes_type": _mapping,
    "tuple_type": _list,
    "greater_than": _fixed("must be greater than {gt:g}", "write a number greater than {gt:g}"),
    "greater_than_equal": _fixed("must be at least {ge}", "write {ge} or more"),
    "less_than": _fixed("must be less than {lt:g}", "write a number less than {lt:g}"),
    "less_than_equal": _fixed("must be at most {le}", "write {le} or less"),
    "too_short": _too_short,
    "too_long": _fixed("must have at most {max_length} entries, and has {actual_length}", "shorten {key}"),
    "string_too_short": _fixed("must not be empty", "write a text, or remove the key"),
    "recursion_loop": _fixed("must not contain itself", "remove the alias that refers to it"),
    "invalid-json-value": _fixed(
        "must be made of text, numbers, true, false, null, lists and mappings", "put quotes around it"
    ),
}
