"""Functions of the user's own, named `module:function` in the config."""

import importlib
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workflow_lib.errors import Problem, UserError


def call(reference: str, arguments: Mapping[str, Any], where: str) -> Any:
    """What `function(**arguments)` of `module:function` returns.

    The module is looked for in the current directory first, then where Python finds its modules.

    Args:
        reference: "module:function".
        arguments: by keyword.
        where: config key that names the function, for the error.

    Raises:
        UserError: there is no such module or function, or either raised an exception.
    """
    module = reference.partition(":")[0]
    try:
        return _find(reference, where)(**arguments)
    except UserError:
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise UserError(
            Problem(
                where,
                reference,
                f"stopped with {type(error).__name__}: {error} ({last.filename}, line {last.lineno})",
                f"correct the function, its name or its options; {module} is looked for in {Path.cwd()}",
            )
        ) from error


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
