"""Images from a Python function of the user."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.image_arrays import array_split
from workflow_lib.datasets.labels import encode, texts
from workflow_lib.datasets.split import Split, Strings, numbered, strings
from workflow_lib.errors import Problem, UserError
from workflow_lib.user_code import call

FORM = 'a function returns {"train": (images, labels, class_names[, ids]), "test": ...}'


def read_function(spec: Mapping[str, Any]) -> dict[str, Split]:
    """Splits returned by `function` ("module:name", imported from the working directory) for `options`.

    The function returns {"train": (images, labels, class_names), "test": ...}; ids may follow as a fourth element.
    Images are (N, C, H, W) or (N, H, W), uint8 or floats in [0, 1], as NumPy arrays or read lazily (memory map, Zarr).
    Labels are whole numbers or names from `class_names`. If class_names is None, the distinct labels are the classes.

    Raises:
        UserError: the function is not found, raises, or returns something else.
    """
    function = spec["function"]
    result = call(function, spec["options"], "function", spec.get("reads", ()))
    parts = {name: _part(result, name, function) for name in ("train", "test")}
    labels, class_names = encode(
        [(f"{function} {name}", part.labels) for name, part in parts.items()], parts["train"].class_names
    )
    return {
        name: array_split(
            part.images,
            part_labels,
            numbered(name, len(part_labels)) if part.ids is None else part.ids,
            class_names,
            layout="NCHW",
            source="function",
            origin=f"{function} {name}",
        )
        for (name, part), part_labels in zip(parts.items(), labels, strict=True)
    }


class _Part(NamedTuple):
    """One split as returned by the function."""

    images: Any
    labels: NDArray[Any]
    class_names: list[str] | None
    ids: Strings | None


def _part(result: Any, name: str, function: str) -> _Part:
    """Split `name` of the result, as arrays."""
    try:
        images, labels, class_names, *ids = result[name]
        return _Part(
            _array(images),
            np.asarray(_array(labels)),
            None if class_names is None else texts(class_names, f"{function} {name}: class_names"),
            strings(*(texts(_array(values), f"{function} {name}: ids") for values in ids)) if ids else None,
        )
    except UserError:
        raise
    except Exception as error:  # tensors and other libraries' arrays raise errors of many kinds
        found = f"{name}: {type(error).__name__}: {error}"
        raise UserError(Problem(function, found, FORM, "return this form")) from error


def _array(value: Any) -> Any:
    """What the function returned as an array: tensors exactly, arrays as they are, since they may be read lazily.

    Raises:
        TypeError: images of Pillow, whose numbers mean colours in one mode and places in a palette in another.
        ValueError: an array with masked values.
        Exception: it cannot be made an array.
    """
    if hasattr(value, "getbands"):
        raise TypeError('images of Pillow; make arrays of them: np.asarray(image.convert("RGB")).transpose(2, 0, 1)')
    if hasattr(value, "detach"):
        tensor = value.detach().cpu()
        # NumPy has no bfloat16. float32 holds all values of the shorter kinds.
        return (tensor.float() if tensor.is_floating_point() and tensor.itemsize < 4 else tensor).numpy()
    if isinstance(value, list | tuple):
        return np.asarray([_array(item) if _is_array(item) else item for item in value])
    if np.ma.is_masked(value):
        raise ValueError("some values are masked; fill them, or leave these samples out")
    is_lazy = isinstance(getattr(value, "dtype", None), np.dtype) and not hasattr(value, "iloc")
    return value if is_lazy else np.asarray(value)


def _is_array(item: Any) -> bool:
    return hasattr(item, "__array__") or hasattr(item, "__array_interface__")
