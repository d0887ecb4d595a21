"""Separate the targets in the words of `latent-atlas run` from Snakemake's options.

Snakemake reads `figures` in `--set-threads compute_kstar=4 figures` as another value of the option. Here Snakemake's
parser is asked which options take values and of what kind, so targets may come anywhere.
"""

import re
from argparse import Action
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

NUMBER = re.compile(r"-\d+|-\d*\.\d+")


class Words(NamedTuple):
    """Words by meaning.

    Attributes:
        options: options with their values, as written, without the values of `--config`.
        changes: values of `--config`, KEY=VALUE.
        targets: rules and files.
        given: destinations of the options in Snakemake's parser, such as "snakefile".
    """

    options: list[str]
    changes: list[str]
    targets: list[str]
    given: set[str]


def sort_words(words: Sequence[str]) -> Words:
    """Sort words into targets, options and their values.

    An option with one value takes the next word, whatever it is. An option with several values takes words until the
    next option, a word that is not one of its choices, or a word without `=` after values KEY=VALUE.
    """
    known = _known_options() if any(map(_is_option, words)) else {}
    waiting = deque(words)
    found = Words([], [], [], set())
    while waiting:
        word = waiting.popleft()
        if not _is_option(word):
            found.targets.append(word)
            continue
        action, attached = _option(word, known)
        values = _values(action, waiting) if action and attached is None else []
        if action and action.dest == "config":
            found.changes.extend(values if attached is None else [attached])
            found.options.extend(flag for flag in [_flags_before(word)] if flag)
        else:
            found.options.extend([word, *values])
        if action:
            found.given.add(action.dest)
    return found


def _known_options() -> dict[str, Action]:
    # The import takes a second, so it is done only if there are options.
    from snakemake.cli import get_argument_parser

    return {name: action for action in get_argument_parser()._actions for name in action.option_strings}


def _is_option(word: str) -> bool:
    """Whether a word is an option, by Snakemake's rules."""
    return word.startswith("-") and len(word) > 1 and " " not in word and not NUMBER.fullmatch(word)


def _option(word: str, known: dict[str, Action]) -> tuple[Action | None, str | None]:
    """The option named by a word (None if unknown), and its value if the word contains it.

    Long names may be abbreviated. Of several letters after one dash, only the last can take a value.
    """
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        meant = [full for full in known if full.startswith(name)]
        action = known.get(name if name in known or len(meant) != 1 else meant[0])
        return action, value if equals else None
    action = None
    for end, letter in enumerate(word[1:], start=2):
        action = known.get(f"-{letter}")
        if action is None or action.nargs != 0:
            return action, word[end:].removeprefix("=") or None
    return action, None


def _flags_before(word: str) -> str:
    """The other flags in a word, such as `-n` in `-nC` (`-C` is `--config`); "" if there are none."""
    flags = "" if word.startswith("--") else word.partition("C")[0]
    return flags if len(flags) > 1 else ""


def _values(action: Action, waiting: deque[str]) -> list[str]:
    """Remove the values of an option from the following words and return them."""
    values: list[str] = []
    counts: dict[int | str | None, int] = {0: 0, None: 1, "?": 1}
    most = counts.get(action.nargs, len(waiting))
    while waiting and len(values) < most and _belongs(waiting[0], action, values):
        values.append(waiting.popleft())
    return values


def _belongs(word: str, action: Action, former: Sequence[str]) -> bool:
    if action.nargs is None:
        return True
    if _is_option(word):
        return False
    if action.nargs == "+" and not former:
        return True
    if action.choices:
        return word in map(str, action.choices)
    return "=" in word or not any("=" in value for value in former)
