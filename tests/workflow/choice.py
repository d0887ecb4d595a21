"""What of the long proofs the tests take by default; LATENT_ATLAS_TEST_ALL=1 takes all, as `make proof` does."""

import os
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def chosen(cases: Sequence[T], every: int) -> Sequence[T]:
    """Every so-many-th of the cases, or all of them where that is asked for."""
    return cases if os.environ.get("LATENT_ATLAS_TEST_ALL") else cases[::every]


def asked_for(request: pytest.FixtureRequest, module: str, parameter: str) -> list[Any]:
    """Values of a parameter of all tests of a module that this session runs, each once, in their order."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec")]
    values = [item.callspec.params.get(parameter) for item in items if item.module.__name__ == module]
    return list({value.name: value for value in values if value is not None}.values())
