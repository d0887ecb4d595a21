import copy

import pytest
import torch

from workflow_lib.errors import UserError
from workflow_lib.io import checkpoints


def state():
    generator = torch.Generator().manual_seed(0)
    return {
        "network": {"b.weight": torch.rand(3, 4, generator=generator), "a": torch.arange(3)},
        "optimizer": {
            "state": {1: {"step": torch.tensor(2.0)}, 0: {}},
            "groups": [{"betas": (0.9, 0.999), "fused": True}],
        },
        "architecture": "small_cnn",
        "normalize": None,
        "sums": [0.1, 2.0],
        "epoch": 3,
    }


def bytes_of(content, path):
    checkpoints.save(content, path)
    return path.read_bytes()


def test_equal_states_have_equal_bytes(tmp_path):
    one = state()
    other = copy.deepcopy({name: one[name] for name in reversed(one)})
    weight = one["network"]["b.weight"]
    shared = "".join(["a", ".", "b"])
    one |= {"names": [shared, shared, (1, 2)], "parameter": torch.nn.Parameter(weight.clone())}
    other |= {
        "names": ["".join(["a", ".b"]), "a.b"[:2] + "b", [1, 2]],  # equal text, other objects
        "parameter": torch.cat([weight, weight])[:3],  # a view of a larger storage
    }
    other["network"]["b.weight"] = weight.t().contiguous().t()  # another memory layout
    assert bytes_of(one, tmp_path / "one.pt") == bytes_of(other, tmp_path / "two.pt")


def test_without_canonical_form_the_bytes_would_differ(tmp_path):
    twice = "".join(["a", "b"])
    for name, content in (("one", [twice, twice]), ("two", [twice, "".join(["a", "b"])])):
        torch.save(content, tmp_path / name)
    assert (tmp_path / "one").read_bytes() != (tmp_path / "two").read_bytes()


def test_loading_and_saving_again_changes_nothing(tmp_path):
    first = bytes_of(state(), tmp_path / "one.pt")
    assert bytes_of(checkpoints.load(tmp_path / "one.pt"), tmp_path / "other name.pt") == first


def test_other_states_have_other_bytes(tmp_path):
    first = bytes_of(state(), tmp_path / "one.pt")
    for change in ({"epoch": 4}, {"sums": [0.1, 2.0 + 1e-15]}, {"normalize": 0}):
        assert bytes_of({**state(), **change}, tmp_path / "two.pt") != first


def test_content_survives(tmp_path):
    checkpoints.save(state(), tmp_path / "one.pt")
    loaded = checkpoints.load(tmp_path / "one.pt")
    assert torch.equal(loaded["network"]["b.weight"], state()["network"]["b.weight"])
    assert loaded["optimizer"]["groups"] == [{"betas": [0.9, 0.999], "fused": True}]
    assert list(loaded["optimizer"]["state"]) == [0, 1]
    assert (loaded["epoch"], loaded["normalize"], loaded["sums"]) == (3, None, [0.1, 2.0])


def test_a_saved_tensor_is_a_copy(tmp_path):
    weight = torch.zeros(2)
    kept = checkpoints.canonical({"w": weight})
    weight += 1
    assert kept["w"].tolist() == [0, 0]


def test_unknown_types_are_refused(tmp_path):
    with pytest.raises(TypeError, match="complex"):
        checkpoints.save({"a": 1j}, tmp_path / "one.pt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "other"])
def test_a_damaged_file_is_named(tmp_path, damage):
    path = tmp_path / "broken.pt"
    whole = bytes_of(state(), path)
    middle = whole.index(state()["network"]["b.weight"].numpy().tobytes())
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    if damage == "other":
        torch.save(torch.zeros(2), path)
    else:
        path.write_bytes({"empty": b"", "cut": whole[:-200], "flipped": flipped, "text": b"not a checkpoint"}[damage])
    with pytest.raises(UserError, match=r"broken\.pt"):
        checkpoints.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.pt"):
        checkpoints.load(tmp_path / "none.pt")
