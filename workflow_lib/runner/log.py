"""Where the messages of a job go."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def logged(log: Path | None) -> Iterator[Callable[[str], None]]:
    """Send what this process and its children print to a file, if one is given.

    Gives a function for a last message, which reaches the terminal when the file cannot take it: its disk is full.
    """
    terminal = os.fdopen(os.dup(2), "w")
    if log is not None:
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
        except OSError as error:
            print(f"{log}: {error.strerror}; messages go to the terminal", file=terminal, flush=True)

    def say(text: str) -> None:
        try:
            os.write(2, f"{text}\n".encode())
        except OSError:
            print(text, file=terminal, flush=True)

    yield say
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
