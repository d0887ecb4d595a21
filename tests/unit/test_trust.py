"""Files from strangers: no code in them runs, none makes us read or write elsewhere, none passes as data by its claims.

What runs is named in the config: see docs/trust.md.
"""

import contextlib
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.config.load import load
from workflow_lib.datasets.files import open_arrays
from workflow_lib.datasets.imported import read_imported
from workflow_lib.datasets.labels import problems_of
from workflow_lib.datasets.sources import load as load_images
from workflow_lib.datasets.split import strings
from workflow_lib.errors import UserError
from workflow_lib.io import checkpoints, storage
from workflow_lib.models.weights import read_weights
from workflow_lib.plan.canonical import canonical

LINK = 0o120777 << 16
HOSTILE_NAMES = [
    "../x",
    "a b",
    "a/b",
    "{a,b}",
    "a,b",
    "$(touch x)",
    "-a",
    "",
    "é",
    "A",
    "1a",
    "a\n",
    "a'b",
    "<b>",
    "a" * 65,
]


class Code:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def trace(tmp_path):
    """What hostile pickles make; it must never be there, though a plain unpickling makes it."""
    path = tmp_path / "code-has-run"
    pickle.loads(pickle.dumps(Code(path)))
    path.rmdir()
    yield path
    assert not path.exists()


@pytest.fixture
def members(tmp_path):
    """Members of a sound store, by name."""
    dataset = xr.Dataset(
        {"features": (("sample", "feature"), np.arange(12, dtype="float32").reshape(6, 2))},
        coords={"sample": [f"s{i}" for i in range(6)], "label": ("sample", np.arange(6) // 3), "class": ["a", "b"]},
    )
    storage.save(dataset, tmp_path / "sound.zarr.zip")
    with zipfile.ZipFile(tmp_path / "sound.zarr.zip") as archive:
        return {member.filename: archive.read(member) for member in archive.infolist()}


def zipped(path, members, mode=storage.MEMBER_MODE, compression=zipfile.ZIP_STORED):
    """A zip of these (name, bytes), as `storage.pack` makes it."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members:
            member = zipfile.ZipInfo(name)
            member.external_attr, member.compress_type = mode, compression
            archive.writestr(member, data)
    return path


def claiming(members, **claims):
    """The members with other metadata of the features."""
    metadata = json.loads(members["features/zarr.json"]) | claims
    return [*(members | {"features/zarr.json": json.dumps(metadata).encode()}).items()]


def read_everything(path):
    """What a step reads of an artifact."""
    with storage.load(path) as store:
        return store.load()


def test_a_sound_store_is_read(members, tmp_path):
    assert read_everything(zipped(tmp_path / "again.zarr.zip", members.items()))["features"].shape == (6, 2)


@pytest.mark.parametrize("name", ["../../evil", "/evil", "features/../../evil"])
def test_members_that_lead_outside_write_nothing(members, tmp_path, name):
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    path = zipped(folder / "store.zarr.zip", [*members.items(), (name, b"evil")])
    for read in (read_everything, lambda path: open_arrays(path).read("features")):
        with contextlib.suppress(UserError):
            read(path)
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_artifact_has_no_links_no_repeated_and_no_compressed_members(members, tmp_path):
    ways = [
        zipped(tmp_path / "links.zarr.zip", [("features/c/0/0", b"/etc/passwd")], mode=LINK),
        zipped(tmp_path / "twice.zarr.zip", [*members.items(), ("features/c/0/0", b"other")]),
        zipped(tmp_path / "bomb.zarr.zip", [("features/c/0/0", bytes(10**6))], compression=zipfile.ZIP_DEFLATED),
    ]
    for path in ways:
        with pytest.raises(UserError, match="is no member of a store"):
            storage.load(path)


def test_a_link_in_a_users_zip_is_text_and_not_followed(members, tmp_path):
    (tmp_path / "secret").write_bytes(members["features/c/0/0"])
    links = members | {"features/c/0/0": str(tmp_path / "secret").encode()}
    path = zipped(tmp_path / "links.zarr.zip", links.items(), mode=LINK)
    with pytest.raises(UserError, match="cannot be read"):
        open_arrays(path).read("features")


@pytest.mark.parametrize(
    "claims",
    [
        {"shape": [10**15, 2]},
        {"shape": [6, 10**12], "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [6, 10**12]}}},
        {"shape": [10**30, 2]},
        {"shape": [-6, 2]},
        {"data_type": "object"},
        {"codecs": [{"name": "pickle"}]},
        {"codecs": [{"name": "numcodecs.pickle", "configuration": {}}]},
        {"node_type": "array", "zarr_format": 2},
    ],
)
def test_a_store_that_claims_what_cannot_be_is_an_error_in_plain_words(members, tmp_path, claims):
    path = zipped(tmp_path / "claims.zarr.zip", claiming(members, **claims))
    spec = {"path": str(path), "features": "features", "labels": "label"}
    for read in (lambda: read_everything(path), lambda: read_imported(spec)):
        with pytest.raises(UserError, match=r"claims\.zarr\.zip"):
            read()


@pytest.mark.parametrize("metadata", [b"[]", b"[" * 100_000, b"\xff", b""])
def test_metadata_of_any_form_is_an_error_in_plain_words(members, tmp_path, metadata):
    path = zipped(tmp_path / "odd.zarr.zip", (members | {"zarr.json": metadata}).items())
    for read in (storage.load, open_arrays):
        with pytest.raises(UserError, match=r"odd\.zarr\.zip"):
            read(path)


def test_zeros_are_stored_so_that_a_claim_can_be_checked(tmp_path):
    zeros = np.zeros((4, 2), dtype="float32")
    storage.save(xr.Dataset({"features": (("sample", "feature"), zeros)}), tmp_path / "saved.zarr.zip")
    spec = storage.VariableSpec(("sample", "feature"), zeros.shape, "float32")
    with storage.SampleWriter(tmp_path / "streamed.zarr.zip", {"features": spec}, {}, {}) as writer:
        writer.append(features=zeros)
    for name in ("saved", "streamed"):
        with zipfile.ZipFile(tmp_path / f"{name}.zarr.zip") as archive:
            assert "features/c/0/0" in archive.namelist()


@pytest.mark.parametrize(
    "codecs",
    [
        {"filters": [{"id": "pickle"}], "compressor": None},
        {"filters": [{"id": "vlen-utf8"}, {"id": "pickle"}], "compressor": None},
        {"filters": [{"id": "vlen-utf8"}], "compressor": {"id": "pickle"}},
    ],
)
def test_pickled_zarr_of_format_2_is_refused(tmp_path, trace, monkeypatch, codecs):
    monkeypatch.setattr("numcodecs.pickles.ALLOW_UNSAFE_PICKLE_DECODE", True, raising=False)
    array = {"zarr_format": 2, "shape": [6], "chunks": [6], "dtype": "|O", "fill_value": None, "order": "C", **codecs}
    hostile = [(".zgroup", b'{"zarr_format":2}'), ("features/.zarray", json.dumps(array).encode())]
    path = zipped(tmp_path / "old.zarr.zip", [*hostile, ("features/0", pickle.dumps(Code(trace)))])
    for read in (read_everything, lambda path: open_arrays(path).read("features")):
        with pytest.raises(UserError, match=r"old\.zarr\.zip"):
            read(path)


def test_objects_in_npz_are_refused(tmp_path, trace):
    np.savez(tmp_path / "a.npz", features=np.array([Code(trace)], dtype=object), labels=[0])
    with pytest.raises(UserError, match="may run code"):
        read_imported({"path": str(tmp_path / "a.npz"), "features": "features", "labels": "labels"})


@pytest.mark.parametrize("form", ["new", "old", "bare"])
def test_code_in_a_checkpoint_is_refused_without_advice_to_run_it(tmp_path, trace, form):
    path = tmp_path / "hostile.pt"
    content = {"network": {"weight": Code(trace)}}
    if form == "bare":
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "new")
    for read in (checkpoints.load, lambda path: read_weights(str(path), "small_cnn")):
        with pytest.raises(UserError, match=r"hostile\.pt") as error:
            read(path)
        assert "weights_only" not in str(error.value)


def test_weights_that_stand_for_more_than_they_store_are_refused(tmp_path):
    for name, tensor in {
        "expanded": torch.zeros(1).expand(10**12),
        "sparse": torch.sparse_coo_tensor([[0]], [1.0], (10**12,), check_invariants=True),
        "meta": torch.empty(10**12, device="meta"),
    }.items():
        torch.save({"weight": tensor}, tmp_path / name)
        with pytest.raises(UserError, match="must hold a state_dict"):
            read_weights(str(tmp_path / name), "small_cnn")


def test_hostile_safetensors_are_refused(tmp_path, trace):
    pytest.importorskip("safetensors")
    header = b'{"w": {"dtype": "F32", "shape": [1000000000, 1000000], "data_offsets": [0, 4]}}'
    for content in (pickle.dumps(Code(trace)), len(header).to_bytes(8, "little") + header + bytes(4), b"\xff" * 8):
        (tmp_path / "w.safetensors").write_bytes(content)
        with pytest.raises(UserError, match="is damaged"):
            read_weights(str(tmp_path / "w.safetensors"), "small_cnn")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(
    ("source", "files", "words"),
    [
        ("cifar10", [f"cifar-10-batches-py/{n}" for n in ("batches.meta", "test_batch")], "a file of the data set is"),
        ("fashion_mnist", [f"FashionMNIST/processed/{n}.pt" for n in ("training", "test")], "cannot be checked"),
    ],
)
def test_pickles_in_the_place_of_official_files_are_not_loaded(tmp_path, trace, source, files, words):
    batches = [f"cifar-10-batches-py/data_batch_{i}" for i in range(1, 6)]
    raw = [f"FashionMNIST/raw/{p}-{k}-ubyte" for p in ("train", "t10k") for k in ("images-idx3", "labels-idx1")]
    for name in [*files, *batches, *raw]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(pickle.dumps(Code(trace), protocol=2))
    with pytest.raises(UserError, match=words) as error:
        load_images({"source": source, "root": str(tmp_path), "download": False})
    assert "weights_only" not in str(error.value)


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "\0", "\x1b[31m", "a\x85", "\udcff"])
def test_names_with_control_characters_or_broken_unicode_are_refused(name):
    (problem,) = problems_of(np.array([0, 0, 1, 1]), strings("abcd"), ("x", name), "here")
    assert ascii(name) in str(problem)


def test_names_of_files_that_are_no_unicode_become_unicode():
    assert strings(["a/\udcff.png"]).tolist() == ["a/\\udcff.png"]


def named(section, name):
    """A config in which something is called by this name."""
    model = {"architecture": "small_cnn", "dataset": "data", "training": {"epochs": 1}, "layers": {"logits": "logits"}}
    study = {"model": "net", "metric": "euclidean"}
    config = {
        "datasets": {"data": {"source": "digits"}},
        "models": {"net": model},
        "transforms": {},
        "kstar": {"studies": {"study": study}},
    }
    match section:
        case "datasets":
            config["datasets"][name] = {"source": "digits"}
        case "models":
            config["models"][name] = model
        case "transforms":
            config["transforms"][name] = {"kind": "rotation", "degrees": 30}
        case "layers":
            model["layers"] = {name: "logits"}
        case "studies":
            config["kstar"]["studies"][name] = study
    return config


SECTIONS = ["datasets", "models", "transforms", "layers", "studies"]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_plain_name_in_the_config_is_taken(section):
    load(named(section, "a_name_2"), "config.yaml")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("section", SECTIONS)
def test_a_hostile_name_in_the_config_is_refused_before_anything_is_planned(section, name):
    with pytest.raises(UserError) as error:
        load(named(section, name), "config.yaml")
    assert any(section in problem.where for problem in error.value.problems)


def test_a_title_cannot_end_the_script_of_the_report():
    text = canonical(title="</script><b>")
    assert "<" not in text
    assert json.loads(text) == {"title": "</script><b>"}


def test_the_digest_of_a_folder_sees_what_lies_behind_links(tmp_path):
    real, data = tmp_path / "real", tmp_path / "data"
    real.mkdir()
    data.mkdir()
    (data / "class").symlink_to(real)
    (data / "back").symlink_to(data)
    memory = DigestMemory(tmp_path / "memory")
    digests = [memory.digest(data)]
    for content in ("one", "two"):
        (real / "image.png").write_text(content)
        digests.append(memory.digest(data))
    assert len(set(digests)) == 3


def test_names_of_files_that_are_no_unicode_have_a_digest(tmp_path):
    Path(tmp_path, os.fsdecode(b"caf\xe9.png")).write_text("image")
    assert DigestMemory(tmp_path / "memory").digest(tmp_path)
