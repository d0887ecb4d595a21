"""Import torchvision with a torch that its compiled operators were not built for.

The wheels of torch and torchvision on the Python package index fit each other only with CUDA. With a CPU-only torch the
compiled operators cannot be loaded, and `import torchvision` fails at the first operator that it annotates. Only
detection models call these operators, so declaring their schemas is enough for classification models, data sets and
transforms.
"""

from types import ModuleType

SCHEMAS = {
    "torchvision::nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "torchvision::qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def import_torchvision() -> ModuleType:
    """The torchvision module. Missing operator schemas are declared first; existing ones are not changed.

    Raises:
        RuntimeError: the import fails for a reason other than the operators of `SCHEMAS`.
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
