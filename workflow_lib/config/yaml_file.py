"""Read YAML as plain values. Repeated keys and syntax errors are reported with their line."""

import unicodedata
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from workflow_lib.errors import Problem, UserError


class _Loader(yaml.SafeLoader):
    """Safe loader that records repeated keys; YAML would silently keep the last one."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.repeated: list[tuple[str, int, int]] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Mapping of a node, as in the base class."""
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                name = unicodedata.normalize("NFC", key.value)  # as names of classes are compared
                if name in first:
                    self.repeated.append((name, line, first[name]))
                first.setdefault(name, line)
        return super().construct_mapping(node, deep)


def read_mapping(path: Path) -> dict[str, Any]:
    """Content of a YAML file that must be a mapping.

    Raises:
        UserError: the file is missing, not UTF-8, not YAML, empty, not a mapping, or gives a key twice.
    """
    content = read_value(_text(path), str(path))
    if not isinstance(content, dict) or not content:
        found = "the file has no content" if not content else "the file is not a mapping of keys to values"
        raise UserError(Problem(str(path), "", found, "write the sections of docs/config.md, such as datasets:"))
    return content


def read_value(text: str, where: str) -> Any:
    """The value of a YAML text.

    Args:
        text: the whole YAML text.
        where: origin of the text, such as a file name, for error messages.

    Raises:
        UserError: the text is not YAML, or gives a key twice.
    """
    loader = _Loader(_printable(text, where))
    try:
        node = loader.get_single_node()
        if circle := _circle(node, (), set()):
            repair = "remove the alias (*name) that refers to it"
            line = circle.start_mark.line + 1
            raise UserError(Problem(f"{where}:{line}", "", "a value must not contain itself", repair))
        content = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise UserError(_broken(where, error)) from None
    except RecursionError:
        raise UserError(Problem(where, "", "the values are nested too deeply", "nest fewer lists")) from None
    finally:
        loader.dispose()
    if loader.repeated:
        raise UserError(*(_repeated(where, *found) for found in loader.repeated))
    return content


def _circle(node: yaml.Node | None, above: tuple[yaml.Node, ...], done: set[int]) -> yaml.Node | None:
    """A value that contains itself, or None; `done` are the ids of values that are known not to lead to one."""
    if any(node is other for other in above):
        return node
    if node is None or id(node) in done or isinstance(node, yaml.ScalarNode):
        return None
    children = node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
    found = next(filter(None, (_circle(child, (*above, node), done) for child in children)), None)
    done.add(id(node))
    return found


def _text(path: Path) -> str:
    """The file as text."""
    if path.exists() and not path.is_file() and not path.is_dir():
        allowed = "the config cannot be read: it is a pipe, a socket or a device"
        raise UserError(Problem(str(path), "", allowed, "name a regular YAML file"))
    try:
        data = path.read_bytes()
    except OSError as error:
        allowed = f"the config cannot be read: {(error.strerror or str(error)).lower()}"
        raise UserError(Problem(str(path), "", allowed, "name a YAML file that is there")) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            Problem(
                f"{path}:{line}",
                f"byte 0x{data[error.start]:02x}",
                "the file is not UTF-8 text",
                "save the file with the encoding UTF-8",
            )
        ) from None


def _printable(text: str, where: str) -> str:
    """The text, after a check that YAML allows all its characters."""
    odd = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if odd:
        line = text.count("\n", 0, odd.start()) + 1
        raise UserError(
            Problem(
                f"{where}:{line}",
                f"character U+{ord(odd.group()):04X}",
                "YAML does not allow this control character",
                "remove the character, or save the file as plain UTF-8 text",
            )
        )
    return text


def _broken(where: str, error: yaml.MarkedYAMLError) -> Problem:
    """Text that is not YAML."""
    mark = error.problem_mark or error.context_mark
    line = f":{mark.line + 1}" if mark else ""
    tab = "'\\t'" in (error.problem or "")
    what = "a tab cannot indent" if tab else ", ".join(filter(None, (error.context, error.problem)))
    repair = "indent with spaces" if tab else "correct this line, or the one before it"
    return Problem(f"{where}{line}", "", f"this is not valid YAML: {what}", repair)


def _repeated(where: str, key: str, line: int, first: int) -> Problem:
    """A key given twice in one mapping."""
    allowed = f"the key is given for the second time, first in line {first}"
    return Problem(f"{where}:{line}", key, allowed, "remove or rename one of the two")
