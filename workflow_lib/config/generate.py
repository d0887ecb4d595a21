"""Writes what follows from the config's model: docs/config.schema.json and docs/config.md.

python -m workflow_lib.config.generate            # in the repository's root
python -m workflow_lib.config.generate --check    # writes nothing; fails when a file has drifted
"""

import argparse
import json
import sys
from pathlib import Path

from workflow_lib.config.reference import reference
from workflow_lib.config.schema import schema

COMMAND = "python -m workflow_lib.config.generate"


def generated() -> dict[str, str]:
    """Text of each generated file by its path, relative to the repository's root."""
    made = schema()
    return {
        "docs/config.schema.json": json.dumps(made, indent=2, ensure_ascii=False) + "\n",
        "docs/config.md": reference(made),
    }


def drifted(root: Path) -> list[str]:
    """Generated files under `root` that are missing or not what the model gives."""
    return [
        name
        for name, text in generated().items()
        if not (root / name).is_file() or (root / name).read_text("utf-8") != text
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with --check say which ones must be written; exit status."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write docs/config.schema.json and docs/config.md.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file has drifted")
    if not parser.parse_args(arguments).check:
        for name, text in generated().items():
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text(text, "utf-8", newline="\n")
        return 0
    stale = drifted(Path())
    for name in stale:
        print(f"{name} is not what the config's model gives; run: {COMMAND}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
