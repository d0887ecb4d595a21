from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from workflow_lib.errors import UserError
from workflow_lib.io import checkpoints
from workflow_lib.models.registry import build
from workflow_lib.models.stored import describe, new_network, pretrained, remarks, restore
from workflow_lib.models.torchvision_models import torchvision_weights
from workflow_lib.models.torchvision_shim import import_torchvision
from workflow_lib.models.weights import load_weights, read_weights, stored_outputs


def network(seed=0, outputs=3):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, outputs))


class Attribute(nn.Module):
    """A network that keeps its layers in an attribute of this name."""

    def __init__(self, name, seed=0):
        super().__init__()
        self.add_module(name, network(seed))


def under(prefix, state):
    return {prefix + name: value for name, value in state.items()}


def loaded(target, content, path):
    """Load `content` from a file and return the target's weights."""
    torch.save(content, path)
    load_weights(target, read_weights(str(path), ""), str(path))
    return target.state_dict()


def same(found, expected):
    return all(torch.equal(found[name], expected[name]) for name in expected)


AVERAGE = AveragedModel(network(1), multi_avg_fn=get_ema_multi_avg_fn())
STATE = network(1).state_dict()
FORMS = {
    "plain": STATE,
    "DataParallel": nn.DataParallel(network(1)).state_dict(),
    "torch.compile": under("_orig_mod.", STATE),
    "both": under("module._orig_mod.", STATE),
    "the other way": under("_orig_mod.module.", STATE),
    "Lightning": {"epoch": 3, "state_dict": under("model.", STATE)},
    "Lightning, compiled": {"state_dict": under("model._orig_mod.", STATE)},
    "AveragedModel": AVERAGE.state_dict(),
    "AveragedModel, compiled": {"n_averaged": torch.tensor(3), **under("module._orig_mod.", STATE)},
    "torchvision": {"model_ema": {"n_averaged": torch.tensor(3), **under("module.", STATE)}, "epoch": 1},
    "timm": {"state_dict_ema": STATE, "epoch": 1},
    "an older torch": {name: value for name, value in STATE.items() if not name.endswith("num_batches_tracked")},
    "an older torch, DataParallel": under(
        "module.", {name: value for name, value in STATE.items() if not name.endswith("num_batches_tracked")}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_weights_as_others_save_them(tmp_path, form):
    assert same(loaded(network(2), FORMS[form], tmp_path / "w.pt"), STATE)


@pytest.mark.parametrize("name", ["module", "model", "_orig_mod"])
@pytest.mark.parametrize("wrapper", ["", "module.", "_orig_mod."])
def test_an_attribute_with_the_name_of_a_wrapper(tmp_path, name, wrapper):
    state = Attribute(name, seed=1).state_dict()
    assert same(loaded(Attribute(name), under(wrapper, state), tmp_path / "w.pt"), state)


@pytest.mark.parametrize(
    ("target", "content", "parts"),
    [
        (network(), under("backbone.", STATE), ["after the prefix backbone.", "removeprefix('backbone.')"]),
        (
            network(),
            {**under("net.", STATE), "criterion.weight": torch.ones(3)},
            ["after the prefix net.", "name.startswith('net.')"],
        ),
        (Attribute("module"), STATE, ["have the prefix module.", "'module.' + name"]),
        (network(), {"state_dict": STATE, "state_dict_ema": STATE}, ["several networks: state_dict, state_dict_ema"]),
        (network(), {"weights": STATE}, ["must hold a state_dict"]),
        (network(), under("_orig_mod.", network(outputs=4).state_dict()), ["shape: 3.weight (4, 6) instead of (3, 6)"]),
        (network(), {**STATE, "3.weight": torch.full((3, 6), torch.nan)}, ["NaN or infinity in 3.weight"]),
        (
            network(),
            {**STATE, "3.bias": torch.full((3,), torch.inf), "1.bias": -torch.full((6,), torch.inf)},
            ["in 1.bias, 3.bias"],
        ),
    ],
)
def test_weights_that_are_refused(tmp_path, target, content, parts):
    before = {name: value.clone() for name, value in target.state_dict().items()}
    with pytest.raises(UserError) as caught:
        loaded(target, content, tmp_path / "w.pt")
    for part in [*parts, "w.pt"]:
        assert part in str(caught.value)
    assert same(target.state_dict(), before), "all or nothing"


def test_infinity_that_is_part_of_the_network(tmp_path):
    target = nn.Sequential(nn.Linear(2, 2))
    target.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
    state = {**target.state_dict(), "0.bias": torch.ones(2)}
    assert loaded(target, state, tmp_path / "w.pt")["0.bias"].tolist() == [1, 1]


def test_a_head_for_other_classes_under_a_prefix():
    target, weights = network(2), under("module.", network(1, outputs=7).state_dict())
    assert stored_outputs(target, weights, "3") == 7
    assert stored_outputs(target, weights, None) is None
    head = target[3].weight.clone()
    load_weights(target, weights, "w.pt", new_head="3")
    assert torch.equal(target[3].weight, head)
    assert torch.equal(target[1].weight, STATE["1.weight"])


def test_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    from safetensors.torch import save_file

    target, path = network(2), tmp_path / "w.safetensors"
    save_file(under("_orig_mod.", STATE), path)
    load_weights(target, read_weights(str(path), ""), str(path))
    assert same(target.state_dict(), STATE)
    save_file({**STATE, "3.bias": torch.full((3,), torch.nan)}, path)
    with pytest.raises(UserError, match="infinity in 3.bias"):
        load_weights(target, read_weights(str(path), ""), str(path))


PLAIN = {"mean": [0, 0, 0], "std": [1, 1, 1]}
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def make(architecture, spec, side=96):
    return new_network({"architecture": architecture, "normalize": PLAIN, **spec}, (3, side, side), 1000, ("m", 0))


def test_checkpoints_of_networks_with_versions_of_modules(tmp_path):
    spec = {"architecture": "torchvision/mnasnet0_5", "options": {}, "normalize": None}
    made, path = (
        build("torchvision/mnasnet0_5", in_channels=3, image_size=(32, 32), n_classes=4, seed=0),
        tmp_path / "c.pt",
    )
    checkpoints.save({**describe(spec, (3, 32, 32), 4), "network": made.network.state_dict()}, path)
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(restore(checkpoints.load(path))(images), made.eval()(images))
    load_weights(made, read_weights(str(path), ""), str(path))  # a checkpoint can be named as weights


@pytest.fixture
def downloaded(monkeypatch):
    """Weights that torchvision "downloads" from a network of this test; returns a function that sets them."""
    api = import_torchvision().models._api.WeightsEnum

    def put(state):
        monkeypatch.setattr(api, "get_state_dict", lambda self, *args, **more: OrderedDict(state))

    return put


@pytest.mark.filterwarnings("ignore:auxiliary heads")
@pytest.mark.filterwarnings("ignore:The default weight initialization")
@pytest.mark.parametrize("name", ["googlenet", pytest.param("inception_v3", marks=pytest.mark.slow)])
def test_torchvisions_weights_give_torchvisions_network(downloaded, name):
    models = import_torchvision().models
    torch.manual_seed(0)
    downloaded(models.get_model(name, weights=None).state_dict())
    expected = models.get_model(name, weights="DEFAULT").eval()
    spec = {"architecture": f"torchvision/{name}", "options": {}, "normalize": PLAIN, "weights": "torchvision"}
    weights = read_weights("torchvision", spec["architecture"], {})
    for options in ({}, {"aux_logits": False}):
        made = make(spec["architecture"], spec | {"options": options})
        load_weights(made, read_weights("torchvision", spec["architecture"], options), "torchvision")
        again = restore(
            {**describe(spec | {"options": options}, (3, 96, 96), 1000), "network": made.network.state_dict()}
        )
        images = torch.rand(2, 3, 96, 96)
        with torch.no_grad():
            torch.testing.assert_close(made.eval()(images), expected(images))
            torch.testing.assert_close(again(images), expected(images))
    as_said = make(spec["architecture"], spec | {"options": {"transform_input": False}})
    load_weights(as_said, weights, "torchvision", options={"transform_input": False})
    assert not as_said.network.transform_input
    plain = make(spec["architecture"], spec | {"weights": None})
    assert not plain.network.transform_input
    load_weights(plain, weights, "torchvision")
    assert plain.network.transform_input


@pytest.mark.parametrize(
    ("architecture", "weights", "options", "preset"),
    [
        ("torchvision/googlenet", "weights/googlenet-1378be20.pth", {"transform_input": True}, (256, 224, "bilinear")),
        (
            "torchvision/inception_v3",
            "inception_v3_google-0cc3c7bd.pth",
            {"transform_input": True},
            (342, 299, "bilinear"),
        ),
        ("torchvision/vit_b_16", "vit_b_16_swag-9ac1b537.pth", {"image_size": 384}, (384, 384, "bicubic")),
        ("torchvision/vit_b_16", "torchvision", {"image_size": 224}, (256, 224, "bilinear")),
        ("torchvision/resnet18", "resnet18-f37072fd.pth", {}, (256, 224, "bilinear")),
    ],
)
def test_files_of_torchvision_bring_their_settings(architecture, weights, options, preset):
    found = pretrained(architecture, weights)
    assert (found.options, found.normalize) == (options, IMAGENET)
    assert (found.resize, *found.image_size, found.interpolation) == (preset[0], preset[1], preset[1], preset[2])


@pytest.mark.parametrize("architecture", ["torchvision/inception_v3", "small_cnn", "own:net"])
def test_nothing_is_known_of_other_weights(architecture):
    assert pretrained(architecture, "own.pth") is None


def test_published_weights_bring_their_normalisation_unless_the_model_says_otherwise():
    spec = {"architecture": "torchvision/mnasnet0_5", "options": {}, "weights": "torchvision"}
    for given, expected in ((None, IMAGENET), (PLAIN, PLAIN)):
        described = describe(spec | {"normalize": given}, (3, 32, 32), 1000)
        assert described["normalize"] == expected
        made = make("torchvision/mnasnet0_5", spec | {"normalize": given}, side=32)
        assert made.mean.flatten().tolist() == pytest.approx(expected["mean"])
    assert describe(spec | {"weights": "own.pth", "normalize": None}, (3, 32, 32), 1000)["normalize"] is None
    assert describe(spec | {"weights": None, "normalize": None}, (3, 32, 32), 1000)["normalize"] is None


def test_another_size_of_images_and_unknown_normalisation_are_remarked():
    spec = {"architecture": "torchvision/resnet50", "normalize": None, "weights": "torchvision"}
    (remark,) = remarks(spec, (3, 32, 48))
    assert "32 x 48" in remark
    assert "resize: 232, crop: 224, interpolation: bilinear" in remark
    assert not list(remarks(spec, (3, 224, 224)))
    (remark,) = remarks(spec | {"weights": "own.pth"}, (3, 32, 32))
    assert "normalised for own.pth is not known" in remark
    assert not list(remarks(spec | {"weights": None}, (3, 32, 32)))


def test_torchvisions_weights_with_the_names_of_older_versions(downloaded):
    network = import_torchvision().models.get_model("densenet121", weights=None)
    state = network.state_dict()
    stored = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    downloaded({name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): stored[name] for name in stored})
    assert same(torchvision_weights("torchvision/densenet121", {}), state)


def test_torchvisions_weights_with_options_that_they_do_not_fit(downloaded):
    downloaded({})
    with pytest.raises(UserError, match=r"options: .*init_weights.*\n.*do not fit torchvision/mnasnet0_5"):
        torchvision_weights("torchvision/mnasnet0_5", {"init_weights": True})
