"""Training many networks, side by side with other ways: python -m bench.bench_confusion [--quick] [--device cuda].

Read the ratios: all ways take turns, and each run is compared with the runs of its own turn. One thread, and seconds of
the processor instead of the wall on a CPU, because other work may share the machine.
"""

import argparse
import statistics
import time
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from bench.bench_kstar import processor
from workflow_lib.models.registry import build
from workflow_lib.training.devices import configure
from workflow_lib.training.optimisation import Settings
from workflow_lib.training.replicates.chain import chain
from workflow_lib.training.replicates.form import choose, multiplications
from workflow_lib.training.replicates.runs import Run
from workflow_lib.training.replicates.train import train_runs

CLASSES = 10
SIZES = (1, 5, 10, 50)
CASES = {
    # image shape, options of small_cnn, batch size, samples of one training, turns
    "8 x 8, width 8, hidden 64, batch 32": ((1, 8, 8), {"width": 8, "hidden": 64}, 32, 2560, 3),
    "8 x 8, width 16, hidden 64, batch 64": ((1, 8, 8), {"width": 16, "hidden": 64}, 64, 2560, 3),
    "32 x 32, docs/science.md 3.1, batch 64": ((3, 32, 32), {}, 64, 128, 3),
}


class Case:
    """Images, labels and networks of one comparison."""

    def __init__(self, shape, options, batch, samples, device):
        rng = np.random.default_rng(0)
        self.shape, self.options, self.batch, self.samples, self.device = shape, options, batch, samples, device
        self.images = rng.random((samples, *shape), dtype=np.float32)
        self.labels = rng.integers(0, CLASSES, samples)
        self.settings = Settings(1, batch, 0.001)

    def network(self, seed):
        channels, *size = self.shape
        return build(
            "small_cnn",
            in_channels=channels,
            image_size=tuple(size),
            n_classes=CLASSES,
            seed=seed,
            options=self.options,
        )

    def ours(self, form, count):
        runs = {str(seed): Run(partial(self.network, seed), self.labels, ("bench", seed)) for seed in range(count)}
        list(train_runs(runs, self.images, self.settings, form, device=self.device))

    def plain(self, count):
        """One model at a time, as one writes it first."""
        data = TensorDataset(torch.from_numpy(self.images), torch.from_numpy(self.labels))
        criterion = nn.CrossEntropyLoss()
        for _ in range(count):
            network = published(*self.shape, **self.options).to(self.device)
            optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
            total = 0.0
            for images, labels in DataLoader(data, batch_size=self.batch, shuffle=True):
                images, labels = images.to(self.device), labels.to(self.device)
                optimizer.zero_grad()
                loss = criterion(network(images), labels)
                loss.backward()
                optimizer.step()
                total += loss.item()

    def vmapped(self, count):
        """torch.func: one call for all models, each with its own batch."""
        networks = [self.network(seed).to(self.device) for seed in range(count)]
        weights, buffers = stack_module_state(networks)
        optimizer = torch.optim.Adam(list(weights.values()), lr=0.001, fused=True)
        images, labels = (torch.from_numpy(array).to(self.device) for array in (self.images, self.labels))

        def loss(weights, buffers, images, labels):
            return cross_entropy(functional_call(networks[0], (weights, buffers), (images,)), labels)

        gradients = vmap(grad(loss))
        orders = torch.stack([torch.randperm(self.samples, device=self.device) for _ in range(count)])
        for chosen in orders.split(self.batch, dim=1):
            found = gradients(
                {name: value.detach() for name, value in weights.items()}, buffers, images[chosen], labels[chosen]
            )
            for name, value in weights.items():
                value.grad = found[name]
            optimizer.step()

    def flops(self):
        """Of a sample, forward and backward; the images want no gradient."""
        layers = chain(self.network(0))
        first = multiplications([*layers[:1]], self.shape)
        return 6 * multiplications(layers, self.shape) - 2 * first


def published(channels, height, width_, width=32, hidden=64):
    """The network of docs/science.md 3.1 as it stands there: the pools after ReLU."""
    padding, pools = (0, 2) if height >= 26 else (1, 1)
    layers, inputs = [], channels
    for index, outputs in enumerate((width, 2 * width, 2 * width)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=padding), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if index < pools else []
        inputs = outputs
    flat = nn.Sequential(*layers, nn.Flatten())(torch.zeros(1, channels, height, width_)).shape[1]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, hidden), nn.ReLU(), nn.Linear(hidden, CLASSES))


def product_rate(device, size=2048):
    """Operations per second of a float32 matrix product."""
    one, other = torch.rand(2, size, size, device=device)
    return 2 * size**3 / timed(lambda: one @ other, device)


def timed(work, device):
    if device == "cpu":
        begin = time.process_time()
        work()
        return time.process_time() - begin
    torch.cuda.synchronize()
    begin = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - begin


def compare(name, case, count, turns):
    chosen, _ = choose(case.network(0), case.shape, case.batch, case.device)
    other = "batched" if chosen == "loop" else "loop"
    ways = {
        f"**{chosen}**, chosen": partial(case.ours, chosen, count),
        other: partial(case.ours, other, count),
        "torch.func.vmap": partial(case.vmapped, count),
        "plain PyTorch": partial(case.plain, count),
    }
    seconds = {way: [] for way in ways}
    rates = []
    for work in ways.values():
        work()  # compile and allocate outside the clock
    for _ in range(turns):
        rates.append(product_rate(case.device))
        for way, work in ways.items():
            seconds[way].append(timed(work, case.device))
    done = count * case.samples
    for way, taken in seconds.items():
        speed = done / statistics.median(taken)
        against = statistics.median(p / t for p, t in zip(seconds["plain PyTorch"], taken, strict=True))
        share = statistics.median(done * case.flops() / t / rate for t, rate in zip(taken, rates, strict=True))
        print(f"| {name} | {count} | {way} | {speed:,.0f} | {against:.2f} | {share:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without 50 models")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    arguments = parser.parse_args()
    device = configure(arguments.device, threads=1)
    where = torch.cuda.get_device_name() if device == "cuda" else f"{processor()}, one thread"
    print(f"{where}, torch {torch.__version__}, float32 product {product_rate(device) / 1e9:.0f} GFLOP/s")
    print("\n| case | models | way | models x samples per second | times plain | share of the product rate |")
    print("|---|---|---|---|---|---|")
    for name, (shape, options, batch, samples, turns) in CASES.items():
        case = Case(shape, options, batch, samples, device)
        for count in SIZES[: 3 if arguments.quick else 4]:
            compare(name, case, count, turns)


if __name__ == "__main__":
    main()
