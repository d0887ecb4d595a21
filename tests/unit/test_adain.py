import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from workflow_lib.errors import UserError
from workflow_lib.features import adain, stylise
from workflow_lib.features.transforms import apply

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    """Spec with random weights in the layout of the published files, of which the encoder's holds more layers."""
    folder = tmp_path_factory.mktemp("adain")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        whole = nn.Sequential(*adain.encoder(), nn.ReflectionPad2d(1), nn.Conv2d(512, 8, 3))
        for network, name in ((whole, "vgg.pth"), (adain.decoder(), "decoder.pth")):
            for layer in network:
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight)  # keeps the contrast of the images through all layers
            torch.save(network.state_dict(), folder / name)
    (folder / "styles").mkdir()
    for number in range(3):
        Image.fromarray(RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(folder / "styles" / f"{number}.png")
    weights = {"encoder": str(folder / "vgg.pth"), "decoder": str(folder / "decoder.pth")}
    return {"kind": "stylise", "styles": str(folder / "styles"), "amount": 1.0, "weights": weights, "seed": 0}


def test_the_layout_is_that_of_the_published_weights():
    """Places of the convolutions in the two files, with their shapes."""
    shapes = {name: tuple(value.shape) for name, value in adain.encoder().state_dict().items()}
    places = [0, 2, 5, 9, 12, 16, 19, 22, 25, 29]
    assert [name for name in shapes if name.endswith("weight")] == [f"{place}.weight" for place in places]
    assert (shapes["0.weight"], shapes["29.weight"]) == ((3, 3, 1, 1), (512, 256, 3, 3))
    shapes = {name: tuple(value.shape) for name, value in adain.decoder().state_dict().items()}
    places = [1, 5, 8, 11, 14, 18, 21, 25, 28]
    assert [name for name in shapes if name.endswith("weight")] == [f"{place}.weight" for place in places]
    assert (shapes["1.weight"], shapes["28.weight"]) == ((256, 512, 3, 3), (3, 64, 3, 3))


def test_statistics_become_those_of_the_style():
    content, style = torch.from_numpy(RNG.normal(3, 2, (2, 4, 5, 6))), torch.from_numpy(RNG.normal(-1, 5, (2, 4, 3, 3)))
    found = adain.adain(content, style)
    torch.testing.assert_close(found.mean((2, 3)), style.mean((2, 3)))
    torch.testing.assert_close(found.std((2, 3)), style.std((2, 3)), rtol=1e-4, atol=0)
    torch.testing.assert_close(adain.adain(content, content), content)


@pytest.mark.parametrize("shape", [(4, 3, 16, 20), (4, 1, 9, 11)])
def test_an_image_is_decoded_from_content_with_the_statistics_of_its_style(spec, shape):
    images, ids = RNG.random(shape, dtype=np.float32), [f"image-{number}" for number in range(4)]
    whole = apply(images, ids, spec | {"amount": 0.5})
    assert (whole.shape, whole.dtype) == (shape, np.float32)
    assert 0 <= whole.min() <= whole.max() <= 1
    assert whole.std() > 0.02
    order = [2, 0]
    part = apply(images[order], [ids[row] for row in order], spec | {"amount": 0.5})
    np.testing.assert_allclose(part, whole[order], atol=1e-5)
    if shape[1] == 3:
        encode, decode = adain.load(**{f"{key}_file": file for key, file in spec["weights"].items()})
        files = stylise._style_files(spec["styles"])
        styles = [stylise._style(files[stylise.seeds.derive(0, name, "style") % 3], *shape[2:]) for name in ids]
        with torch.no_grad():
            content, style = encode(torch.from_numpy(images)), encode(torch.from_numpy(np.stack(styles)))
            expected = decode((content + adain.adain(content, style)) / 2)[:, :, : shape[2], : shape[3]]
        np.testing.assert_allclose(whole, expected.clamp(0, 1), atol=1e-5)
        assert not np.allclose(apply(images, ids, spec | {"amount": 0.1}), whole, atol=1e-3)


def test_wrong_weights_and_small_images_are_refused(spec):
    ids, small = ["a"], np.zeros((1, 3, 8, 8), dtype=np.float32)
    with pytest.raises(UserError, match="sides of 9 pixels or more"):
        apply(small, ids, spec)
    swapped = {"encoder": spec["weights"]["decoder"], "decoder": spec["weights"]["encoder"]}
    with pytest.raises(UserError, match=r"transforms\.weights\.encoder: .*\n.*do not fit the encoder"):
        apply(np.zeros((1, 3, 16, 16), dtype=np.float32), ids, spec | {"weights": swapped})
