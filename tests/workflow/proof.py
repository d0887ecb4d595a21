"""The proofs, printed: `python tests/workflow/proof.py [contract] [kills] [damage] [--only TEXT] [--jobs 2]`.

Runs the miniature once, then every case of the named proofs on a copy of it, several at once. Ends with 1 if any
case is not exact.
"""

import argparse
import importlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from outcome import Case, Outcome
from project import Project

PROOFS = ("contract", "kills", "damage")


def outcomes(cases: Sequence[Case], finished: Project, folder: Path, jobs: int) -> Iterator[Outcome]:
    """Run cases, several at once, each in a folder of its own that is removed; in their order."""
    with ThreadPoolExecutor(jobs) as pool:  # a case waits for its processes
        yield from pool.map(lambda number: _run(cases[number], finished, folder / str(number)), range(len(cases)))


def _run(case: Case, finished: Project, folder: Path) -> Outcome:
    folder.mkdir(parents=True)
    try:
        return case.run(finished, folder)
    except Exception as error:
        return Outcome(case.name, False, "ended early", f"{type(error).__name__}: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments: Sequence[str]) -> int:
    """Print a table for each proof; 1 if any case is not exact."""
    parser = argparse.ArgumentParser(prog="proof.py", description=__doc__)
    parser.add_argument("proofs", nargs="*", metavar="PROOF", help=f"{', '.join(PROOFS)}; all when none is named")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases with this text in their names")
    parser.add_argument("--jobs", type=int, default=2, help="cases that run at once")
    parser.add_argument("--finished", type=Path, metavar="FOLDER", help="a miniature that has been run already")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.proofs) - set(PROOFS):
        parser.error(f"no such proof: {', '.join(sorted(unknown))}; choose from {', '.join(PROOFS)}")
    with tempfile.TemporaryDirectory(prefix="latent-atlas-") as folder:
        finished = Project(chosen.finished) if chosen.finished else _finished(Path(folder, "finished"))
        totals = [
            _print(proof, chosen.only, finished, Path(folder, proof), chosen.jobs) for proof in chosen.proofs or PROOFS
        ]
    return 0 if all(totals) else 1


def _finished(folder: Path) -> Project:
    folder.mkdir()
    project = Project(folder)
    run = project.snakemake()
    if run.code:
        sys.exit(run.output)
    return project


def _print(proof: str, only: str, finished: Project, folder: Path, jobs: int) -> bool:
    """Print the table of one proof; whether all its cases are exact."""
    cases = [case for case in importlib.import_module(proof).cases() if only in case.name]
    width = max((len(case.name) for case in cases), default=0)
    exact = 0
    print(f"\n{proof}", flush=True)
    for outcome in outcomes(cases, finished, folder, jobs):
        exact += outcome.exact
        print(f"{'exact ' if outcome.exact else 'DIFFERS'}  {outcome.name:{width}}  {outcome.summary}", flush=True)
        for line in outcome.difference.splitlines():
            print(f"         {line}", flush=True)
    print(f"{proof}: {exact} of {len(cases)} exact", flush=True)
    return exact == len(cases)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
