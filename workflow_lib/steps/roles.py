"""What the command line must know of a step's arguments, written as annotations of its signature."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

Input = Annotated[Path, "input"]
"""A file that the result depends on."""

Output = Annotated[Path, "output"]
"""A file that the step writes; it is published only when the whole step has ended well."""

Hint = Annotated[Path, "hint"]
"""A file that makes the step faster and never changes its result, such as an earlier checkpoint."""


@dataclass(frozen=True)
class Context:
    """Runtime of a job: nothing here may change a result beyond stated tolerance.

    Attributes:
        device: "cpu" or "cuda".
        threads: number of CPU threads the job may use.
        scratch: folder named by the job's key; it survives a kill and is removed when the job has ended well.
    """

    device: str
    threads: int
    scratch: Path
