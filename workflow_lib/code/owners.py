"""Which distribution installed a module, from the lists of files in their metadata."""

import contextlib
import hashlib
import json
from pathlib import Path

from workflow_lib.code.libraries import lines_of, metadata_folders, normal
from workflow_lib.code.search import SHARED
from workflow_lib.io.files import atomic


def owners(root: Path, memory: Path | None = None) -> dict[str, list[str]]:
    """Distributions that installed each top-level module of a folder; someone's own modules are missing.

    Args:
        root: entry of `sys.path`.
        memory: folder in which the answer is cached.
    """
    folders = [folder for folder in metadata_folders(str(root)) if _lists_modules(folder)]
    name = hashlib.sha256("\n".join([str(root), *sorted(folder.name for folder in folders)]).encode()).hexdigest()
    record = memory / name[:2] / name[2:] if memory and folders else None
    if record:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return {module: list(names) for module, names in json.loads(record.read_bytes()).items()}
    found: dict[str, set[str]] = {}
    for folder in folders:
        for module in _modules(folder):
            found.setdefault(module, set()).add(normal(folder.name.partition("-")[0]))
    answer = {module: sorted(names) for module, names in found.items()}
    if record:
        with contextlib.suppress(OSError), atomic(record) as scratch:
            scratch.write_text(json.dumps(answer))
    return answer


def _lists_modules(folder: Path) -> bool:
    """Whether metadata say what is installed; those of an editable installation stay beside its sources."""
    return folder.suffix == ".dist-info" or bool(set(SHARED).intersection(folder.parts))


def _modules(folder: Path) -> set[str]:
    """Top-level modules of a distribution, from its metadata folder."""
    files = [line.split(",")[0] for line in lines_of(folder / "RECORD")]
    named = [line.strip() for line in lines_of(folder / "top_level.txt")]
    return {
        file.partition("/")[0].partition(".")[0] for file in [*files, *named] if not file.startswith((".", "/"))
    } - {""}
