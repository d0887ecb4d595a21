"""The action cache: exact, whole or missing, whatever other processes do; its care."""

import errno
import hashlib
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import pytest
import xxhash

from workflow_lib.cache import copying, inventory
from workflow_lib.cache import store as cache
from workflow_lib.cache.actions import action_file, counted, kept_files, object_file, read_action
from workflow_lib.cache.pruning import parse_size, prune
from workflow_lib.cache.store import ActionCache

SECONDS_OF_TRAFFIC = 3.0
DAY = 86400


def key(name):
    return hashlib.sha256(str(name).encode()).hexdigest()


def digest(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def keep(tmp_path, folder):
    """Stores outputs, given as bytes by role, under the key of a name."""

    def store(name, verb="draw", **outputs):
        for role, content in outputs.items():
            (tmp_path / role).write_bytes(content)
        ActionCache(folder).store(key(name), {role: tmp_path / role for role in outputs}, {"verb": verb})

    return store


def bring(cache, key, outputs):
    """The record of a key whose outputs were put in their places; None when they were not."""
    action = cache.find(key, outputs)
    return action.record if action and cache.restore(key, action, outputs) else None


def restored(folder, name, place, *roles):
    """Bytes of the outputs by role, or None."""
    outputs = {role: place / "restored" / role for role in roles}
    if bring(ActionCache(folder), key(name), outputs) is None:
        assert not any(path.exists() for path in outputs.values())
        return None
    return {role: path.read_bytes() for role, path in outputs.items()}


def age(file, seconds):
    os.utime(file, (time.time() - seconds,) * 2)


def litter(folder):
    return [path for path in folder.rglob(".*") if path.is_dir()]


def test_outputs_come_back_with_their_record(folder, keep, tmp_path):
    keep("job", a=b"one", b=b"")
    assert restored(folder, "job", tmp_path, "a", "b") == {"a": b"one", "b": b""}
    assert bring(ActionCache(folder), key("job"), {r: tmp_path / r for r in "ab"}) == {
        "verb": "draw",
        "key": key("job"),
    }
    assert restored(folder, "another job", tmp_path / "x", "a", "b") is None
    assert restored(folder, "job", tmp_path / "y", "a") is None
    assert litter(folder) == []


def test_an_entry_whose_record_names_another_key_is_not_used(folder, keep, tmp_path):
    keep("job", a=b"one")
    for name in ("job", "another job"):
        found = action_file(folder, key(name))
        found.parent.mkdir(parents=True, exist_ok=True)
        found.write_bytes(action_file(folder, key("job")).read_bytes())
    assert restored(folder, "another job", tmp_path, "a") is None
    assert restored(folder, "job", tmp_path, "a") == {"a": b"one"}


@pytest.mark.parametrize("damage", [b"0ne", b"on", b"", b"one and more", None])
def test_a_damaged_or_lost_object_counts_as_missing_and_no_output_appears(folder, keep, tmp_path, damage, capfd):
    keep("job", a=b"whole", b=b"one")
    file = object_file(folder, digest(b"one"))
    file.unlink() if damage is None else file.write_bytes(damage)
    assert restored(folder, "job", tmp_path, "a", "b") is None
    assert not file.exists()
    assert str(file) in capfd.readouterr().err
    keep("job", a=b"whole", b=b"one")
    assert restored(folder, "job", tmp_path, "a", "b") == {"a": b"whole", "b": b"one"}


def test_storing_the_same_bytes_heals_a_damaged_object(folder, keep, tmp_path):
    keep("job", a=b"same")
    object_file(folder, digest(b"same")).write_bytes(b"s4me")
    keep("another job", a=b"same")
    assert restored(folder, "job", tmp_path, "a") == {"a": b"same"}


GOOD = {"outputs": {"a": digest(b"one")}, "record": {"key": key("job")}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"null",
        b"[]",
        b'"outputs"',
        b"{}",
        *(
            json.dumps(GOOD | change).encode()
            for change in (
                {"outputs": {"a": 1}},
                {"outputs": ["a"]},
                {"outputs": {"a": "../../a"}},
                {"outputs": {"a": digest(b"one") + "\n"}},
                {"record": None},
                {"record": [["verb", "draw"]]},
                {"checksums": ["a"]},
                {"checksums": {"a": 1}},
                {"checksums": {"a": digest(b"one")}},
            )
        ),
    ],
    ids=range(17),
)
def test_what_is_no_action_counts_as_missing_and_is_pruned(folder, keep, tmp_path, content):
    keep("job", a=b"one")
    file = action_file(folder, key("job"))
    file.write_bytes(json.dumps(GOOD).encode())
    assert restored(folder, "job", tmp_path, "a") == {"a": b"one"}
    file.write_bytes(content)
    assert restored(folder, "job", tmp_path / "again", "a") is None
    prune(folder, 10**9, in_use=-1)
    assert not file.exists()


def test_a_cache_that_cannot_be_written_costs_one_line_in_the_log(tmp_path, capfd):
    (tmp_path / "cache").write_text("no folder")
    (tmp_path / "out").write_text("result")
    store = ActionCache(tmp_path / "cache")
    store.store(key("job"), {"a": tmp_path / "out"}, {"verb": "draw"})
    assert capfd.readouterr().err.startswith("cache: the result is not kept for later runs: ")
    assert bring(store, key("job"), {"a": tmp_path / "b"}) is None


def test_a_full_disk_leaves_neither_action_nor_litter(folder, keep, tmp_path, monkeypatch, capfd):
    keep("job", a=b"one")

    def full(source, target, *hashes):
        target.write_bytes(b"ha")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(cache, "copy_hashed", full)
        keep("job 2", a=b"two")
        assert "No space left" in capfd.readouterr().err
        with pytest.raises(OSError, match="No space left"):
            restored(folder, "job", tmp_path, "a")
    assert not (tmp_path / "restored/a").exists()
    assert litter(tmp_path) == []
    assert restored(folder, "job 2", tmp_path, "a") is None


def test_an_object_that_cannot_be_read_counts_as_missing(folder, keep, tmp_path, monkeypatch):
    def stale(source, target, *hashes):
        raise OSError(errno.ESTALE, "Stale file handle")

    keep("job", a=b"one")
    with monkeypatch.context() as patched:
        patched.setattr(cache, "copy_hashed", stale)
        assert restored(folder, "job", tmp_path, "a") is None
    assert restored(folder, "job", tmp_path, "a") == {"a": b"one"}


@pytest.mark.parametrize("size", [0, 1, copying.BLOCK, 2 * copying.BLOCK + 7])
@pytest.mark.parametrize("shared", [False, True])
def test_the_hashes_are_those_of_the_copy(tmp_path, monkeypatch, size, shared):
    content = random.Random(size).randbytes(size)
    (tmp_path / "a").write_bytes(content)
    (tmp_path / "b").write_bytes(b"longer and older" * size)

    def share(source, target):
        target.write(content)
        target.seek(0)
        return True

    monkeypatch.setattr(copying, "_share_blocks", share if shared else lambda *_: False)
    found = hashlib.sha256(), copying.xxh3()
    with (tmp_path / "a").open("rb", buffering=0) as source:
        copying.copy_hashed(source, tmp_path / "b", *found)
    assert (tmp_path / "b").read_bytes() == content
    assert [hash_.hexdigest() for hash_ in found] == [digest(content), xxhash.xxh3_128_hexdigest(content)]


def test_the_checksum_is_that_of_its_specification():
    checksum = copying.xxh3()
    assert checksum.hexdigest() == "99aa06d3014798d86001c324468d497f"  # of no bytes
    checksum.update(memoryview(b"a" * 300))
    assert checksum.hexdigest() == xxhash.xxh3_128_hexdigest(b"a" * 300)


LARGE = random.Random(7).randbytes(cache.LARGE)


@pytest.fixture
def hashed(monkeypatch):
    """Names of the hashes of every copy."""
    names = []

    def copy(source, target, *hashes):
        names.append([hash_.name for hash_ in hashes])
        copying.copy_hashed(source, target, *hashes)

    monkeypatch.setattr(cache, "copy_hashed", copy)
    return names


def test_a_large_output_is_restored_by_its_checksum_and_a_smaller_one_has_none(folder, keep, tmp_path, hashed):
    keep("job", a=LARGE, b=LARGE[1:])
    assert read_action(action_file(folder, key("job"))).checksums == {"a": xxhash.xxh3_128_hexdigest(LARGE)}
    assert restored(folder, "job", tmp_path, "a", "b") == {"a": LARGE, "b": LARGE[1:]}
    assert hashed == [["sha256", "XXH3_128"], ["sha256"], ["XXH3_128"], ["sha256"]]


@pytest.mark.parametrize("since", ["store", "restore"])
def test_where_xxhash_is_not_installed_sha256_verifies(folder, keep, tmp_path, monkeypatch, hashed, since):
    monkeypatch.setitem(sys.modules, "xxhash", None if since == "store" else xxhash)
    keep("job", a=LARGE)
    monkeypatch.setitem(sys.modules, "xxhash", None if since == "restore" else xxhash)
    assert restored(folder, "job", tmp_path, "a") == {"a": LARGE}
    assert hashed[-1] == ["sha256"]


def test_an_entry_from_before_there_were_checksums_is_used(folder, keep, tmp_path, hashed):
    keep("job", a=LARGE)
    file = action_file(folder, key("job"))
    entry = json.loads(file.read_text())
    del entry["checksums"]
    file.write_text(json.dumps(entry))
    assert restored(folder, "job", tmp_path, "a") == {"a": LARGE}
    assert hashed[-1] == ["sha256"]


def flipped(place):
    data = bytearray(LARGE)
    data[place] ^= 1 << place % 8
    return bytes(data)


PLACES = [0, -1, copying.BLOCK - 1, copying.BLOCK, *random.Random(1).sample(range(len(LARGE)), 20)]
DAMAGES = [LARGE[:-1], LARGE[: copying.BLOCK], b"", LARGE + b"!", LARGE[::-1], *map(flipped, PLACES)]


@pytest.mark.parametrize("checksum", [True, False])
def test_all_damage_of_a_large_object_is_found(folder, keep, tmp_path, monkeypatch, checksum):
    if not checksum:
        monkeypatch.setattr(cache, "xxh3", lambda: None)
    for damage in DAMAGES:
        keep("job", a=LARGE)
        object_file(folder, digest(LARGE)).write_bytes(damage)
        assert restored(folder, "job", tmp_path, "a") is None
        assert not object_file(folder, digest(LARGE)).exists()
    keep("job", a=LARGE)
    assert restored(folder, "job", tmp_path, "a") == {"a": LARGE}


def test_hits_and_misses_are_counted_by_verb(folder, keep, tmp_path):
    keep("job", verb="draw", a=b"1" * 1500)
    keep("job 2", verb="draw", a=b"2" * 500)
    keep("job 3", verb="train", a=b"1" * 1500)
    keep("job 4", verb="../x", a=b"")
    for _ in range(3):
        restored(folder, "job 3", tmp_path, "a")
    restored(folder, "no job", tmp_path / "none", "a")
    misses = {("draw", "misses"): 2, ("train", "misses"): 1, ("unknown", "misses"): 1}
    assert counted(folder) == misses | {("train", "hits"): 3}
    (tmp_path / "lost").write_bytes(b"?")
    object_file(folder, "0" * 64).parent.mkdir()
    (tmp_path / "lost").rename(object_file(folder, "0" * 64))
    assert [line.split() for line in inventory.table(inventory.take_inventory(folder)).splitlines()] == [
        ["verb", "jobs", "objects", "size", "hits", "misses"],
        ["draw", "2", "2", "2.0", "kB", "0", "2"],
        ["train", "1", "1", "1.5", "kB", "3", "1"],
        ["unknown", "1", "1", "0", "B", "0", "1"],
        ["no", "job", "0", "1", "1", "B", "0", "0"],
        ["all", "4", "4", "2.0", "kB", "3", "4"],
    ]


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"), (5e15, "5000.0 TB")],
)
def test_sizes_are_shown_with_their_unit(size, text):
    assert inventory.size_text(int(size)) == text


def test_least_recently_used_actions_go_first_and_shared_objects_stay(folder, keep, tmp_path):
    contents = {"old": b"o" * 10, "used": b"u" * 20, "new": b"n" * 30}
    for i, (name, content) in enumerate(contents.items()):
        keep(name, a=content, b=b"shared")
        age(action_file(folder, key(name)), 5000 - i)
        age(object_file(folder, digest(content)), 5000)
    age(object_file(folder, digest(b"shared")), 5000)
    assert restored(folder, "used", tmp_path, "a", "b")
    age(action_file(folder, key("used")), 4000)
    done = prune(folder, 56)
    assert (done.actions, done.objects, done.freed, done.left) == (1, 1, 10, 56)
    assert restored(folder, "old", tmp_path / "o", "a", "b") is None
    done = prune(folder, 55)
    assert (done.actions, done.freed, done.left) == (1, 30, 26)
    assert restored(folder, "new", tmp_path / "n", "a", "b") is None
    assert restored(folder, "used", tmp_path / "u", "a", "b") == {"a": b"u" * 20, "b": b"shared"}


def test_a_hit_makes_an_action_young(folder, keep, tmp_path):
    keep("job", a=b"one")
    age(action_file(folder, key("job")), DAY)
    assert restored(folder, "job", tmp_path, "a")
    assert time.time() - action_file(folder, key("job")).stat().st_mtime < 60


def test_what_is_in_use_stays_whatever_the_budget(folder, keep, tmp_path):
    keep("job", a=b"one")
    object_of_a_writer = object_file(folder, digest(b"action to come"))
    object_of_a_writer.parent.mkdir(exist_ok=True)
    object_of_a_writer.write_bytes(b"action to come")
    assert prune(folder, 0).actions == 0
    assert object_of_a_writer.exists()
    assert restored(folder, "job", tmp_path, "a") == {"a": b"one"}
    done = prune(folder, 0, in_use=-1)
    assert (done.actions, done.objects, done.left) == (1, 2, 0)
    assert prune(folder, 0, in_use=-1) == prune(folder / "none", 0)


def test_actions_without_their_objects_go(folder, keep):
    keep("job", a=b"one", b=b"two")
    object_file(folder, digest(b"one")).unlink()
    done = prune(folder, 10**9, in_use=-1)
    assert (done.actions, done.objects, done.left) == (1, 1, 0)


def test_a_reader_that_has_opened_an_object_gets_it_whole_while_it_is_pruned(folder, keep, tmp_path, monkeypatch):
    def pruning_meanwhile(source, target, *hashes):
        assert prune(folder, 0, in_use=-1).objects == 1
        copying.copy_hashed(source, target, *hashes)

    keep("job", a=b"one")
    monkeypatch.setattr(cache, "copy_hashed", pruning_meanwhile)
    assert restored(folder, "job", tmp_path, "a") == {"a": b"one"}


def outputs_of(name):
    """What the job `name` of the traffic makes; some bytes are shared by all jobs."""
    chance = random.Random(name)
    return {"a": chance.randbytes(chance.randrange(200_000)), "b": chance.randbytes(100), "c": b"shared" * 30_000}


def traffic(folder, place, seed):
    """Store, restore and prune at random, and say how often each was done and what was found to be wrong."""
    chance, store = random.Random(seed), ActionCache(folder)
    done = dict.fromkeys(["stored", "hits", "missed", "pruned", "wrong"], 0)
    for name in range(6):
        (place / str(name)).mkdir(parents=True)
        for role, content in outputs_of(name).items():
            (place / str(name) / role).write_bytes(content)
    end = time.monotonic() + SECONDS_OF_TRAFFIC
    while time.monotonic() < end:
        name = chance.randrange(6)
        action = chance.choices(["store", "restore", "prune"], [4, 6, 1])[0]
        if action == "store":
            store.store(key(name), {role: place / str(name) / role for role in "abc"}, {"name": name})
            done["stored"] += 1
        elif action == "prune":
            prune(folder, chance.randrange(400_000), in_use=-1)
            done["pruned"] += 1
        else:
            outputs = {role: place / "out" / role for role in "abc"}
            record = bring(store, key(name), outputs)
            if record is None:
                done["missed"] += 1
            else:
                right = {role: path.read_bytes() for role, path in outputs.items()} == outputs_of(name)
                done["hits" if right and record == {"name": name, "key": key(name)} else "wrong"] += 1
    return done


def test_eight_processes_at_once_never_see_a_wrong_or_half_result(folder, tmp_path, capfd):
    with ProcessPoolExecutor(8, multiprocessing.get_context("spawn")) as pool:
        done = list(pool.map(traffic, [folder] * 8, [tmp_path / str(i) for i in range(8)], range(8)))
    total = {name: sum(one[name] for one in done) for name in done[0]}
    assert total["wrong"] == 0
    assert min(total["stored"], total["hits"], total["missed"], total["pruned"]) > 20, total
    assert_whole(folder)
    assert litter(tmp_path) == []
    errors = capfd.readouterr().err
    assert "damaged" not in errors
    assert "not kept" not in errors
    assert counted(folder) == {("unknown", "hits"): total["hits"], ("unknown", "misses"): total["stored"]}


def assert_whole(folder):
    for file in kept_files(folder, "objects"):
        assert digest(file.read_bytes()) == file.parent.name + file.name
    assert all(read_action(file) for file in kept_files(folder, "actions"))


WRITER = """
import sys
from pathlib import Path
from workflow_lib.cache.store import ActionCache
print("ready", flush=True)
i = 0
while True:
    ActionCache(Path(sys.argv[1])).store(f"{i % 3:064}", {"a": Path(sys.argv[2]), "b": Path(sys.argv[3])}, {})
    i += 1
"""


def test_writers_that_are_killed_leave_nothing_that_is_taken_for_whole(folder, tmp_path):
    (tmp_path / "a").write_bytes(random.Random(0).randbytes(8_000_000))
    (tmp_path / "b").write_bytes(b"small")
    half = 0
    for i in range(12):
        command = [sys.executable, "-c", WRITER, str(folder), str(tmp_path / "a"), str(tmp_path / "b")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            writer.stdout.readline()
            time.sleep(random.Random(i).uniform(0, 0.05))
            writer.send_signal(signal.SIGKILL)
        assert_whole(folder)
        half = len(litter(folder))
    assert half > 0
    prune(folder, 10**9)
    assert len(litter(folder)) == half
    for abandoned in litter(folder):
        age(abandoned, 2 * DAY)
    prune(folder, 10**9)
    assert litter(folder) == []


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("10GB", 10**10), ("1.5 kB", 1500), ("2MiB", 2 << 20), ("3t", 3 * 10**12), (" 7b ", 7)],
)
def test_budgets_are_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "10 apples", "-1GB", "1e3", "1,5GB", "nan"])
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)
