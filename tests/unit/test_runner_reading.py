"""What changes while a job reads it: nothing is kept or published, also if it was put back."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from runner_cases import job

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.cache.inventory import take_inventory
from workflow_lib.config.load import load
from workflow_lib.errors import UserError
from workflow_lib.plan.jobs import job_of
from workflow_lib.plan.plan import Plan
from workflow_lib.runner import run

IMAGES = {"source": "imagefolder", "root": "photos", "image_size": [4, 4], "test_fraction": 0.5}
DATASETS = {
    "features": {"source": "features", "path": "emb.npz"},
    "photos": IMAGES,
    "made": {"source": "function", "function": "my_data:load"},
}
MY_DATA = """
import numpy as np
import my_numbers

def load():
    half = np.full((4, 1, 2, 2), my_numbers.LEVEL, dtype="uint8"), np.array([0, 0, 1, 1]), ["a", "b"]
    return {"train": half, "test": half}
"""


@pytest.fixture
def data(project):
    """A project with data and a function of the user; gives the path of the result of a dataset, by its name."""
    generator = np.random.default_rng(0)
    np.savez("emb.npz", features=generator.normal(size=(6, 2)).astype("float32"), labels=np.arange(6) % 2)
    from PIL import Image

    for name in (f"{letter}/{number}" for letter in "ab" for number in range(1, 5)):
        path = Path("photos", name).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 255, (4, 4, 3), dtype="uint8")).save(path)
    Path("my_data.py").write_text(MY_DATA)
    Path("my_numbers.py").write_text("LEVEL = 7\n")
    return {"features": "results/features/imported/features.zarr.zip"} | {
        name: f"results/datasets/{name}/train.zarr.zip" for name in ("photos", "made")
    }


def planned(path):
    config = {"datasets": DATASETS, "kstar": {"studies": {"one": {"features": "features", "metric": "euclidean"}}}}
    plan = Plan(load(config), DigestMemory(Path("results/.cache/digests")))
    return job_of(plan, path).run(plan, "cpu")


def in_place(path):
    """Write into a file, then write its former content and set its time back."""
    before, content = path.stat(), path.read_bytes()
    path.write_bytes(content[::-1])
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def moved(path):
    """Move a file or folder away, put another in its place, and move it back."""
    path.rename("aside")
    path.write_text("other")
    path.unlink()
    Path("aside").rename(path)


def beside(path):
    """A file that is in the folder for a while."""
    (path / "a" / "5.png").write_bytes((path / "b" / "1.png").read_bytes())
    (path / "a" / "5.png").unlink()


def for_good(path):
    path.write_bytes(path.read_bytes() + b"\n")


@pytest.mark.parametrize(
    ("dataset", "file", "change"),
    [
        ("features", "emb.npz", in_place),
        ("features", "emb.npz", moved),
        ("features", "emb.npz", for_good),
        ("photos", "photos/a/1.png", in_place),
        ("photos", "photos", moved),
        ("photos", "photos", beside),
        ("made", "my_data.py", in_place),
        ("made", "my_numbers.py", moved),
        ("made", "my_numbers.py", for_good),
    ],
)
def test_data_and_functions_that_change_while_they_are_read_leave_no_result(data, monkeypatch, dataset, file, change):
    call_step, states = run._call_step, []

    def while_it_changes(*arguments):
        states.append(arguments[-1])
        states[0].mkdir()
        call_step(*arguments)
        change(Path(file))

    monkeypatch.setattr(run, "_call_step", while_it_changes)
    with pytest.raises(UserError, match="changed while it was read") as error:
        run.run(planned(data[dataset]))
    assert any(problem.where.startswith(file) for problem in error.value.problems), error.value
    assert not Path(data[dataset]).exists()
    assert take_inventory(Path("results/.cache")).actions == []
    assert not states[0].parent.exists()  # what was saved is of no use
    monkeypatch.setattr(run, "_call_step", lambda *arguments: states.append(arguments[-1]) or call_step(*arguments))
    run.run(planned(data[dataset]))
    assert Path(data[dataset]).exists()
    assert states[0] != states[1]  # what was saved meanwhile is not used to go on


def test_data_that_changed_between_plan_and_start_are_named(data):
    late = planned(data["features"])
    for_good(Path("emb.npz"))
    with pytest.raises(UserError, match=r"emb\.npz\n +has changed since this job was planned"):
        run.run(late)
    run.run(planned(data["features"]))


def test_what_changes_while_a_job_waits_for_a_gpu_is_noticed(data):
    late = planned(data["made"])

    def lend(device):
        Path("my_numbers.py").write_text("LEVEL = 8\n")

    with pytest.raises(UserError, match=r"my_data:load\n +has changed since this job was planned"):
        run.run(late, lend)


@pytest.mark.parametrize("change", [in_place, moved, for_good])
def test_an_input_that_changes_while_it_is_read_leaves_no_result(project, monkeypatch, change):
    call_step, features = run._call_step, Path("results/features.zarr.zip")
    monkeypatch.setattr(run, "_call_step", lambda *arguments: (call_step(*arguments), change(features)))
    with pytest.raises(UserError, match=r"results/features\.zarr\.zip\n +changed while it was read by compute_kstar"):
        run.run(job())
    assert not Path("results/kstar.zarr.zip").exists()
    assert take_inventory(Path("results/.cache")).actions == []


def test_nothing_is_said_to_have_changed_if_it_is_only_read(data):
    for path in data.values():
        run.run(planned(path))
        assert Path(path).exists()


EDITED_MEANWHILE = """
from pathlib import Path
from runner_cases import job
from workflow_lib.runner import run

call_step, source = run._call_step, Path("workflow_lib/kstar/exact.py")

def while_the_code_is_edited(*arguments):
    text = source.read_text()
    source.write_text(text + "OTHER = 1\\n")
    call_step(*arguments)
    source.write_text(text)

run._call_step = while_the_code_is_edited
run.run(job())
"""


def test_our_code_that_is_edited_and_put_back_meanwhile_leaves_no_result(project):
    shutil.copytree(Path(run.__file__).parents[1], "workflow_lib", ignore=shutil.ignore_patterns("__pycache__"))
    path = os.pathsep.join([str(project), str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-c", EDITED_MEANWHILE], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert "kstar/exact.py\n    changed while it was read by compute_kstar" in done.stderr
    assert not Path("results/kstar.zarr.zip").exists()
    assert take_inventory(Path("results/.cache")).actions == []


def test_an_input_dated_ahead_gets_the_time_at_which_it_is_read(project):
    ahead = time.time() + 2 * 86400
    os.utime("results/features.zarr.zip", (ahead, ahead))
    run.run(job())
    assert Path("results/features.zarr.zip").stat().st_mtime <= Path("results/kstar.zarr.zip").stat().st_mtime
