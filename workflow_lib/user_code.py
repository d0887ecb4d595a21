"""Call the user's own functions, named `module:function` in the config."""

import functools
import importlib
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workflow_lib.bytecode import compare_content
from workflow_lib.cache.digests import code_memory
from workflow_lib.code.functions import Code, function_code, shown
from workflow_lib.code.loading import watched
from workflow_lib.code.search import is_shared
from workflow_lib.errors import Problem, UserError, listed


def call(reference: str, arguments: Mapping[str, Any], where: str) -> Any:
    """Import `module` and return the result of `function(**arguments)`.

    The module is searched in the current directory first, then on Python's module path.

    Args:
        reference: "module:function".
        arguments: keyword arguments.
        where: config key that names the function, for error messages.

    Raises:
        UserError: the module or function does not exist, raised an exception, loaded code that reading the source does
            not show, or tried to exit the program.
    """
    try:
        with watched(_code(reference).files.values(), lambda file: UserError(_not_followed(reference, where, file))) as read:
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
    if read:
        files = listed(sorted(map(shown, read)), most=5)
        print(f"{reference} has read {files}: an edit is noticed only of what `reads` names", file=sys.stderr)
    return result


@functools.cache
def _code(reference: str) -> Code:
    """Code of the function when it was first called here; its byte code is compared with its sources."""
    compare_content(lambda folder: not is_shared(folder))
    return function_code(reference, code_memory())


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
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    module = importlib.import_module(module_name)
    function: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        problem = f"{module_name} has no function {name!r}; it has: {', '.join(known) or 'none'}"
        raise UserError(Problem(where, reference, problem, "name one of these"))
    return function
