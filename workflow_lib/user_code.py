"""Call the user's own functions, named `module:function` in the config."""

import importlib
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workflow_lib.errors import Problem, UserError


def call(reference: str, arguments: Mapping[str, Any], where: str) -> Any:
    """Import `module` and return the result of `function(**arguments)`.

    The module is searched in the current directory first, then on Python's module path.

    Args:
        reference: "module:function".
        arguments: keyword arguments.
        where: config key that names the function, for error messages.

    Raises:
        UserError: the module or function does not exist, raised an exception, or tried to exit the program.
    """
    try:
        return _find(reference, where)(**arguments)
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
