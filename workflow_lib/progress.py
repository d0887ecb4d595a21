"""Show the progress of long computations: a bar on a terminal, a line every few seconds in a log."""

import sys
import time
from typing import Protocol


class Progress(Protocol):
    """Callback of long computations, with the number of finished units of work and of all units."""

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` units are done."""


class _Log:
    """Writes `label: done/total` to standard error at most every `every` seconds, and at the end of long work."""

    def __init__(self, label: str, every: float = 10.0) -> None:
        self.label, self.every = label, every
        self.start = self.last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.last < self.every and (done < total or self.last == self.start):
            return
        self.last = now
        left = (now - self.start) * (total - done) / max(done, 1)
        print(f"{self.label}: {done}/{total}, about {left:.0f} s left", file=sys.stderr, flush=True)


class _Bar:
    """A tqdm bar that appears if the work takes longer than two seconds."""

    def __init__(self, label: str) -> None:
        from tqdm import tqdm

        self.bar = tqdm(desc=label, delay=2, leave=False, unit="")

    def __call__(self, done: int, total: int) -> None:
        self.bar.total = total
        self.bar.update(done - self.bar.n)
        if done >= total:
            self.bar.close()


def bar(label: str) -> Progress:
    """Progress display with this label: a bar if standard error is a terminal, else log lines."""
    return _Bar(label) if sys.stderr.isatty() else _Log(label)
