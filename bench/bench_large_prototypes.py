"""Memory of large sets, and what a kill costs: python -m bench.bench_large_prototypes [CLASSES …].

A set of 100 x 100 images of a small network is made whole, then again with a kill -9 half way; C and R are streamed
for the numbers of classes that are named. Each runs in a process of its own. Memory is that of the process itself
(RssAnon, sampled) and with the files that it maps, which the system may take back (VmHWM).
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

CLASSES, SIDE = 100, 32


def make_set(folder):
    """A set of 100 x 100 images, few steps each, as the step does it."""
    import torch

    from workflow_lib.models.registry import build
    from workflow_lib.prototypes.descent import Settings
    from workflow_lib.prototypes.frozen import frozen
    from workflow_lib.prototypes.matrix import make_matrix, noise
    from workflow_lib.prototypes.resumable import resumable_matrix
    from workflow_lib.prototypes.store import write

    torch.set_num_threads(1)
    names, shape = [f"class {number}" for number in range(CLASSES)], (3, SIDE, SIDE)
    plain = build("small_cnn", in_channels=3, image_size=(SIDE, SIDE), n_classes=CLASSES, seed=0)
    network, settings = frozen(plain.eval(), None, shape), Settings("sgd", 0.1, steps=8, loss=0.01)
    with resumable_matrix(folder / "state", CLASSES, network, settings, "cpu, threads: 1") as kept, memory("set"):
        if kept.state is not None:
            print(f"goes on, {kept.state.finished} of {CLASSES**2} images are done")
        make_matrix(
            network, noise(0, names, shape), settings, arrays=kept.arrays, state=kept.state, save_state=kept.save,
            save_every=3,
        )  # fmt: skip
        write(kept.arrays, names, folder / "set.zarr.zip", network, settings, None)


def stream_tensors(folder, classes, width=512):
    """C and R of features in a file, and their statistics from the store."""
    from workflow_lib.dissimilarity import store
    from workflow_lib.dissimilarity.summary import Selection, summarise
    from workflow_lib.io import storage

    features = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float32, (classes, classes, width))
    generator = np.random.default_rng(0)
    for row in features:
        row[:] = np.maximum(generator.standard_normal(row.shape, np.float32), 0)
    path = folder / "tensors.zarr.zip"
    with memory(f"C and R, n = {classes}"):
        store.write(path, features, [str(number) for number in range(classes)], layer="random")
    with memory(f"statistics, n = {classes}"):
        summarise(store.stored(storage.load(path)), selections=[Selection()])
    print(f"n = {classes}: store of {path.stat().st_size / 2**20:,.0f} MiB")


class memory:  # noqa: N801
    """Prints what a piece of work took: seconds of the processor, memory beyond that at its beginning."""

    def __init__(self, name):
        self.name, self.peak, self.ended = name, 0, threading.Event()

    def __enter__(self):
        self.start, self.began = kibibytes("RssAnon"), time.process_time()
        self.thread = threading.Thread(target=self.sample)
        self.thread.start()

    def sample(self):
        while not self.ended.wait(0.02):
            self.peak = max(self.peak, kibibytes("RssAnon"))

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        seconds, own = time.process_time() - self.began, (self.peak - self.start) / 1024
        print(f"{self.name}: {seconds:.0f} s, own memory {own:+.0f} MiB, in all {kibibytes('VmHWM') / 1024:,.0f} MiB")


def kibibytes(name):
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def child(*arguments):
    return subprocess.Popen([sys.executable, "-m", "bench.bench_large_prototypes", *map(str, arguments)])


def killed_half_way(folder, images):
    """Kill the process when half of the images have finished; its seconds of the processor until then."""
    process, steps = child("--set", folder), folder / "state" / "steps.npy"
    while process.poll() is None and not (steps.exists() and (np.load(steps, mmap_mode="r") >= 0).sum() > images / 2):
        time.sleep(0.2)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("classes", nargs="*", type=int, default=[200, 400], help="classes for C and R")
    parser.add_argument("--set", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--stream", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.set:
        return make_set(chosen.set)
    if chosen.stream:
        return stream_tensors(chosen.stream, chosen.classes[0])
    with tempfile.TemporaryDirectory() as name:
        whole, cut = Path(name, "whole"), Path(name, "cut")
        whole.mkdir(), cut.mkdir()
        child("--set", whole).wait()
        print(f"killed after {killed_half_way(cut, CLASSES**2):.0f} s", flush=True)
        child("--set", cut).wait()
        same = (whole / "set.zarr.zip").read_bytes() == (cut / "set.zarr.zip").read_bytes()
        print(f"whole and resumed have {'the same' if same else 'OTHER'} bytes", flush=True)
    for classes in chosen.classes:
        with tempfile.TemporaryDirectory() as name:
            child(classes, "--stream", name).wait()
    return None


if __name__ == "__main__":
    main()
