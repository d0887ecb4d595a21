"""Errors for user mistakes: what is wrong, what is allowed, and how to fix it; all problems are reported together.

The words for values and names in messages are here, too.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

SHOWN = 80
"""Longest value that a message shows whole, in characters."""


class Problem(NamedTuple):
    """One problem that a user can fix.

    Attributes:
        where: config key ("models.cnn.training.lr") or file path.
        value: the value found, as text; "" if there is none to show.
        allowed: what is wrong or what is allowed, one sentence without a full stop.
        repair: what to do, one imperative sentence without a full stop.
    """

    where: str
    value: str
    allowed: str
    repair: str

    def __str__(self) -> str:
        found = f": {self.value}" if self.value else ""
        return f"{self.where}{found}\n    {self.allowed}\n    -> {self.repair}"

    def inside(self, section: str) -> "Problem":
        """The same problem, at its key inside a section of the config."""
        return self._replace(where=f"{section}.{self.where}")


class UserError(ValueError):
    """One or more problems in the user's settings or data; shown without a traceback."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        count = len(self.problems)
        heading = "1 problem" if count == 1 else f"{count} problems"
        return "\n".join([f"{heading}:", *map(str, self.problems)])


def yaml_text(value: Any) -> str:
    """A value as it would stand in YAML, shortened to one line."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def listed(names: Iterable[object], most: int | None = None) -> str:
    """Names in one line, at most `most` of them and how many more there are; "none" when there are none."""
    texts = [str(name) for name in names]
    more = f", ... ({len(texts) - most} more)" if most and len(texts) > most else ""
    return (", ".join(texts[:most]) or "none") + more


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, or None when nothing is like it.

    A mistyped number keeps its length: "block10" is not like "block1". Names without letters, such as "10", are like
    nothing.
    """
    import difflib  # few runs have a mistake in them

    typed = str(name).lower()
    if not any(map(str.isalpha, typed)):
        return None
    numbers = _lengths_of_numbers(typed)
    by_lower_case = {word.lower(): word for word in known if not numbers or numbers == _lengths_of_numbers(word)}
    matches = difflib.get_close_matches(typed, by_lower_case, n=1, cutoff=0.6 if len(typed) > 3 else 0.75)
    return by_lower_case[matches[0]] if matches else None


def _lengths_of_numbers(name: str) -> list[int]:
    return [len(number) for number in re.findall(r"\d+", name)]


def write_nearest(name: object, known: Iterable[str], otherwise: str = "choose one of these") -> str:
    """The repair of a wrong name: "write X" with the known name most like it, or `otherwise`."""
    suggestion = nearest(name, known)
    return f"write {suggestion}" if suggestion else otherwise


def unknown(where: str, name: object, what: str, known: Iterable[object]) -> Problem:
    """Problem of a name that refers to nothing: `what` is the noun, `known` what there is."""
    names = [str(candidate) for candidate in known]
    repair = write_nearest(name, names, "choose one of these, or add it there")
    return Problem(where, yaml_text(name), f"is not a {what}; there are: {listed(names)}", repair)
