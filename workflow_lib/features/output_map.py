"""The file that says which outputs of a network belong to which class of a dataset.

The config reads it too, so nothing heavy is imported here.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workflow_lib.errors import Problem, UserError, listed

WHERE = "predictions.map"
"""Key of the file within a model."""
SHOWN = 10
"""Largest number of outputs or classes named in one message."""


def read_outputs(path: str, classes: Sequence[str] | None = None, count: int | None = None) -> list[str | None]:
    """The class of each output of a network, None for an output of no class.

    The JSON file holds {class: [numbers of its outputs, from 0]}, or a list with the class (or null) of each output.
    Names are compared in composed form (NFC). A class of the file need not be among `classes`.

    Args:
        path: the file.
        classes: classes of the dataset, each of which needs an output; None if they are not known yet.
        count: number of outputs of the network; None if it is not known yet.

    Raises:
        UserError: all that is wrong with the file, at the key `predictions.map`.
    """
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(Problem(WHERE, path, f"cannot be read as JSON: {error}", "correct the file")) from error
    members = _members(content)
    if members is None:
        allowed = 'must hold {"class": [numbers of its outputs, from 0]}, or a list with the class of each output'
        raise UserError(Problem(WHERE, path, allowed, 'write for example {"cat": [281, 282], "clock": [409]}'))
    if found := list(_problems(path, members, classes, count, len(content) if isinstance(content, list) else None)):
        raise UserError(*found)
    class_of = {output: name for name, outputs in members.items() for output in outputs}
    return [class_of.get(output) for output in range(count or max(class_of) + 1)]


def _members(content: Any) -> dict[str, list[int]] | None:
    """Outputs by the name of their class; None if the content has neither of the two forms."""
    members: dict[str, list[int]] = {}
    if isinstance(content, list) and any(content):
        if not all(name is None or (isinstance(name, str) and name) for name in content):
            return None
        pairs = [(name, [output]) for output, name in enumerate(content) if name]
    elif isinstance(content, dict) and content:
        if not all(name and isinstance(outputs, list) and outputs for name, outputs in content.items()):
            return None
        if not all(type(output) is int and output >= 0 for outputs in content.values() for output in outputs):
            return None
        pairs = list(content.items())
    else:
        return None
    for name, outputs in pairs:
        members.setdefault(unicodedata.normalize("NFC", name), []).extend(outputs)
    return members


def _problems(
    path: str,
    members: dict[str, list[int]],
    classes: Sequence[str] | None,
    count: int | None,
    length: int | None,
) -> Iterator[Problem]:
    """Outputs that are named twice or do not exist, and classes without an output; `length` is that of a list."""
    named = Counter(output for outputs in members.values() for output in outputs)
    if twice := sorted(output for output, times in named.items() if times > 1):
        found = f"{path}: {listed(twice, SHOWN)}"
        yield Problem(WHERE, found, "an output belongs to one class at most", "name each of these outputs once")
    if count is not None and length not in (None, count):
        found = f"{path}: {length} entries"
        allowed = f"a list has an entry for each of the {count} outputs of the network"
        yield Problem(WHERE, found, allowed, "write null for an output of no class")
    elif count is not None and (beyond := sorted(output for output in named if output >= count)):
        found = f"{path}: {listed(beyond, SHOWN)}"
        allowed = f"the network has {count} outputs, numbered from 0 to {count - 1}"
        yield Problem(WHERE, found, allowed, "correct these numbers")
    for name in classes or ():
        if name not in members:
            allowed = f"this class of the dataset has no output; the file has: {listed(members, SHOWN)}"
            repair = f"name its outputs under {name}, or leave the class out of the dataset"
            yield Problem(WHERE, f"{path}: {name}", allowed, repair)
