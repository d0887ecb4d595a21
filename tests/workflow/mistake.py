"""One mistake of a user as data, and ways to make a wrong config out of a shipped one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

Config = dict[str, Any]
GONE = object()
"""Value of a key that is taken out."""


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        name: the mistake in words.
        said: pieces of the message, in their order; the first says where.
        text: makes the wrong config.yaml out of the text of the base; None means no such file.
        base: shipped config that is changed: default (config.yaml), or the name of a file in configs/.
        files: further files by path, put into the project; None makes a folder.
        arguments: of Snakemake.
        when: parse: told by us before anything is planned; run: told by us in the log of the first job that can know;
            target: Snakemake's own message that no rule makes this; snakemake: its own message about its command line.
    """

    name: str
    said: tuple[str, ...]
    text: Callable[[str], str | bytes | None] = str
    base: str = "miniature"
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    arguments: tuple[str, ...] = ("--dry-run",)
    when: Literal["parse", "run", "target", "snakemake"] = "parse"


def setting(path: str, value: Any) -> Callable[[str], str]:
    """The config with another value at keys joined by slashes, or without that key."""

    def change(text: str) -> str:
        config = yaml.safe_load(text)
        *parents, last = path.split("/")
        holder = config
        for key in parents:
            holder = holder.setdefault(key, {})
        if value is GONE:
            del holder[last]
        else:
            holder[last] = value
        return yaml.safe_dump(config, sort_keys=False)

    return change


def replacing(old: str, new: str) -> Callable[[str], str]:
    """The config with another text in it, which must be there."""

    def change(text: str) -> str:
        assert old in text, f"{old!r} is not in the config"
        return text.replace(old, new, 1)

    return change


def always(content: bytes | None) -> Callable[[str], bytes | None]:
    """Another file altogether, or none."""
    return lambda text: content


def both(*changes: Callable[[str], str]) -> Callable[[str], str]:
    """One change after the other."""

    def change(text: str) -> str:
        for one in changes:
            text = one(text)
        return text

    return change
