"""Redirect the messages of a job to its log."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

SEE = "done as one with others, see "
"""Text in the log of a job whose messages are in that of another; the path follows."""


@contextlib.contextmanager
def logged(log: Path | None, others: Iterable[Path] = ()) -> Iterator[Callable[[str], None]]:
    """Redirect the output of this process and its children to `log`, if given; `others` say where it is.

    Yields a function that writes a message to the log, or to the terminal if that fails (the disk is full).
    """
    output, terminal = os.dup(1), os.fdopen(os.dup(2), "w")
    if log is not None:
        try:
            for path in (log, *others):
                path.parent.mkdir(parents=True, exist_ok=True)
            with log.open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            for other in others:
                other.write_text(f"{SEE}{log}\n")
        except OSError as error:
            print(f"{log}: {error.strerror}; messages go to the terminal", file=terminal, flush=True)

    def say(text: str) -> None:
        try:
            os.write(2, f"{text}\n".encode(errors="backslashreplace"))  # names of files may not be Unicode
        except OSError:
            print(text, file=terminal, flush=True)

    yield say
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os.dup2(output, 1)
    os.dup2(terminal.fileno(), 2)
    os.close(output)
    terminal.close()
