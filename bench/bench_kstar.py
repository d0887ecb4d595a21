"""Time, memory and correctness of k* against other ways, side by side: python -m bench.bench_kstar [--quick | --tiny].

Times are ratios to the bare N x N x d float32 product run just before and just after. Methods whose queries are
independent are timed on a sample of them and scaled up where all would take too long; the table says on how many.
"""

import argparse
import ctypes
import importlib.util
import statistics
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bench.kstar_baselines import bare_product, faiss_flat, float64_count, notebook, scikit_learn, torch_product
from workflow_lib.kstar.exact import neighbourhood
from workflow_lib.kstar.sweep import available_threads
from workflow_lib.names import METRICS

STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Case:
    """A size, and how much of it is affordable: repeats, rows checked in float64, query rows of the baselines."""

    count: int
    width: int
    classes: int
    repeats: int
    checked: int
    queries: int

    def data(self):
        """Clusters after a ReLU, as a late layer gives them; float32 and int64."""
        rng = np.random.default_rng(0)
        labels = rng.integers(0, self.classes, self.count)
        means = rng.standard_normal((self.classes, self.width), dtype=np.float32) / 2
        noise = rng.standard_normal((self.count, self.width), dtype=np.float32)
        return np.maximum(noise + means[labels], 0), labels


TINY = [Case(60, 8, 3, 1, 60, 60)]
SMALL = [Case(1_280, 1_000, 16, 5, 1_280, 1_280), Case(10_000, 512, 10, 3, 500, 10_000)]
LARGE = [Case(50_000, 512, 10, 1, 200, 2_000), Case(50_000, 512, 1_000, 1, 200, 2_000)]


def timed(work):
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def peak_memory(work):
    """Peak resident memory of work above that before it, in MB; NaN where the system does not tell."""
    try:
        ctypes.CDLL(None).malloc_trim(0)  # freed memory that the allocator keeps would hide what work needs
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        before = _status("VmRSS")
        result = work()
        return (_status("VmHWM") - before) / 1024, result
    except (OSError, AttributeError):
        return float("nan"), work()


def _status(field):
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])


class Table:
    """Prints a line for each method; every run stands between two bare products, and neighbours share one."""

    def __init__(self, features, rows):
        self.features, self.rows = features, rows
        self.bare = self._bare()
        print("| method | seconds | ratio to the bare product | peak memory, MB | differ from float64 |")
        print("|---|---|---|---|---|", flush=True)

    def _bare(self):
        return timed(lambda: bare_product(self.features))[0]

    def add(self, name, work, repeats=1, expected=None, share=1.0):
        """Medians over `repeats`; expected: kappa of the table's rows; share: that of the queries answered."""
        seconds, ratios = [], []
        for _ in range(repeats):
            taken, (memory, result) = timed(lambda: peak_memory(work))
            before, self.bare = self.bare, self._bare()
            seconds.append(taken / share)
            ratios.append(2 * seconds[-1] / (before + self.bare))
        note = "" if share == 1 else f" ({share:.0%} of the queries, scaled up)"
        wrong = "" if expected is None else f"{np.count_nonzero(result != expected)} of {len(self.rows)}"
        times = f"{statistics.median(seconds):.2f} | {statistics.median(ratios):.2f}"
        print(f"| {name}{note} | {times} | {memory:.0f} | {wrong} |", flush=True)


def run(case):
    features, labels = case.data()
    rng = np.random.default_rng(1)
    rows = np.sort(rng.choice(case.count, case.checked, replace=False))
    queries = np.union1d(rows, rng.choice(case.count, case.queries, replace=False))
    at = np.searchsorted(queries, rows)
    print(f"\n### {case.count:,} x {case.width:,}, {case.classes:,} classes\n")
    table = Table(features, rows)
    table.add("bare product, NumPy", partial(bare_product, features), case.repeats)
    table.add("bare product, torch", partial(torch_product, features), case.repeats)
    for metric in METRICS:
        expected = float64_count(features, labels, metric, rows)
        work = partial(answer, ours, (features, labels, metric), rows)
        table.add(f"**k\\*, {metric}**", work, case.repeats, expected)
    expected = float64_count(features, labels, "euclidean", rows)
    for name, method in baselines(case).items():
        if method is None:
            print(f"| {name} | | | | |")
        else:
            work = partial(answer, method, (features, labels, queries), at)
            table.add(name, work, 1, expected, len(queries) / case.count)


def ours(features, labels, metric):
    return neighbourhood(features, labels, metric).kappa


def answer(method, arguments, rows):
    return method(*arguments)[rows]


def baselines(case):
    """name -> method, or None with the reason in the name."""
    found = {"scikit-learn, k = class size": scikit_learn}
    if 28 * case.count**2 < 8e9:
        found = {"published notebook": notebook, **found}
    else:
        found[f"published notebook: would need {28 * case.count**2 / 1e9:.0f} GB"] = None
    if importlib.util.find_spec("faiss"):
        found["faiss Flat, growing k"] = faiss_flat
    else:
        found["faiss: not installed (pip install faiss-cpu)"] = None
    return found


def processor():
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{names[0].split(':')[1].strip()}, {len(names)} cores seen" if names else "unknown processor"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only the sizes that take seconds")
    parser.add_argument("--tiny", action="store_true", help="only a size at which times say nothing")
    options = parser.parse_args()
    print(f"{processor()}, {available_threads()} threads, NumPy {np.__version__}")
    warm = SMALL[0].data()
    for metric in METRICS:
        ours(warm[0][:64], warm[1][:64], metric)  # compile outside the clock
    for case in TINY if options.tiny else SMALL if options.quick else [*SMALL, *LARGE]:
        run(case)


if __name__ == "__main__":
    main()
