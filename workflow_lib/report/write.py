"""Write the page of a plan to a file, and say what it holds."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow_lib.errors import Problem, UserError
from workflow_lib.io.files import atomic
from workflow_lib.plan.plan import Plan
from workflow_lib.report.page import Summary, render
from workflow_lib.report.words import counted


@dataclass(frozen=True)
class Written:
    """A page that was written."""

    path: Path
    summary: Summary


def write(plan: Plan, files: Sequence[Path], path: Path, options: Sequence[str] = ()) -> Written:
    """Write the page of a plan; the file is complete or unchanged.

    Args:
        plan: the plan of the run.
        files: the config files, which the page shows.
        path: the file. Its folder must exist, unless it is that of the results.
        options: those of `latent-atlas` that find the same config and results again.

    Raises:
        UserError: the file cannot be written there.
    """
    if path.parent == Path(plan.results):
        path.parent.mkdir(parents=True, exist_ok=True)
    _check(path)
    text, summary = render(plan, files, path.absolute(), options)
    with atomic(path) as scratch:
        scratch.write_bytes(text.encode("utf-8", "replace"))  # a name may have characters that are no text
    return Written(path, summary)


def _check(path: Path) -> None:
    """Raise UserError if a file cannot be written, before anything is read."""
    if path.is_dir():
        raise UserError(Problem(str(path), "", "is a folder", f"name a file, such as {path / 'report.html'}"))
    if not path.parent.is_dir():
        wrong = "is not a folder" if path.parent.exists() else "this folder does not exist"
        raise UserError(Problem(str(path.parent), "", wrong, f"make it: mkdir -p {shlex.quote(str(path.parent))}"))
    if not os.access(path.parent, os.W_OK):
        raise UserError(
            Problem(str(path.parent), "", "this folder may only be read", "name a file in a folder of yours")
        )


def describe(written: Written, options: Sequence[str]) -> str:
    """Where the page is, its size, and what it lacks."""
    summary = written.summary
    lines = [f"Open this page in a browser ({summary.bytes / 1e6:.1f} MB): {written.path.absolute().as_uri()}"]
    for count, words in (
        (summary.missing, f"of {summary.total} tables and figures are missing"),
        (summary.outdated, f"of {summary.total} tables and figures are outdated"),
    ):
        if count:
            lines.append(f"{count} {words}")
    if summary.failed:
        lines.append(f"{counted(summary.failed, 'job')} failed")
    if len(lines) > 1:
        command = shlex.join(["latent-atlas", "run", *options])
        lines.append(f"They are marked on the page. To make what is missing or outdated: {command}")
    return "\n".join(lines)
