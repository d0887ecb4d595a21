"""Notice that something changed while a job read it: its result would be kept under a key that is not its own.

Files are compared by size, times and inode, and not only by content: what was put back may have been read meanwhile.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from workflow_lib.cache.digests import DigestMemory, code_memory, identities
from workflow_lib.cache.store import action_key
from workflow_lib.code import fingerprint, sources
from workflow_lib.code.functions import function_code, function_source
from workflow_lib.code.signature import step_module
from workflow_lib.errors import Problem, UserError
from workflow_lib.runner.job import Job
from workflow_lib.runner.outside import Outside, outside

NOTHING: Outside = {"files": {}, "visible": {}, "functions": {}}


class Reading:
    """Everything that a job reads, looked at before its step begins.

    Args:
        job: the job, with the hints that it uses.
        inputs: digest of each of its inputs, by role.
        memory: remembered digests of unchanged files.

    Raises:
        UserError: the code, an input, or a file or function of the user is not what the job was planned with.
    """

    def __init__(self, job: Job, inputs: Mapping[str, str], memory: DigestMemory) -> None:
        self._job = job
        self._outside: Outside = json.loads(job.spec).get("outside", NOTHING)
        self._before = self._identities()
        planned = self._outside | {"functions": {}}
        planned["files"] = {str(path): inputs[role] for role, path in job.files("input").items()} | planned["files"]
        now = outside(**planned, digest=memory.digest, source=str)
        changed = [path for kind, paths in planned.items() for path in paths if now[kind][path] != paths[path]]
        _refuse(
            [*self._changed_code(), *changed],
            "has changed since this job was planned",
            "run snakemake again to plan with what is there now",
        )

    @property
    def key(self) -> str:
        """The same for two jobs if nothing that they read was written in between."""
        return action_key(files=self._before)

    def require_unchanged(self) -> None:
        """Look again after the step.

        Raises:
            UserError: anything that the step may have read was changed meanwhile, even if it was put back.
        """
        now = self._identities()
        paths = self._before.keys() | now.keys()
        _refuse(
            sorted(path for path in paths if self._before.get(path) != now.get(path)) or self._changed_code(),
            f"changed while it was read by {self._job.verb}; nothing of this job is kept",
            "run snakemake again, and change it only when no job runs that reads it",
        )

    def _identities(self) -> dict[str, list[int]]:
        modules = fingerprint.closure(step_module(self._job.verb), code_memory())
        own = [sources.ROOT / file for module in modules if (file := sources.file_of(module))]
        theirs = [
            file for name in self._outside["functions"] for file in function_code(name, code_memory()).files.values()
        ]
        read = [*self._job.files("input").values(), *self._job.files("hint").values()]
        files = [*own, *theirs, *read, *map(Path, self._outside["files"])]
        here = Path.cwd()
        named = [file.relative_to(here) if file.is_relative_to(here) else file for file in files]
        return identities(named) | identities(map(Path, self._outside["visible"]), hidden=False)

    def _changed_code(self) -> list[str]:
        """Our code and the user's functions, if they or their libraries are other than planned."""
        fingerprint.forget()
        now = fingerprint.code_fingerprint(step_module(self._job.verb), code_memory())
        own = [] if now == self._job.code else [f"the code of {self._job.verb}"]
        return own + [name for name, planned in self._outside["functions"].items() if function_source(name) != planned]


def _refuse(names: Iterable[str], what: str, repair: str) -> None:
    problems = [Problem(name, "", what, repair) for name in names]
    if problems:
        raise UserError(*problems)
