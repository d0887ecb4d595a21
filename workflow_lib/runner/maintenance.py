"""Look at the action cache, make it smaller: `python -m workflow_lib.runner.maintenance info | prune --budget 10GB`."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from workflow_lib.cache.digests import cache_folder
from workflow_lib.cache.inventory import size_text, table, take_inventory
from workflow_lib.cache.pruning import IN_USE_SECONDS, prune
from workflow_lib.errors import Problem, UserError

UNITS = {"": 1, "B": 1} | {
    f"{prefix}{kind}": base**power
    for power, prefix in enumerate("KMGT", start=1)
    for kind, base in {"": 1000, "B": 1000, "IB": 1024}.items()
}


def main(arguments: Sequence[str]) -> int:
    """Run one command on the cache of the working directory; 0, or 1 when the user has to put something right."""
    parser = argparse.ArgumentParser(prog="python -m workflow_lib.runner.maintenance", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info", help="what the cache holds, by verb")
    pruning = commands.add_parser("prune", help="remove what was not used for longest")
    pruning.add_argument("--budget", required=True, help="bytes that the results may take: 10GB, 500MB, 0")
    options = parser.parse_args(arguments)
    folder = cache_folder()
    try:
        print(_info(folder) if options.command == "info" else _prune(folder, parse_size(options.budget)))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parse_size(text: str) -> int:
    """Bytes in `10GB` (powers of 1000), `10GiB` (powers of 1024), `500 MB`, `0`.

    Raises:
        UserError: it is no size.
    """
    match = re.fullmatch(r"(\d+\.?\d*)\s*([a-z]*)", text.strip(), re.IGNORECASE)
    if match is None or match[2].upper() not in UNITS:
        allowed = "a size is a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB"
        repair = "set it before the command: LATENT_ATLAS_CACHE_BUDGET=10GB snakemake cache_prune"
        raise UserError(Problem("the budget of the cache", text or "not set", allowed, repair))
    return int(float(match[1]) * UNITS[match[2].upper()])


def _info(folder: Path) -> str:
    return f"{folder}\n{table(take_inventory(folder))}"


def _prune(folder: Path, budget: int) -> str:
    try:
        done = prune(folder, budget)
    except OSError as error:
        repair = "prune as the user who owns the cache"
        raise UserError(Problem(str(folder), str(error), "the cache cannot be changed", repair)) from None
    text = f"{folder}: removed {done.actions:,} jobs, {done.objects:,} objects, {size_text(done.freed)}; "
    text += f"{size_text(done.left)} left"
    if done.left > budget:
        text += f", more than {size_text(budget)}: used within the last {IN_USE_SECONDS / 60:.0f} minutes"
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
