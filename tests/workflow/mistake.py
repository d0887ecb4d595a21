"""A mistake of a user: told in one message of the agreed form, without a traceback, and nothing is touched."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from edits import Edit, nothing, put, take_out, write
from outcome import Outcome
from project import Project, Run, shipped

PROBLEM = r"\S.*\n    .+\n    -> .+"
MESSAGE = re.compile(rf"^(?:\w+: )?(\d+) problems?:\n({PROBLEM}(?:\n{PROBLEM})*)\n?\Z", re.M)
PROFILE = "Using workflow specific profile profiles/default for setting default command line arguments.\n"
LEFT_BY_OTHER_JOBS = (
    *(".snakemake/", "results/logs/", "results/benchmarks/", "results/provenance/"),
    *("results/checkpoints/wrong/", "results/prototypes/sure/wrong/"),
)
NOTES = (".snakemake/log/", "results/.cache/code/")
"""Logs, and what is remembered of sources: each call may write there."""
Listing = dict[str, tuple[int, int]]
"""Size and time of change of each file by its path."""


class _Gone:
    def __repr__(self) -> str:
        return "gone"


GONE = _Gone()
"""Value of a key that is taken out."""


def npz(**arrays: Any) -> bytes:
    """An .npz of these arrays."""
    file = BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


FEATURES = np.arange(24, dtype=np.float32).reshape(8, 3)
LABELS = np.repeat([0, 1], 4)
GOOD_FILES = {"data/embeddings.npz": npz(features=FEATURES, labels=LABELS)}
"""Files that the shipped configs name and do not bring."""


def setting(path: str, value: Any) -> Edit:
    """A setting of the config, named as in models/net/seeds; GONE takes it out."""
    return take_out(path) if value is GONE else put(path, value)


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        name: the mistake in words.
        said: pieces of the message, in their order; the first says where.
        edit: makes it in a project whose config.yaml is the base.
        base: shipped config that is edited: default (config.yaml), or the name of a file in configs/.
        files: further files by path; None makes a folder.
        arguments: of Snakemake.
        when: parse: told by us before anything is planned; run: told by us in the log of the first job that can know;
            snakemake: its own message about its command line;
            never: no mistake, the call must succeed.
    """

    name: str
    said: tuple[str, ...] = ()
    edit: Edit = nothing
    base: str = "miniature"
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    arguments: tuple[str, ...] = ("--dry-run",)
    when: Literal["parse", "run", "snakemake", "never"] = "parse"

    def make(self, project: Project) -> None:
        """Make the mistake in a project."""
        write("config.yaml", shipped(self.base))(project)
        self.edit(project)
        for path, content in {**GOOD_FILES, **self.files}.items():
            write(path, content)(project)

    def run(self, finished: Project, folder: Path) -> Outcome:
        """Make the mistake, call Snakemake, and judge what it says."""
        project = finished.copy(folder / "project", cores=1)
        self.make(project)
        before = _listing(project.folder)
        run = project.snakemake(*self.arguments)
        if self.when == "never":
            wrong = [] if run.code == 0 and not MESSAGE.search(run.output) else ["is taken for a mistake"]
        else:
            wrong = [] if run.code == 1 else [f"exit code {run.code}"]
            if self.when != "snakemake" and re.search(r'Traceback|^\s*File "', run.output, re.M):
                wrong.append("a traceback")
            wrong += [*self._wrong_words(project, run), *self._touched(before, _listing(project.folder))]
        return Outcome(f"exit code {run.code}", [*wrong, run.output[-4000:]] if wrong else [])

    def _wrong_words(self, project: Project, run: Run) -> Iterator[str]:
        """What is wrong with the message: all that is printed; of a job, that in its log, which is printed too."""
        message = run.output.replace(PROFILE, "")
        if self.when == "run":
            logs = [found[0] for log in map(project.log, sorted(run.started)) if (found := MESSAGE.search(log))]
            printed = [log for log in logs if log.strip() in run.output]
            message = printed[0] if len(printed) == 1 else f"{len(printed)} logs with a message"
        if self.when in ("parse", "run"):
            form = MESSAGE.search(message)
            if not form or int(form[1]) != form[2].count("\n    -> ") or (self.when == "parse" and form.start()):
                yield "not in the agreed form"
        place = 0
        for piece in self.said:
            found = message.find(piece, place)
            if found < 0:
                yield f"does not say {piece!r} there"
            place = max(place, found)

    def _touched(self, before: Listing, after: Listing) -> list[str]:
        """Files that a mistake must not touch."""
        changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        return [f"touched {path}" for path in changed if self.when != "run" or not _may_change(path)]


def _listing(folder: Path) -> Listing:
    return {
        name: (file.stat().st_size, file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file()
        and "__pycache__" not in file.parts
        and not (name := file.relative_to(folder).as_posix()).startswith(NOTES)
    }


def _may_change(path: str) -> bool:
    """Whether a failing job, or those before it, may leave such a file: nothing half written."""
    inside = path.removeprefix("results/.cache/")
    hidden = any(part.startswith(".") for part in inside.split("/")[:-1]) and not path.startswith(".snakemake/")
    return not hidden and (inside != path or path.startswith(LEFT_BY_OTHER_JOBS))
