"""The proofs, printed: `python tests/workflow/proof.py [contract] [kills] … [--only TEXT] [--jobs N]`.

Runs the miniature once, then every case of the named proofs on a copy of it, several at once. Ends with 1 if any
case is not as it must be.
"""

import argparse
import importlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from outcome import Case, Outcome
from project import Project, run_once

PROOFS = ("contract", "kills", "damage", "mistakes")


def cases(proof: str) -> Sequence[Case]:
    """All cases of a proof."""
    return importlib.import_module(proof).cases()


def chosen(proof: str, every: int, *quick: str) -> list[Any]:
    """Cases as parameters of a test: those named always, every so-many-th as a slow test.

    LATENT_ATLAS_TEST_ALL=1 takes all of them, the others as slow tests.
    """
    known, everything = cases(proof), os.environ.get("LATENT_ATLAS_TEST_ALL")
    assert set(quick) <= {case.name for case in known}, quick
    return [
        pytest.param(case, id=case.name, marks=[] if case.name in quick else pytest.mark.slow)
        for number, case in enumerate(known)
        if everything or case.name in quick or number % every == every // 2
    ]


def main(arguments: Sequence[str]) -> int:
    """Print a table for each proof; 1 if any case is not exact."""
    parser = argparse.ArgumentParser(prog="proof.py", description=__doc__)
    parser.add_argument("proofs", nargs="*", metavar="PROOF", help=f"{', '.join(PROOFS)}; all when none is named")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases with this text in their names")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="cases that run at once")
    parser.add_argument("--finished", type=Path, metavar="FOLDER", help="a miniature that has been run already")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.proofs) - set(PROOFS):
        parser.error(f"no such proof: {', '.join(sorted(unknown))}; choose from {', '.join(PROOFS)}")
    with tempfile.TemporaryDirectory(prefix="latent-atlas-") as folder:
        finished = run_once(asked.finished or Path(folder, "finished"))
        exact = [
            _print(proof, asked.only, finished, Path(folder, proof), asked.jobs) for proof in asked.proofs or PROOFS
        ]
    return 0 if all(exact) else 1


def _print(proof: str, only: str, finished: Project, folder: Path, jobs: int) -> bool:
    """Try the cases of one proof, and print them; whether all are exact."""
    known = [case for case in cases(proof) if only in case.name]
    width = max((len(case.name) for case in known), default=0)
    exact = 0
    print(f"\n{proof}", flush=True)
    with ThreadPoolExecutor(jobs) as pool:  # a case waits for its processes
        outcomes = pool.map(lambda number: _try(known[number], finished, folder / str(number)), range(len(known)))
        for case, (summary, wrong) in zip(known, outcomes, strict=True):
            exact += not wrong
            print(f"{'DIFFERS' if wrong else 'exact  '}  {case.name:{width}}  {summary}", flush=True)
            for line in "\n".join(wrong).splitlines():
                print(f"         {line}", flush=True)
    print(f"{proof}: {exact} of {len(known)} exact", flush=True)
    return exact == len(known)


def _try(case: Case, finished: Project, folder: Path) -> Outcome:
    folder.mkdir(parents=True)
    began = time.monotonic()
    try:
        summary, wrong = case.run(finished, folder)
    except Exception as error:
        summary, wrong = "ended early", [f"{type(error).__name__}: {error}"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Outcome(f"{summary}, {time.monotonic() - began:.0f} s", wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
