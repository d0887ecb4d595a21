"""Prototypes and dissimilarity against other ways, side by side: python -m bench.bench_prototypes [--quick].

Read the ratios: each run of ours has a run of the other way just before and just after it, and is compared with their
mean. One thread, and seconds of the processor instead of the wall, because other work may share the machine.
"""

import argparse
import statistics
import time
from functools import partial

import numpy as np
import torch
from sklearn.metrics.pairwise import cosine_similarity
from torch import nn
from torch.nn.functional import cross_entropy

from bench.bench_kstar import processor
from workflow_lib.dissimilarity import tensors
from workflow_lib.models.registry import build
from workflow_lib.prototypes.batches import default_batch
from workflow_lib.prototypes.descent import Descent, Settings
from workflow_lib.prototypes.frozen import frozen
from workflow_lib.prototypes.matrix import make_matrix, noise

CLASSES = 10
ENDLESS = Settings("sgd", 0.1, steps=1_000_000, loss=0.0)
SETS = Settings("sgd", 0.1, steps=6, loss=0.01)


def timed(work):
    begin = time.process_time()
    work()
    return time.process_time() - begin


def ratios(ours, other, repeats):
    """Seconds of ours, and in how many times that the other way is done, each a median."""
    ours(), other()  # compile and allocate outside the clock
    seconds, found, before = [], [], timed(other)
    for _ in range(repeats):
        taken, after = timed(ours), timed(other)
        seconds.append(taken)
        found.append((before + after) / 2 / taken)
        before = after
    return statistics.median(seconds), statistics.median(found)


def network(architecture, side):
    """Random weights, and batch norms as after some training."""
    found = build(architecture, in_channels=3, image_size=(side, side), n_classes=CLASSES, seed=0)
    draws = torch.Generator().manual_seed(0)
    for module in found.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=draws)
            module.running_var.uniform_(0.5, 2, generator=draws)
    return found.eval()


def naive(plain, images, targets, settings):
    """One image at a time, as one writes it first; the weights' gradients are made and never used."""
    for image, target in zip(images, targets, strict=True):
        pixels, wanted = torch.from_numpy(image[None]).clone().requires_grad_(), torch.tensor([target])
        optimizer = torch.optim.SGD([pixels], settings.lr)
        for _ in range(settings.steps):
            optimizer.zero_grad()
            loss = cross_entropy(plain(pixels), wanted)
            if loss.item() < settings.loss:
                break
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                pixels.clamp_(0, 1)
        yield pixels.detach().numpy()[0]


def naive_set(plain, starts, settings):
    prototypes = list(naive(plain, starts, range(CLASSES), settings))
    for origin, prototype in enumerate(prototypes):
        others = [target for target in range(CLASSES) if target != origin]
        list(naive(plain, [prototype] * len(others), others, settings))


def bare(fast, images):
    """Forward and input gradient, and nothing else."""
    images = images.detach().requires_grad_()
    torch.autograd.grad(fast(images)[0].sum(), images)


def throughput(architecture, side, repeats):
    plain = network(architecture, side)
    fast = frozen(plain, None, (3, side, side))
    batch = default_batch(fast, "cpu")
    descent = Descent(fast, ENDLESS)
    images = np.random.default_rng(0).random((2 * batch, 3, side, side), dtype=np.float32)
    targets = np.arange(batch) % CLASSES
    descent.enter(np.arange(batch), images[:batch], targets, (targets + 1) % CLASSES)
    pixels = torch.from_numpy(images).contiguous(memory_format=fast.memory_format)
    for size in sorted({max(1, batch // 4), batch // 2, batch, 2 * batch}):
        seconds, ratio = ratios(descent.advance, partial(bare, fast, pixels[:size]), repeats)
        share = ratio * batch / size
        line(f"{architecture}, {side} x {side}", f"bare pass, batch {size}", batch / seconds, share)
    few = 2
    loop = Settings("sgd", 0.1, steps=2, loss=0.0)
    work = partial(lambda: list(naive(plain, images[:few], targets[:few], loop)))
    seconds, ratio = ratios(descent.advance, work, repeats)
    line(f"{architecture}, {side} x {side}", "one image at a time", batch / seconds, ratio * batch / (few * loop.steps))


def line(what, against, speed, share):
    print(f"| {what} | {against} | {speed:,.0f} | {share:.2f} |", flush=True)


def whole_set(architecture, side, repeats):
    plain = network(architecture, side)
    shape = (3, side, side)
    starts = noise(0, [str(name) for name in range(CLASSES)], shape)

    def ours():
        nonlocal found
        found = make_matrix(frozen(plain, None, shape), starts, SETS)

    found = {}
    seconds, ratio = [], []
    before = timed(partial(naive_set, plain, starts, SETS))
    for _ in range(repeats):
        seconds.append(timed(ours))
        after = timed(partial(naive_set, plain, starts, SETS))
        ratio.append((before + after) / 2 / seconds[-1])
        before = after
    steps, converged = found["steps"].sum(), found["converged"].mean()
    print(
        f"| {architecture}, {side} x {side}, {steps} steps in all, {converged:.0%} converged "
        f"| {statistics.median(seconds):.1f} | {statistics.median(ratio):.2f} |",
        flush=True,
    )


def scikit_learn(features):
    for index in range(len(features)):
        1 - cosine_similarity(features[:, index])
        1 - cosine_similarity(features[index])


def product(features):
    """The two batched products alone, into (n, n, n) float64."""
    by_origin = features.transpose(1, 0, 2)
    np.matmul(by_origin, by_origin.transpose(0, 2, 1))
    np.matmul(features, features.transpose(0, 2, 1))


def dissimilarity(classes, width, repeats):
    features = np.maximum(np.random.default_rng(0).standard_normal((classes, classes, width)), 0).astype(np.float32)
    ways = {
        "loop of scikit-learn": (scikit_learn, features),
        "bare products, float64": (product, features.astype(float)),
    }
    for name, (way, array) in ways.items():
        seconds, ratio = ratios(partial(tensors, features), partial(way, array), repeats)
        print(f"| n = {classes}, d = {width} | {name} | {seconds:.2f} | {ratio:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without ResNet-18")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    print(f"{processor()}, one thread, torch {torch.__version__}")
    cases = [("small_cnn", 8, 15), ("small_cnn", 32, 9)] + ([] if quick else [("resnet18", 32, 3)])
    print("\n| network | other way | ours, images x steps per second | ours / other |\n|---|---|---|---|")
    for case in cases:
        throughput(*case)
    print("\n| set of 10 x 10 | seconds | other way / ours |\n|---|---|---|")
    for architecture, side, repeats in cases:
        whole_set(architecture, side, max(1, repeats // 3))
    print("\n| dissimilarity | other way | seconds | other way / ours |\n|---|---|---|---|")
    dissimilarity(100, 512, 15)


if __name__ == "__main__":
    main()
