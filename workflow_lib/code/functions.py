"""Fingerprint of a user's `module:function`: all code of the user's own that it can run, and the libraries it uses.

Own is what Python finds outside the standard library and installed distributions: in the working directory, on
PYTHONPATH, in an editable installation. Its imports are followed, as those of this package are. Installed distributions
are compared by version.
"""

import functools
import hashlib
import json
import pkgutil
from importlib.util import decode_source
from pathlib import Path
from typing import NamedTuple

from workflow_lib.cache.digests import code_memory
from workflow_lib.code import libraries, sources
from workflow_lib.code.owners import owners
from workflow_lib.code.search import Place, Search, is_standard
from workflow_lib.errors import Problem, UserError

ARCHIVE = "archive"
"""Attribute of the loaders of zip archives: path of the archive."""


class Code(NamedTuple):
    """Code that a function can run, apart from the standard library.

    Attributes:
        files: file of each own module, by name.
        digests: SHA-256 of each own module.
        versions: of installed distributions.
        problems: sources that Python cannot read.
    """

    files: dict[str, Path]
    digests: dict[str, str]
    versions: dict[str, str]
    problems: list[Problem]

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of the modules and versions."""
        content = json.dumps([self.digests, self.versions], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def function_source(reference: str) -> str:
    """12 hexadecimal digits that change when code that a user's function can run changes; looked up at each call.

    Args:
        reference: "module:function".

    Raises:
        UserError: sources that Python cannot read.
    """
    code = function_code(reference, code_memory())
    if code.problems:
        raise UserError(*code.problems)
    return code.fingerprint


def function_code(reference: str, memory: Path | None = None) -> Code:
    """Code that a user's function can run, looked up at each call; nothing of it is run.

    Args:
        reference: "module:function".
        memory: folder in which the analysis of source files is cached.
    """
    search, installers = Search(), functools.cache(functools.partial(owners, memory=memory))
    code = Code({}, {}, {}, [])
    distributions: set[str] = set()
    seen: set[str] = set()
    waiting = [reference.partition(":")[0]]
    while waiting:
        module = waiting.pop()
        if not module or module in seen:
            continue
        seen.add(module)
        waiting.append(module.rpartition(".")[0])
        place = search.find(module)
        if place is None or (place.root and is_standard(place.root)):
            continue
        installed = installers(place.root).get(module.partition(".")[0], ()) if place.root else ()
        distributions.update(installed)
        if not installed:
            waiting += _followed(module, place, code, memory)
    code.versions.update(libraries.versions(distributions))
    return code


def _followed(module: str, place: Place, code: Code, memory: Path | None) -> list[str]:
    """Add an own module to `code`, and name the modules that it imports."""
    if place.file is None:
        return []
    archive = getattr(place.loader, ARCHIVE, None)
    file = code.files[module] = Path(archive) if archive else place.file
    try:
        content = file.read_bytes()
        code.digests[module] = hashlib.sha256(content).hexdigest()
        if place.file.suffix != ".py":
            return []  # what an extension module imports is looked at when it is loaded
        source = place.loader.get_data(str(place.file)) if archive else content
        decode_source(source)  # the parser overlooks bytes of another encoding in comments
        found = sources.analyse(source, module, bool(place.folders), memory)
    except (SyntaxError, ValueError, OSError) as error:
        code.problems.append(_unreadable(place.file, error))
        return []
    if not archive:
        code.digests[module] = found.digest
    loaded = []
    if "__getattr__" in found.defined:  # a package can load any of its modules when a name is asked for
        loaded += [f"{module}.{name}" for _, name, _ in pkgutil.iter_modules(place.folders)]
    for base, names in found.imports.items():
        if base:  # otherwise a relative import that leads out of all packages, and fails
            loaded += [base, *(f"{base}.{name}" for name in names)]
    return loaded


def _unreadable(file: Path, error: Exception) -> Problem:
    """A source that is no Python, or that may not be read."""
    if isinstance(error, SyntaxError):
        place = f"{shown(file)}:{error.lineno}" if error.lineno else shown(file)
        return Problem(place, "", f"is not valid Python: {error.msg}", "correct this line")
    return Problem(shown(file), "", f"cannot be read: {error}", "save it as UTF-8 text that you may read")


def shown(file: Path) -> str:
    """Path of a source as a user would write it: relative if it is inside the working directory."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)
