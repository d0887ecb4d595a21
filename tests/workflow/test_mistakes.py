"""Every mistake is told in one message of the agreed form, without a traceback, and touches nothing."""

import queue
import re
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from choice import asked_for, chosen
from mistake import Mistake
from mistakes import CONTROLS, MISTAKES
from mistakes_data import GOOD_FILES
from project import Project, shipped

pytestmark = pytest.mark.workflow

PROBLEM = r"\S.*\n    .+\n    -> .+"
MESSAGE = re.compile(rf"^(?:\w+: )?(\d+) problems?:\n({PROBLEM}(?:\n{PROBLEM})*)\n?\Z", re.M)
PROFILE = "Using workflow specific profile profiles/default for setting default command line arguments.\n"
LEFT_BY_OTHER_JOBS = (
    *("results/logs/", "results/benchmarks/", "results/provenance/"),
    *("results/checkpoints/wrong/", "results/prototypes/sure/wrong/"),
)


@pytest.fixture(scope="session")
def told(request, finished, tmp_path_factory):
    """What is wrong with the way in which each chosen mistake is told, by its name; two run at a time."""
    asked = asked_for(request, __name__, "mistake")
    projects: queue.Queue[Project] = queue.Queue()
    for number in range(2):
        projects.put(finished.copy(tmp_path_factory.mktemp("mistakes") / str(number), cores=1))

    def judge(mistake: Mistake) -> list[str]:
        project = projects.get()
        try:
            return verdict(mistake, project)
        finally:
            projects.put(project)

    pool = ThreadPoolExecutor(2)
    futures: dict[str, Future[list[str]]] = {mistake.name: pool.submit(judge, mistake) for mistake in asked}
    yield futures
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("mistake", chosen(MISTAKES, 6), ids=lambda mistake: mistake.name)
def test_a_mistake_is_told_in_one_message_and_touches_nothing(mistake, told):
    wrong = told[mistake.name].result()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda mistake: mistake.name)
def test_without_the_mistake_the_same_call_succeeds(control, project):
    done = call(control, project)
    assert done.code == 0, done.output
    assert not MESSAGE.search(done.output)


def test_the_judge_finds_fault_with_a_config_that_has_none(project):
    found = verdict(Mistake("nothing wrong", ("kstar.threshold",)), project)
    assert {"exit code 0", "not in the agreed form", "does not say 'kstar.threshold' there"} <= set(found)


def test_there_are_as_many_different_mistakes_as_we_say():
    names = [mistake.name for mistake in MISTAKES]
    assert len(names) == len(set(names)) >= 150


def test_a_mistake_in_one_dataset_stops_nothing_else(project):
    (project.folder / "data").mkdir()
    (project.folder / "data" / "bad.npz").write_bytes(b"nothing")

    def change(config):
        config["kstar"]["threshold"] = 0.7
        config["datasets"]["bad"] = {"source": "features", "path": "data/bad.npz"}
        config["kstar"]["studies"]["bad"] = {"features": "bad"}

    project.edit_config(change)
    run = project.snakemake("tables")
    assert run.code == 1
    assert "data/bad.npz: " in run.output
    assert "Traceback" not in run.output
    assert {"tabulate_kstar/training", "tabulate_kstar/metrics"} <= run.computed
    assert not (project.folder / "results" / "studies" / "kstar" / "bad").exists() or not any(
        (project.folder / "results" / "studies" / "kstar" / "bad").iterdir()
    )


Listing = dict[str, tuple[int, int]]
"""Size and time of change of each file by its path."""


@dataclass(frozen=True)
class Call:
    """A call of Snakemake with a mistake, which has been taken back since.

    Attributes:
        code, output: exit status and all that was printed.
        logs: of the jobs that ran.
        before, after: files of the project.
    """

    code: int
    output: str
    logs: list[str]
    before: Listing
    after: Listing


def verdict(mistake: Mistake, project: Project) -> list[str]:
    """All that is wrong with how a mistake is told."""
    done = call(mistake, project)
    found = [] if done.code == 1 else [f"exit code {done.code}"]
    if mistake.when != "snakemake" and re.search(r'Traceback|^\s*File "', done.output, re.M):
        found.append("a traceback")
    found += _wrong_words(mistake, _message(mistake, done)) + _touched(mistake, done)
    return [*found, done.output[-4000:]] if found else []


def call(mistake: Mistake, project: Project) -> Call:
    """Make the mistake in a project, call Snakemake, and take the mistake back with all that it has left."""
    config = project.folder / "config.yaml"
    kept, made = config.read_bytes(), {**GOOD_FILES, **mistake.files}
    text = mistake.text(shipped(mistake.base))
    config.unlink()
    if text is not None:
        config.write_bytes(text.encode() if isinstance(text, str) else text)
    for path, content in made.items():
        _make(project.folder / path, content)
    before = _listing(project.folder)
    run = project.snakemake(*mistake.arguments)
    after = _listing(project.folder)
    logs = [project.log(name) for name in sorted(run.started)]
    results = {path for path in after.keys() - before.keys() if path.startswith("results/")}
    for path in {"config.yaml", *results, *(Path(path).parts[0] for path in made)}:
        _remove(project.folder / path)
    config.write_bytes(kept)
    return Call(run.code, run.output, logs, before, after)


def _make(path: Path, content: bytes | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _listing(folder: Path) -> Listing:
    return {
        name: (file.stat().st_size, file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file()
        and "__pycache__" not in file.parts
        and not (name := file.relative_to(folder).as_posix()).startswith(".snakemake/log/")
    }


def _message(mistake: Mistake, done: Call) -> str:
    """What the user is told: all that is printed, or for a job, what its log says, which is printed too."""
    if mistake.when != "run":
        return done.output.removeprefix(PROFILE)
    telling = [log for log in done.logs if MESSAGE.search(log) and log.strip() in done.output]
    return telling[0] if len(telling) == 1 else f"{len(telling)} logs with a message"


def _wrong_words(mistake: Mistake, message: str) -> list[str]:
    """What is wrong with the form and the content of a message."""
    found, place = [], 0
    if mistake.when in ("parse", "run"):
        form = MESSAGE.search(message)
        if not form or int(form[1]) != form[2].count("\n    -> ") or (mistake.when == "parse" and form.start()):
            found.append("not in the agreed form")
    for piece in mistake.said:
        next_place = message.find(piece, place)
        if next_place < 0:
            found.append(f"does not say {piece!r} there")
        place = max(place, next_place)
    return found


def _touched(mistake: Mistake, done: Call) -> list[str]:
    """Files that a mistake must not touch."""
    before, after = done.before, done.after
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    if mistake.when == "run":
        changed = {path for path in changed if not _may_change(path)}
    return [f"touched {path}" for path in sorted(changed)]


def _may_change(path: str) -> bool:
    """Whether a failing job, or those before it, may leave such a file: nothing half-written."""
    kind, *parts = path.removeprefix("results/.cache/").split("/") if "results/.cache/" in path else ("", path)
    if any(part.startswith(".") for part in parts[:-1]) and not path.startswith(".snakemake/"):
        return False
    return bool(kind) or path.startswith((".snakemake/", *LEFT_BY_OTHER_JOBS))
