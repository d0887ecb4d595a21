"""k* on a GPU beside the bare float32 product of the same features: python -m bench.gpu_kstar [--tiny].

--tiny takes small cases, which also run without a GPU. Results are held against float64 distances.
"""

import argparse
import time
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from bench.bench_kstar import Case
from bench.kstar_baselines import float64_count
from workflow_lib.kstar.accelerator import products_of
from workflow_lib.kstar.device_rows import DeviceRows
from workflow_lib.kstar.exact import neighbourhood
from workflow_lib.kstar.inputs import check
from workflow_lib.kstar.lower_bounds import TF32
from workflow_lib.kstar.rows import rows_of
from workflow_lib.names import METRICS

DEVICE = "cuda" if torch.cuda.is_available() else "cpu:0"  # "cpu" alone would not go through torch


@dataclass(frozen=True)
class Work:
    """Features, some metrics, and how many rows are compared with float64; None compares everything with the CPU."""

    case: Case
    metrics: tuple[str, ...] = ("euclidean",)
    checked: int | None = 20


def case(count, width, classes):
    return Case(count, width, classes, 3, 0, 0)


FULL = [
    Work(case(10_000, 512, 10), METRICS, None),
    Work(case(50_000, 512, 10), METRICS),
    Work(case(50_000, 512, 1_000)),
    Work(case(100_000, 2_048, 1_000)),
]
TINY = [Work(case(600, 32, 5), METRICS, None), Work(case(700, 24, 40))]


def seconds(work):
    """Best of three, after a run that compiles and warms up."""
    work()
    found = []
    for _ in range(3):
        begin = time.perf_counter()
        work()
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - begin)
    return min(found)


def bare_product(features, block=8192):
    """Seconds of the N x N x d float32 product and nothing else."""
    blocks = torch.from_numpy(features).to(DEVICE).split(block)

    def work():
        for left, right in product(blocks, repeat=2):
            torch.mm(left, right.T)

    return seconds(work)


def decided_pairs(work):
    """Number of pairs that the bounds leave to float64."""
    decided, distances = [], DeviceRows.distances
    DeviceRows.distances = lambda self, i, j: decided.append(len(i)) or distances(self, i, j)
    try:
        work()
    finally:
        DeviceRows.distances = distances
    return sum(decided)


def differing(features, labels, metric, checked):
    """How many of the rows compared are wrong."""
    found = neighbourhood(features, labels, metric, device=DEVICE)
    if checked is None:
        expected = vars(neighbourhood(features, labels, metric))
        wrong = np.any([vars(found)[name] != values for name, values in expected.items()], axis=0)
    else:
        rows = np.random.default_rng(1).choice(len(labels), checked, replace=False)
        wrong = found.kappa[rows] != float64_count(features, labels, metric, rows)
    return f"{np.sum(wrong)} of {len(wrong):,}"


def table(work):
    """A line for each metric."""
    features, labels = work.case.data()
    bare = bare_product(features)
    size = f"{work.case.count:,} x {work.case.width:,}, {work.case.classes:,} classes"
    for metric in work.metrics:

        def whole(metric=metric):
            return neighbourhood(features, labels, metric, device=DEVICE)

        def checked(metric=metric):
            return rows_of(check(features, labels, metric, DEVICE), metric)

        taken, before = seconds(whole), seconds(checked)
        times = f"{bare:.4f} | {taken:.4f} | {taken / bare:.2f} | {before:.4f}"
        pairs = decided_pairs(whole) / len(labels)
        yield f"| {size} | {metric} | {times} | {pairs:.2f} | {differing(features, labels, metric, work.checked)} |"


def truncation(width=4096):
    """Largest error of TF32 sums that truncation hurts most, as a share of what the bound allows for.

    A row is a one followed by numbers whose products are just too small to be added to it.
    """
    rows = torch.full((256, width), 2.0**-12, device=DEVICE)
    rows[torch.arange(256), torch.arange(256) * (width // 256)] = 1.0
    with products_of(TF32, torch.device(DEVICE)):
        error = (rows @ rows.T).double() - rows.double() @ rows.double().T
    size = rows.double().square().sum(1)
    allowed = TF32.loss * (width + 8) * 2.0**-24 * (size[:, None] + size)
    return float((error.abs() / allowed).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="small cases, in seconds")
    torch.set_float32_matmul_precision("highest")
    lines = [line for work in (TINY if parser.parse_args().tiny else FULL) for line in table(work)]
    print(torch.cuda.get_device_name() if DEVICE == "cuda" else "no GPU", f"torch {torch.__version__}", sep=", ")
    print(f"Sums that truncation hurts most: {truncation():.2f} of the error that the bound allows for.\n")
    print("| features | metric | bare product, s | k\\*, s | ratio | before the GPU, s | open pairs a sample | wrong |")
    print("|---|---|---|---|---|---|---|---|", *lines, sep="\n")


if __name__ == "__main__":
    main()
