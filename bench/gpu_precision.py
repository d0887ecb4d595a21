"""Precisions of trainings and prototypes beside plain torch, on one GPU: python -m bench.gpu_precision [--tiny].

Columns "flips and crops" and "not recorded" are ours / plain, too; "same bytes" compares the weights after two
epochs with and without recording, and "waits" counts how often an epoch waits for the GPU.
Ours and the plain way run in turns, with the same network, data and precision. The plain way may choose algorithms that
are not deterministic. Read the ratios. `--tiny` shows on a CPU that the script runs; its numbers say nothing.
"""

import argparse
import hashlib
import time
import warnings
from dataclasses import dataclass, replace
from unittest import mock

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from workflow_lib.dissimilarity import tensors
from workflow_lib.models.registry import build
from workflow_lib.prototypes import descent
from workflow_lib.prototypes.frozen import frozen
from workflow_lib.prototypes.matrix import make_matrix, noise
from workflow_lib.training import replay
from workflow_lib.training.augmentation import Augmentation
from workflow_lib.training.devices import configure
from workflow_lib.training.loop import train
from workflow_lib.training.optimisation import Settings
from workflow_lib.training.precision import autocast, tensor_cores

CLASSES = 10
RECIPE = Settings(1, 1, 0.05, "sgd", momentum=0.9, nesterov=True, weight_decay=5e-4)
CROP = Augmentation(flip=True, crop_padding=4)


@dataclass(frozen=True)
class Size:
    """What is measured.

    Attributes:
        images: of an epoch.
        batches, descents: images in a batch of trainings and of descents.
        passes: of a descent whose speed is measured.
        steps: most of a descent to its end.
    """

    architecture: str
    side: int
    images: int
    batches: tuple[int, ...]
    descents: tuple[int, ...]
    passes: int
    steps: int


FULL = Size("resnet18", 32, 4_096, (128, 512), (512, 2048), 24, 500)
TINY = Size("small_cnn", 8, 200, (20,), (10,), 2, 20)


def data(size):
    """Ten patterns under noise, uint8."""
    rng = np.random.default_rng(0)
    labels = np.arange(size.images) % CLASSES
    patterns = rng.integers(0, 256, (CLASSES, 3, size.side, size.side))
    images = (patterns[labels] + rng.integers(0, 256, (size.images, 3, size.side, size.side))) // 2
    return images.astype(np.uint8), labels


def network(size):
    return build(size.architecture, in_channels=3, image_size=(size.side, size.side), n_classes=CLASSES, seed=0)


def ours(size, settings, device, clock=time.perf_counter):
    """What the clock counts in the second epoch, the trained network, and a digest of its weights."""
    (images, labels), classifier, ends = data(size), network(size), {}
    train(
        classifier,
        images,
        labels,
        replace(settings, epochs=2),
        lineage=("bench",),
        stop_epoch=2,
        device=device,
        progress=lambda done, total: ends.__setitem__(done / total, clock()),
    )
    weights = b"".join(value.cpu().numpy().tobytes() for value in classifier.state_dict().values())
    return ends[1.0] - ends[0.5], classifier, hashlib.sha256(weights).hexdigest()


def plain(size, settings, device):
    """Seconds of the second epoch of a plain loop over data on the device."""
    images, labels = (torch.from_numpy(array).to(device) for array in data(size))
    classifier = network(size).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        classifier.parameters(), settings.lr, settings.momentum, nesterov=True, weight_decay=5e-4, fused=True
    )
    deterministic = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    for _ in range(2):
        wait(device)
        began = time.perf_counter()
        for chosen in torch.randperm(len(labels), device=device).split(settings.batch_size):
            batch = (images[chosen].float() / 255).contiguous(memory_format=torch.channels_last)
            optimizer.zero_grad()
            with autocast(settings.precision, device):
                loss = cross_entropy(classifier(batch), labels[chosen])
            loss.backward()
            optimizer.step()
        wait(device)
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    return time.perf_counter() - began


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def waits(size, settings):
    """How often an epoch waits for the GPU."""
    torch.cuda.set_sync_debug_mode("warn")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        count = ours(size, settings, "cuda", lambda: sum("synchronizing" in str(warning.message) for warning in seen))[
            0
        ]
    torch.cuda.set_sync_debug_mode("default")
    return count


def trainings(size, device):
    yield "| batch | precision | ours, images/s | ours / plain | flips and crops | not recorded | same bytes | waits |"
    yield "|---|---|---|---|---|---|---|---|"
    for batch in size.batches:
        for precision in ("float32", "bfloat16"):
            settings = replace(RECIPE, batch_size=batch, precision=precision)
            taken, _, weights = ours(size, settings, device)
            with tensor_cores(precision):
                other = plain(size, settings, device)
            cropped = ours(size, replace(settings, augmentation=CROP), device)[0]
            with mock.patch.object(replay.Replayed, "_record", return_value=False):
                slow, _, others = ours(size, settings, device)
            often = waits(size, settings) if device == "cuda" else "-"
            shares = f"{size.images / taken:,.0f} | {other / taken:.2f} | {other / cropped:.2f} | {other / slow:.2f}"
            yield f"| {batch} | {precision} | {shares} | {'yes' if weights == others else 'NO'} | {often} |"


def endless(fast, size, count, precision, device):
    """Images x steps per second of descents that never end."""
    settings = descent.Settings("sgd", 0.1, 10**9, 0.0, precision)
    batch, targets = descent.Descent(fast, settings, device=device), np.arange(count) % CLASSES
    images = np.random.default_rng(0).random((count, 3, size.side, size.side), dtype=np.float32)
    batch.enter(np.arange(count), images, targets, (targets + 1) % CLASSES)
    batch.advance()
    before = batch.rows["steps"].sum().item()
    taken = seconds(batch.advance, size.passes, device)
    return (batch.rows["steps"].sum().item() - before) / taken


def bare(fast, size, count, precision, device):
    """The same of forward pass and gradient alone."""
    images = torch.rand(count, 3, size.side, size.side, device=device)
    images = images.contiguous(memory_format=fast.memory_format).requires_grad_()

    def one_pass():
        with autocast(precision, device):
            logits = fast(images)[0]
        torch.autograd.grad(logits.float().sum(), images)

    one_pass()
    return count * size.passes / seconds(one_pass, size.passes, device)


def seconds(work, repeats, device):
    wait(device)
    began = time.perf_counter()
    for _ in range(repeats):
        work()
    wait(device)
    return time.perf_counter() - began


def descents(size, fast, device):
    yield "| batch | precision | ours, images x steps/s | ours / bare pass |"
    yield "|---|---|---|---|"
    for count in size.descents:
        for precision in ("float32", "bfloat16"):
            speed = endless(fast, size, count, precision, device)
            other = bare(fast, size, count, precision, device)
            yield f"| {count} | {precision} | {speed:,.0f} | {speed / other:.2f} |"


def sets(size, fast, device):
    yield "| precision | seconds | converged | their largest loss, by another pass | median steps | C | R |"
    yield "|---|---|---|---|---|---|---|"
    starts = noise(0, [str(name) for name in range(CLASSES)], fast.image_shape)
    for precision in ("float32", "bfloat16"):
        settings = descent.Settings("sgd", 0.1, size.steps, 0.01, precision)
        began = time.perf_counter()
        found = make_matrix(fast, starts, settings, device=device)
        taken, done = time.perf_counter() - began, found["converged"]
        targets = torch.from_numpy(np.nonzero(done)[0]).to(device)
        with torch.no_grad():
            logits = fast(torch.from_numpy(found["image"][done]).to(device))[0]
        largest = cross_entropy(logits, targets, reduction="none").max().item() if done.any() else np.nan
        means = " | ".join(f"{np.mean(part):.4f}" for part in tensors(found["features"]))
        steps = np.median(found["steps"])
        yield f"| {precision} | {taken:.2f} | {done.sum()} of {done.size} | {largest:.5f} | {steps:.0f} | {means} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="a few batches of a small network, also on a CPU")
    size = TINY if parser.parse_args().tiny else FULL
    device = configure("auto" if size is TINY else "cuda", 1)
    trained = ours(size, replace(RECIPE, batch_size=size.batches[0]), device)[1]
    fast = frozen(trained, None, (3, size.side, size.side), device=device)
    name = torch.cuda.get_device_name() if device == "cuda" else "a CPU: the numbers say nothing"
    print(f"{name}, torch {torch.__version__}, {size.architecture}, {size.side} x {size.side}")
    for table in (trainings(size, device), descents(size, fast, device), sets(size, fast, device)):
        print()
        for line in table:
            print(line, flush=True)


if __name__ == "__main__":
    main()
