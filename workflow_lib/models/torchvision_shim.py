"""Importing torchvision beside a torch that its compiled operators were not built for.

The wheels of torch and torchvision on the Python package index fit each other only with CUDA. Beside a CPU-only
torch the compiled operators cannot load, and `import torchvision` stops at the first operator it
wants to annotate. Only detection models call these operators, so their schemas are enough for the
classification models, the data sets and the transforms.
"""

from types import ModuleType

SCHEMAS = {
    "torchvision::nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "torchvision::qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def import_torchvision() -> ModuleType:
    """The torchvision module; missing operator schemas are declared first, existing ones are left alone.

    Raises:
        RuntimeError: torchvision misses something else than the operators of `SCHEMAS`.
    """
    try:
        import torchvision
    except RuntimeError as error:
        if not any(name in str(error) for name in SCHEMAS):
            raise
        _declare_schemas()
        import torchvision
    return torchvision  # type: ignore[no-any-return]


def _declare_schemas() -> None:
    import torch

    for name, schema in SCHEMAS.items():
        torch.library.define(name, schema)
