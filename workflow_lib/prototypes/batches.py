"""How many images to optimise at once."""

import torch

from workflow_lib.prototypes.frozen import Frozen

PIXELS = {"cpu": 64 * 32 * 32, "cuda": 2048 * 32 * 32}
"""Pixels in a batch beyond which more images hardly raise the throughput.

Measured on a CPU (docs/benchmarks/prototypes.md), and on an H100 with bare passes in bfloat16.
"""

LIMITS = {"cpu": (8, 256), "cuda": (8, 2048)}
"""Smallest and largest default batch."""

MEMORY_SHARE = 0.4
"""Largest share of a GPU's memory for a default batch; of its total memory, so that the batch size is repeatable."""


def default_batch(network: Frozen, device: str) -> int:
    """Number of images in a batch, from the size of an image, the device and the memory of a GPU."""
    least, most = LIMITS[device]
    pixels = 1
    for side in network.image_shape[1:]:
        pixels *= side
    batch = min(max(PIXELS[device] // pixels, least), most)
    if device == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory
        batch = min(batch, max(1, int(MEMORY_SHARE * memory) // _bytes_per_image(network, least)))
    return batch


def _bytes_per_image(network: Frozen, count: int) -> int:
    """Peak GPU memory per image of a forward and backward pass with `count` images."""
    images = torch.full((count, *network.image_shape), 0.5, device="cuda", requires_grad=True)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    with torch.enable_grad():
        torch.autograd.grad(network(images)[0].sum(), images)
    return max(1, (torch.cuda.max_memory_allocated() - before) // count)
