"""Inputs of jobs: damage is noticed, named, and mended from the cache, or put aside."""

import hashlib
import shutil
from pathlib import Path

import pytest
from runner_cases import job

from workflow_lib.cache import digests
from workflow_lib.cache.store import ActionCache
from workflow_lib.errors import UserError
from workflow_lib.runner import inputs, run
from workflow_lib.runner.job import parse


def damage(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.fixture
def artifact(project):
    """An input that a job has made, with the record of it."""
    run.run(job(output="results/made.zarr.zip"))
    return project / "results/made.zarr.zip"


def proved(path, project):
    memory = digests.DigestMemory(project / "results/.cache/digests")
    return inputs.sound_digests({"role": path}, Path("results"), memory, ActionCache(Path("results/.cache")))


def test_a_damaged_input_comes_back_from_the_cache_and_is_named(project, artifact, capfd):
    whole = artifact.read_bytes()
    name = artifact.relative_to(project)
    damage(artifact)
    assert proved(name, project) == {"role": hashlib.sha256(whole).hexdigest()}
    assert artifact.read_bytes() == whole
    assert artifact.with_name("made.zarr.zip.damaged").read_bytes() != whole
    assert "results/made.zarr.zip: damaged or edited" in capfd.readouterr().err


@pytest.mark.parametrize("record", ["there", "gone", "not readable", "of an earlier version"])
def test_a_damaged_input_that_cannot_be_brought_back_is_put_aside(project, artifact, record):
    sidecar = project / "results/provenance/made.zarr.zip.json"
    if record == "gone":
        sidecar.unlink()
    elif record == "not readable":
        sidecar.write_text("{")
    elif record == "of an earlier version":
        sidecar.write_text("{}")
    shutil.rmtree(project / "results/.cache")
    name = artifact.relative_to(project)
    assert proved(name, project)
    damage(artifact)
    with pytest.raises(UserError, match=r"made\.zarr\.zip\n.*damaged(.|\n)*run snakemake again"):
        proved(name, project)
    assert not artifact.exists()
    assert artifact.with_name("made.zarr.zip.damaged").exists()
    with pytest.raises(UserError, match="does not exist"):
        proved(name, project)


def test_all_inputs_that_are_not_sound_are_named_at_once(project, artifact):
    shutil.rmtree(project / "results/.cache")
    artifact.write_bytes(artifact.read_bytes()[:-1])
    job = parse(
        ["compute-kstar", "--features", "results/{made,none}.zarr.zip", "--kstar", "k", "--spec", "{}", "--code", "x"]
    )
    with pytest.raises(UserError) as error:
        inputs.sound_digests(
            job.files("input"), Path("results"), digests.DigestMemory(project / "d"), ActionCache(project / "c")
        )
    assert [problem.where for problem in error.value.problems] == [
        "results/made.zarr.zip",
        "results/none.zarr.zip",
    ]
