"""Packages of the extras of the project."""

import importlib
from typing import Any

from workflow_lib.errors import Problem, UserError


def optional(module: str, extra: str) -> Any:
    """A module of an extra of the project.

    It is not imported by a statement, because every step that can read its files would then depend on its version.

    Raises:
        UserError: it is not installed where the job runs.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        allowed = "is not installed where this job runs"
        raise UserError(
            Problem(module.partition(".")[0], "", allowed, f"pip install -c constraints.txt -e '.[{extra}]'")
        ) from error
