"""Write the generated files: config reference, JSON schema, and environments.

python -m workflow_lib.config.generate            # in the repository's root
python -m workflow_lib.config.generate --check    # writes nothing; fails when a file has drifted
"""

import argparse
import json
import sys
from pathlib import Path

from workflow_lib.config.environment import environments
from workflow_lib.config.reference import reference
from workflow_lib.config.schema import schema

COMMAND = "python -m workflow_lib.config.generate"


def generated(root: Path) -> dict[str, str]:
    """Text of each generated file, by path relative to the repository's root."""
    made = schema()
    return {
        "docs/config.schema.json": json.dumps(made, indent=2, ensure_ascii=False) + "\n",
        "docs/config.md": reference(made),
    } | environments(root)


def drifted(root: Path) -> list[str]:
    """Generated files in `root` that are missing or out of date."""
    return [
        name
        for name, text in generated(root).items()
        if not (root / name).is_file() or (root / name).read_text("utf-8") != text
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with --check list those that are out of date. Returns the exit status."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write the reference of the config and environments.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file has drifted")
    if not parser.parse_args(arguments).check:
        for name, text in generated(Path()).items():
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text(text, "utf-8", newline="\n")
        return 0
    stale = drifted(Path())
    for name in stale:
        print(f"{name} is out of date; run: {COMMAND}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
