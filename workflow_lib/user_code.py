"""Call the user's own functions, named `module:function` in the config."""

import functools
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from workflow_lib.bytecode import compare_content
from workflow_lib.cache.digests import code_memory
from workflow_lib.code.functions import Code, function_code, shown
from workflow_lib.code.loading import watched
from workflow_lib.code.search import is_shared
from workflow_lib.errors import Problem, UserError, listed

UNNOTICED = (
    "an edit of data is noticed only if the config names them (`reads`, `weights`), or if `options` change with it"
)


def call(reference: str, arguments: Mapping[str, Any], where: str, reads: Collection[str] = ()) -> Any:
    """Import `module` and return the result of `function(**arguments)`.

    The module is searched in the current directory first, then on Python's module path.

    Args:
        reference: "module:function".
        arguments: keyword arguments.
        where: config key that names the function, for error messages.
        reads: files and folders whose edits are noticed; others that the function reads are listed in the log.

    Raises:
        UserError: the module or function does not exist, raised an exception, loaded code that reading the source does
            not show, or tried to exit the program.
    """
    try:
        with watched(
            _code(reference).files.values(), lambda file: UserError(_not_followed(reference, where, file))
        ) as read:
            result = _find(reference, where)(**arguments)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        module = reference.partition(":")[0]
        raise UserError(
            Problem(
                where,
                reference,
                f"stopped with {type(error).__name__}: {error}{_place(error, module)}",
                f"correct the function, its name or its options; {module} is looked for in {Path.cwd()}",
            )
        ) from error
    named = [Path(path).resolve() for path in reads]
    if unnamed := [file for file in read if not any(file.is_relative_to(path) for path in named)]:
        files = listed(sorted(map(shown, unnamed)), most=5)
        print(f"{reference} has read {files}; {UNNOTICED}", file=sys.stderr)
    return result


def _code(reference: str) -> Code:
    """Code of a function that is about to be called; neither byte code nor machine code of other sources will run."""
    code = function_code(reference, code_memory())
    os.environ["NUMBA_CACHE_DIR"] = str(_compare_own_code() / f"functions-{code.fingerprint}")
    if numba := sys.modules.get("numba"):
        numba.config.reload_config()
    return code


@functools.cache
def _compare_own_code() -> Path:
    """Compare byte code with the content of its sources from now on; folder for machine code."""
    compare_content(lambda folder: not is_shared(folder))
    return Path(os.environ.get("NUMBA_CACHE_DIR") or "__pycache__").absolute()


def _not_followed(reference: str, where: str, file: Path) -> Problem:
    module = reference.partition(":")[0]
    found = f"{module} loads {shown(file)} in a way that cannot be followed, so an edit of it would not be noticed"
    return Problem(where, reference, found, f"write `import {file.stem}` at the top of the file of {module}")


def _place(error: BaseException, module: str) -> str:
    """File and line of an error: the last in the user's module or, without one, the last in the traceback."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    own = [place for place in places if Path(place[0]).stem == module.rpartition(".")[2]]
    file, line = (own or places)[-1]
    return "" if file.startswith("<") or file == __file__ else f" ({file}, line {line})"


def _find(reference: str, where: str) -> Callable[..., Any]:
    module_name, _, name = reference.partition(":")
    here = str(Path.cwd())
    if sys.path[0] != here:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    module = importlib.import_module(module_name)
    function: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        problem = f"{module_name} has no function {name!r}; it has: {', '.join(known) or 'none'}"
        raise UserError(Problem(where, reference, problem, "name one of these"))
    return function
