"""Numbers, intervals, lists and lines of the docs as the page writes them."""

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

SPACE = "\N{NO-BREAK SPACE}"
SHOWN = 5
"""Most names in a sentence."""
WEB = re.compile(r"\[([^\]]+)\]\((https?://[^)\s]+)\)")
PAGE = re.compile(r"\[([^\]]+)\]\([^)\s]+\)")
"""Links of Markdown, to the web and to other pages of the docs."""


def number(value: float, digits: int = 3) -> str:
    """A number with so many significant digits and a true minus sign; "–" for NaN."""
    if value != value:
        return "–"
    if float(value).is_integer() and abs(value) < 1e6:
        return f"{value:,.0f}".replace("-", "−")
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return f"{value:z,.{min(max(0, digits - 1 - exponent), 6)}f}".replace("-", "−")


def percent(share: float) -> str:
    """A share from 0 to 1 in per cent, with one decimal; below 1 % with two significant digits."""
    value = 100 * share
    return f"{number(value, 2) if 0 < value < 1 else f'{value:.1f}'}{SPACE}%"


def between(low: float, high: float) -> str:
    """A 95 % interval."""
    return f"95{SPACE}% interval {number(low)} to {number(high)}"


def p_value(p: float, name: str = "p") -> str:
    """A p value, such as "p < 0.001"."""
    return f"{name}{SPACE}<{SPACE}0.001" if p < 0.001 else f"{name}{SPACE}={SPACE}{number(p, 2)}"


def equals(name: str, value: float) -> str:
    """A value with its name, on one line."""
    return f"{name}{SPACE}={SPACE}{number(value)}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number of things, such as "1 class" and "1,797 images"."""
    return f"{count:,}{SPACE}{noun if count == 1 else plural or noun + 's'}"


def verb(count: int, one: str, several: str) -> str:
    """The verb of so many things, such as "is" and "are"."""
    return one if count == 1 else several


def listed(names: Iterable[object], most: int = SHOWN) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c", "a, b, c and 7 more"."""
    texts = list(map(str, names))
    if len(texts) > most:
        texts = [*texts[:most], f"{len(texts) - most:,} more"]
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def marked_up(line: str) -> Markup:
    """HTML of a line of Markdown with code, italics and links; those to other pages of the docs become plain text."""
    safe = str(escape(line.replace("\\*", "∗")))
    linked = PAGE.sub(r"\1", WEB.sub(r'<a href="\2">\1</a>', re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)))
    return Markup(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", linked).replace("∗", "*"))
