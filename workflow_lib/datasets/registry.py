"""From a data set's spec to its train and test splits; each source's module is imported when it is asked for."""

from collections.abc import Mapping
from typing import Any

from workflow_lib.datasets.selection import select
from workflow_lib.datasets.split import Split


def load(spec: Mapping[str, Any]) -> dict[str, Split]:
    """Splits "train" and "test" of an image source, after class selection and subsampling; pixels unread.

    Args:
        spec: a validated data-set section of the config: `source`, the keys of that source, and optionally
            `classes`, `superclasses`, `subsample`.

    Raises:
        UserError: data missing, damaged or not as the source wants them.
    """
    return {name: select(split, spec, name) for name, split in _read(spec).items()}


def _read(spec: Mapping[str, Any]) -> dict[str, Split]:
    match spec["source"]:
        case "digits":
            from workflow_lib.datasets.digits import read_digits

            return read_digits(spec)
        case "cifar10" | "cifar100" | "fashion_mnist":
            from workflow_lib.datasets.torchvision_sets import read_torchvision

            return read_torchvision(spec)
        case "imagefolder":
            from workflow_lib.datasets.imagefolder import read_imagefolder

            return read_imagefolder(spec)
        case "arrays":
            from workflow_lib.datasets.arrays import read_arrays

            return read_arrays(spec)
        case "function":
            from workflow_lib.datasets.function import read_function

            return read_function(spec)
        case unknown:
            raise LookupError(f"no reader of images for source {unknown!r}")
