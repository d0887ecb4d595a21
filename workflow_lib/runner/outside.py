"""What a job takes from outside of the results: files and functions of the user, as its spec names them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from workflow_lib.cache.digests import DigestMemory, code_memory

Outside = dict[str, dict[str, str]]
"""Digest of each file or folder by its path, under `files`; of each `module:function`, under `functions`."""


def outside(files: Iterable[str], functions: Iterable[str], memory: DigestMemory) -> Outside:
    """Digests of files and functions as they are now; "" for a file that does not exist.

    Args:
        files: paths of files and folders, relative to the working directory.
        functions: functions as "module:function".
        memory: remembered digests of unchanged files.

    Raises:
        UserError: the source of a function is not valid Python.
    """
    # Imported here so that restored jobs do not pay for it.
    from workflow_lib.code.functions import function_source

    return {
        "files": {path: memory.digest(Path(path)) if Path(path).exists() else "" for path in files},
        "functions": {reference: function_source(reference, code_memory()) for reference in functions},
    }


def changed(planned: Mapping[str, Mapping[str, str]], memory: DigestMemory) -> list[str]:
    """Names of the files and functions whose content is not what a spec names."""
    now = outside(planned.get("files", ()), planned.get("functions", ()), memory)
    return [name for kind, digests in planned.items() for name, digest in digests.items() if now[kind][name] != digest]
