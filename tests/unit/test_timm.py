"""Networks of timm, if it is installed, and what works without it."""

import sys

import numpy as np
import pytest
import torch
from config_cases import CNN, change, good

from workflow_lib.code.functions import function_source
from workflow_lib.config import load
from workflow_lib.errors import UserError
from workflow_lib.features.extraction import Layer, extract
from workflow_lib.models.initial import loaded_network
from workflow_lib.models.registry import build
from workflow_lib.models.stored import describe, pretrained, restore
from workflow_lib.models.torchvision_shim import import_torchvision
from workflow_lib.models.weights import read_weights


@pytest.fixture
def timm():
    import_torchvision()
    return pytest.importorskip("timm")


def made(architecture, side=32, **more):
    return build(architecture, in_channels=3, image_size=(side, side), n_classes=5, seed=0, **more)


def test_a_network_is_that_of_timm(timm):
    network = made("timm/resnet18")
    own = timm.create_model("resnet18", num_classes=5).eval()
    own.load_state_dict(network.network.state_dict())
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(network.eval()(images), own(images))


def test_unknown_names_name_the_nearest(timm):
    for name, repair in (("resnet81", "write timm/resnet18"), ("resnet18.a1_in1", "write timm/resnet18.a1_in1k")):
        with pytest.raises(UserError) as error:
            made(f"timm/{name}")
        assert repair in str(error.value)


def test_options_that_do_not_fit(timm):
    with pytest.raises(UserError, match="timm cannot make resnet18 with these options"):
        made("timm/resnet18", options={"depth": 3})


def test_weights_bring_their_settings(timm):
    spec = {"architecture": "timm/vit_base_patch16_224.augreg_in21k_ft_in1k", "options": {}, "normalize": None}
    own = pretrained(spec["architecture"], "timm")
    assert (own.image_size, own.resize, own.interpolation) == ((224, 224), 248, "bicubic")
    assert describe(spec | {"weights": "timm"}, (3, 224, 224), 5)["normalize"] == {"mean": [0.5] * 3, "std": [0.5] * 3}
    assert describe(spec | {"weights": "own.pt"}, (3, 224, 224), 5)["normalize"] is None


def test_weights_are_those_of_timms_cache(timm, monkeypatch):
    """timm's own loading is replaced; what it would put into the network comes from a network of this test."""
    create = timm.create_model
    own = create("resnet18", num_classes=1000).state_dict()

    def load(name, pretrained=False, **options):
        network = create(name, **options)
        if pretrained:
            network.load_state_dict(own)
        return network

    monkeypatch.setattr(timm, "create_model", load)
    found = read_weights("timm", "timm/resnet18")
    assert all(torch.equal(found[name], value) for name, value in own.items())


def test_weights_that_cannot_be_fetched(timm, monkeypatch):
    def fail(*args, **more):
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(
        UserError, match=r"weights: timm\n    timm cannot give the weights of resnet18: OSError: no route"
    ):
        read_weights("timm", "timm/resnet18")


def test_a_checkpoint_builds_the_network_again(timm):
    spec = {"architecture": "timm/resnet18", "options": {}, "normalize": None, "weights": None}
    network = made("timm/resnet18").eval()
    again = restore({**describe(spec, (3, 32, 32), 5), "network": network.network.state_dict()})
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(again(images), network(images))


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"timm/resnet18\n    needs the package timm, .*\n.*'\.\[timm\]'"):
        load(change(f"{CNN}/architecture", "timm/resnet18"))
    with pytest.raises(UserError, match=r"-e '\.\[timm\]'"):
        made("timm/resnet18")
    assert made("small_cnn")


def test_its_version_is_part_of_the_settings(timm):
    model = load(good(), check_files=False).models["cnn"]
    assert model.functions() == {}
    of_timm = model.model_copy(update={"architecture": "timm/resnet18"})
    assert function_source(of_timm.functions()["architecture"])


def test_the_image_tower_of_clip(timm, tmp_path):
    """Its outputs are an embedding, not the two classes; features are those of timm's own passes."""
    name = "vit_xsmall_patch16_clip_224.tinyclip_yfcc15m"
    assert pretrained(f"timm/{name}", "timm").image_size == (224, 224)
    torch.manual_seed(0)
    own = timm.create_model(name).eval()
    torch.save(own.state_dict(), tmp_path / "clip.pt")
    spec = {"architecture": f"timm/{name}", "options": {}, "normalize": None, "weights": str(tmp_path / "clip.pt")}
    network, outputs = loaded_network(spec, (3, 224, 224), 2, ("clip", 0))
    assert outputs == 512
    images = torch.rand(2, 3, 224, 224)
    layers = {"token": Layer("norm", "cls"), "embedding": Layer("logits")}
    (found,) = extract(network, iter([images.numpy()]), layers)
    with torch.no_grad():
        np.testing.assert_allclose(found.features["token"], own.forward_features(images)[:, 0], atol=1e-5)
        np.testing.assert_allclose(found.features["embedding"], own(images), atol=1e-5)
