"""Inputs of jobs: damage is noticed, named, and mended from the cache, or put aside."""

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from runner_cases import job

from workflow_lib.cache import digests
from workflow_lib.cache.store import ActionCache
from workflow_lib.code.fingerprint import code_fingerprint
from workflow_lib.errors import UserError
from workflow_lib.runner import inputs, records, run
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


def with_unchanged_times(monkeypatch, path):
    """Damage a file as a disk does, so that its digest is still remembered."""
    remembered, digest = digests.DigestMemory.digest, digests.content_digest(path)
    damage(path)
    monkeypatch.setattr(
        digests.DigestMemory, "digest", lambda self, file: digest if file == path else remembered(self, file)
    )


@pytest.fixture
def table(project):
    """A CSV that a job has made, in the cache and with its record."""
    path = Path("results/studies/classes.csv")
    path.parent.mkdir(parents=True)
    path.write_text("class,mean\ncat,1.5\n")
    action = ActionCache(Path("results/.cache")).store("0" * 64, {"table": path}, {"verb": "tabulate_kstar"})
    records.write(action.record, action.outputs["table"], path, Path("results"), path.with_name("scratch"))
    return path


def test_a_bit_that_changes_in_a_table_and_leaves_its_times_is_noticed(project, table, monkeypatch):
    whole = table.read_bytes()
    with_unchanged_times(monkeypatch, table)
    assert proved(table, project) == {"role": hashlib.sha256(whole).hexdigest()}
    assert table.read_bytes() == whole


def test_a_bit_that_changes_in_a_store_and_leaves_its_times_is_named_and_mended(project, monkeypatch):
    features = Path("results/features.zarr.zip")
    whole = features.read_bytes()
    action = ActionCache(Path("results/.cache")).store("0" * 64, {"features": features}, {"verb": "extract_features"})
    records.write(action.record, action.outputs["features"], features, Path("results"), Path("scratch"))
    with_unchanged_times(monkeypatch, features)
    with pytest.raises(UserError, match=r"features\.zarr\.zip\n.*damaged.* restored from the cache"):
        run.run(job())
    assert not Path("results/kstar.zarr.zip").exists()
    assert features.read_bytes() == whole
    run.run(job())
    assert Path("results/kstar.zarr.zip").exists()


def test_a_damaged_input_is_there_all_the_time_while_it_is_mended(project, table, monkeypatch):
    damage(table)
    mend, seen = ActionCache.mend, []
    monkeypatch.setattr(ActionCache, "mend", lambda *args: seen.append(table.exists()) or mend(*args))
    assert proved(table, project)
    assert seen == [True]


def test_what_another_job_has_mended_meanwhile_is_not_mended_again(project, table, monkeypatch):
    damage(table)
    wrong, digest = table.read_bytes(), inputs.content_digest
    cache = ActionCache(Path("results/.cache"))

    def slowly(path):
        found = digest(path)
        if found == hashlib.sha256(wrong).hexdigest():
            inputs.mend(path, records.digest_of(path, Path("results")), cache)
        return found

    monkeypatch.setattr(inputs, "content_digest", slowly)
    assert proved(table, project) == {"role": records.digest_of(table, Path("results"))}
    assert table.with_name("classes.csv.damaged").read_bytes() == wrong


def test_many_readers_of_a_damaged_input_all_succeed(project, table):
    for _ in range(20):
        damage(table)
        with ThreadPoolExecutor(4) as pool:
            assert len({str(found) for found in pool.map(lambda _: proved(table, project), range(4))}) == 1


def training(spec='{"outside":{"files":{},"functions":{}}}', device="cpu"):
    code = code_fingerprint("workflow_lib.steps.train_interval")
    files = ["--dataset", "d", "--previous", "results/earlier.pt", "--checkpoint", "c.pt", "--curve", "c.csv"]
    return parse(["train-interval", *files, "--spec", spec, "--code", code, "--device", device])


@pytest.mark.parametrize(
    ("change", "used"),
    [
        ({}, True),
        ({"spec": {"outside": {"files": {}, "functions": {}}, "stop_epoch": 2}}, True),
        ({"code": "0" * 12}, False),
        ({"device": "cuda"}, False),
        ({"verb": "import_weights"}, False),
        ({"versions": {"python": "3.0"}}, False),
        ({"spec": {"outside": {"files": {}, "functions": {"my_net:build": "0" * 12}}}}, False),
        (None, False),
    ],
)
def test_a_hint_is_used_only_if_its_record_says_that_it_was_made_as_the_job_makes_it(project, change, used):
    hint, wanted = Path("results/earlier.pt"), training()
    hint.write_bytes(storage_of_a_checkpoint())
    if change is not None:
        record = records.describe(wanted, json.loads(wanted.spec), 1.0) | {"inputs": {}, "key": "0" * 64} | change
        records.write(record, digests.content_digest(hint), hint, Path("results"), Path("scratch"))
    memory, cache = digests.DigestMemory(project / "d"), ActionCache(project / "c")
    assert inputs.sound_hints([hint], wanted, memory, cache) == ([hint] if used else [])


def storage_of_a_checkpoint():
    """A zip file without members, as far as the runner reads checkpoints."""
    return b"PK\5\6" + bytes(18)
