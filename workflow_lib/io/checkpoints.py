"""Checkpoints whose bytes depend only on their content.

`torch.save` alone does not guarantee that: pickle stores two references to one string differently from two equal
strings, and a tensor is stored with its whole storage. `canonical` removes these differences. So equal states give
equal files, also after loading and saving again.
"""

import io
import pickle
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from workflow_lib.errors import Problem, UserError
from workflow_lib.io.files import atomic
from workflow_lib.io.storage import damaged

NOT_PLAIN = "is damaged, or contains more than tensors, numbers and text, which is not loaded because it may run code"


def save(state: Mapping[str, Any], path: Path) -> None:
    """Write a nested state of mappings with text or integer keys, sequences, tensors, numbers, text and None.

    Tensors are stored on the CPU, contiguous, without gradient; sequences become lists, keys are sorted.

    Raises:
        TypeError: the state contains something else.
    """
    buffer = io.BytesIO()
    torch.save(canonical(state), buffer)
    with atomic(path) as scratch:
        scratch.write_bytes(buffer.getvalue())


def load(path: Path) -> dict[str, Any]:
    """The state written by `save`, with tensors on the CPU; no code in the file is run.

    Raises:
        UserError: the file is missing or damaged, or is no checkpoint.
    """
    try:
        with zipfile.ZipFile(path) as archive:  # torch does not check the checksums
            if (member := archive.testzip()) is not None:
                raise zipfile.BadZipFile(f"wrong checksum of {member}")
        state = read(path)
    except FileNotFoundError:
        raise UserError(Problem(str(path), "", "the file does not exist", "make it with snakemake")) from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, ValueError) as error:
        raise UserError(damaged(path, error)) from error
    if not isinstance(state, dict):
        raise UserError(damaged(path, TypeError(f"holds {type(state).__name__}, not a checkpoint")))
    return state


def read(path: Path) -> object:
    """Content of a file of `torch.save`, with tensors on the CPU; no code in the file is run.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, or contains objects that only its own code could create; in one sentence, because
            torch's own messages then advise running that code.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except pickle.UnpicklingError as error:
        raise ValueError(f"it {NOT_PLAIN}") from error
    except Exception as error:  # pickle and torch raise errors of many kinds
        raise ValueError(str(error).partition(". ")[0] or type(error).__name__) from error


def canonical(value: Any, names: dict[str, str] | None = None) -> Any:
    """A copy of `value` in which equal content has one representation; `names` maps equal strings to one object.

    Raises:
        TypeError: a value of a type that a checkpoint cannot contain.
    """
    names = {} if names is None else names
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
    if isinstance(value, Mapping):
        return {canonical(key, names): canonical(value[key], names) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [canonical(item, names) for item in value]
    if isinstance(value, str):
        return names.setdefault(str(value), str(value))
    if value is None or type(value) in (bool, int, float):
        return value
    raise TypeError(f"a checkpoint cannot hold {type(value).__name__}: {value!r}")
