"""The handler of Snakemake's log: shows the state of a run on a terminal, or writes lines where there is none.

Snakemake calls it from a thread of its own, so a run does not wait for it. Its own output comes back with `--verbose`,
`--debug-dag` or `--printshellcmds`; the whole of it is always in `.snakemake/log`.
"""

import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from snakemake_interface_logger_plugins.base import LogHandlerBase

from workflow_lib.live import text
from workflow_lib.live.failures import in_our_words
from workflow_lib.live.state import State, rows

if TYPE_CHECKING:
    from rich.live import Live

UNSAID = ("Assuming unrestricted", "Building DAG", "Using shell", "host:")
"""Beginnings of what Snakemake says before a run, and nobody needs."""
SAID_BETTER = (
    "At least one job did not",
    "returned non-zero exit status",
    "Exiting because a job",
    "--keep-incomplete",
)
"""Parts of what Snakemake says of a failed job, whose cause is told at the end."""
EVERY = 0.5
"""Seconds between two pictures."""


class LogHandler(LogHandlerBase):
    """What `--logger latent-atlas` shows."""

    def __post_init__(self) -> None:
        """Begin with an empty state."""
        settings = self.common_settings
        self.off = bool(settings.verbose or settings.debug_dag or settings.printshellcmds)
        self.quiet = {str(getattr(kind, "value", kind)).lower() for kind in settings.quiet or ()}
        self.stream = sys.stdout if settings.stdout else sys.stderr
        self.state = State()
        self.guard = threading.Lock()  # not the handler's lock: a picture waits for it while `Live` holds its own
        self.live: Live | None = None
        self.running = False
        self.told: set[str] = set()

    # What the interface asks for.
    writes_to_stream = property(lambda self: not self.off)
    writes_to_file = property(lambda self: False)
    has_filter = property(lambda self: True)
    has_formatter = property(lambda self: True)
    needs_rulegraph = property(lambda self: False)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record of Snakemake into the state, and say what is to be said at once."""
        try:
            self._take(record)
        except Exception:  # else the thread ends, and nothing is said any more
            self.handleError(record)

    def _take(self, record: logging.LogRecord) -> None:
        if self.off:
            return
        event = str(record.event) if hasattr(record, "event") else None
        failed = set(self.state.failures)
        with self.guard:
            self.state.take(event, record.__dict__, time.time())
        self.running |= event == "workflow_started"
        if event == "error" or (event is None and record.levelno >= logging.WARNING):
            self._problem(record)
        elif event is None and not self.running and "forecast" not in record.__dict__:
            self._say(*([] if self.quiet or record.getMessage().startswith(UNSAID) else [record.getMessage()]))
        elif self.running and not self.quiet & {"all", "progress"} and not self.common_settings.dryrun:
            self._show(event, failed)

    def _problem(self, record: logging.LogRecord) -> None:
        said = in_our_words(str(record.__dict__.get("exception")), record.getMessage())
        if not self.state.stopped and not any(part in said for part in SAID_BETTER):
            self._say(said)
        self.running &= self.state.began is not None

    def _show(self, event: str | None, failed: set[int]) -> None:
        """Draw, or write a line."""
        now = time.time()
        if self.state.began is None:
            return
        if self.stream.isatty() and os.environ.get("TERM") != "dumb":
            if self.live is None:
                self.live = self._drawn()
            return
        if not self.told:
            self.told.add("begin")
            self._say(text.start_line(self.state, now))
        for number in self.state.failures.keys() - failed:
            self._say(text.failed_line(self.state.failures[number].what, now))
        if ended := set(self.state.ended) - self.told:
            self.told |= ended
            self._say(*(text.stage_line(row, self.state, now) for row in rows(self.state, now) if row.stage in ended))

    def _drawn(self) -> "Live":
        """A picture that draws itself anew in a thread of its own."""
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self.stream, highlight=False)
        live = Live(console=console, refresh_per_second=1 / EVERY, get_renderable=lambda: self._picture(console))
        live.start()
        return live

    def _picture(self, console: Any) -> Any:
        from rich.text import Text

        with self.guard:
            self.state.look()
            return Text("\n".join(text.view(self.state, time.time(), console.width, console.height - 1)))

    def _say(self, *lines: str) -> None:
        for line in lines:
            if self.live:
                self.live.console.print(line, markup=False, soft_wrap=True)
            else:
                print(line, file=self.stream, flush=True)

    def close(self) -> None:
        """Say how the run has ended."""
        if self.live:
            self.live.stop()
            self.live = None
        if not self.off and self.running:
            self.running = False
            words = text.last_words(self.state, time.time())
            dry = self.common_settings.dryrun and not self.state.nothing
            if dry and self.state.forecast.steps:
                words = text.dry_run(self.state, time.time())
            if self.state.failures or "all" not in self.quiet:
                self._say(*words)
        super().close()
