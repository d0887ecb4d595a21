"""Many trainings at once on a GPU, beside other ways: python -m bench.gpu_ensemble [--tiny].

Prints first what must be equal, then a table of speeds. With --tiny it is small, and runs on any machine.
"""

import argparse
import time
from dataclasses import replace
from functools import partial

import torch

from bench.bench_confusion import CASES, Case
from workflow_lib.models.layers import inner
from workflow_lib.training.devices import configure
from workflow_lib.training.optimisation import Settings
from workflow_lib.training.replicates.batched import train_stack
from workflow_lib.training.replicates.loop import train_one
from workflow_lib.training.replicates.runs import Run

SMALL, _, POSTER = CASES
EPOCHS = {SMALL: 16, POSTER: 4}
"""Epochs that are timed, so many that they take about a second on a fast GPU."""

STACKS = {  # precision and models, by the name of the case
    SMALL: [("float32", 10), ("float32", 50), ("bfloat16", 50)],
    POSTER: [("float32", 50), ("tf32", 50), ("bfloat16", 50), ("bfloat16", 10)],
}


def runs(case, seeds):
    return [Run(partial(case.network, seed), case.labels, ("bench", seed)) for seed in seeds]


def stacked(case, seeds, settings):
    return train_stack(runs(case, seeds), case.images, settings, device=case.device)


def numbers(trained):
    return torch.cat([value.detach().flatten().cpu() for value in inner(trained.network).parameters()])


def difference(one, other):
    return float((numbers(one) - numbers(other)).abs().max())


def check(case):
    """Print what must be equal: to the byte (0), or to the rounding of a gentle training."""
    gentle = Settings(2, case.batch, 0.01, "sgd", momentum=0.9)
    alone = train_one("alone", runs(case, [0])[0], case.images, gentle, device=case.device)
    ten, again, others, fifty = (
        stacked(case, seeds, gentle) for seeds in (range(10), range(10), [*range(20, 29), 0], range(50))
    )
    bfloat16 = stacked(case, range(10), replace(gentle, precision="bfloat16"))
    print("\nLargest difference of a weight of run 0 after two gentle epochs")
    print(f"- from the loop: {difference(ten[0], alone):.1e}; in bfloat16: {difference(bfloat16[0], alone):.1e}")
    print(f"- trained again: {difference(ten[0], again[0]):.1e} (must be 0)")
    print(f"- in another place, among other runs: {difference(ten[0], others[-1]):.1e} (must be 0)")
    print(f"- in a stack of 50 instead of 10: {difference(ten[0], fifty[0]):.1e}", flush=True)


def seconds(work, device):
    begin = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def row(name, way, precision, count, speed, first=""):
    print(f"| {name} | {way} | {precision} | {count} | {speed:,.0f} | {first} |", flush=True)


def measure(name, case, stacks, tiny):
    vmapped = 10 if tiny else 50
    for way, count, work in (("plain PyTorch", 1, case.plain), ("torch.func.vmap", vmapped, case.vmapped)):
        work(count)
        row(name, way, "float32", count, count * case.samples / seconds(partial(work, count), case.device))
    for precision, models in stacks:
        count = 10 if tiny else models

        def train(epochs, count=count, precision=precision):
            stacked(case, range(count), Settings(epochs, case.batch, 0.001, precision=precision))

        epochs = 1 if tiny else EPOCHS[name]
        first, short, long = (seconds(partial(train, n), case.device) for n in (1, 1, 1 + epochs))
        speed = epochs * count * case.samples / max(long - short, 1e-9)  # without building and copying the networks
        row(name, "stack", precision, count, speed, f"{max(first - short, 0):.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="small, on any machine")
    tiny = parser.parse_args().tiny
    device = configure("auto" if tiny else "cuda", threads=1)
    print(f"{torch.cuda.get_device_name() if device == 'cuda' else 'CPU'}, torch {torch.__version__}")
    cases = {}
    for name in STACKS:
        shape, options, batch, _, _ = CASES[SMALL if tiny else name]
        cases[name] = Case(shape, options, batch, batch * (2 if tiny else 157), device)
    check(cases[POSTER])
    print("\n| case | way | precision | models | models x samples per second | seconds more in the first training |")
    print("|---|---|---|---|---|---|")
    for name, stacks in STACKS.items():
        measure(name, cases[name], stacks, tiny)


if __name__ == "__main__":
    main()
