"""Networks on datasets other than their own, and networks that take the weights of another one."""

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from test_check_network import PLAIN
from test_model_steps import COUNT, NETWORK, context, torch_settings, trained, write_split  # noqa: F401

from workflow_lib.errors import UserError
from workflow_lib.io import checkpoints, storage
from workflow_lib.steps.check_examined import check_examined
from workflow_lib.steps.check_network import check_network
from workflow_lib.steps.extract_features import extract_features
from workflow_lib.steps.import_weights import import_weights

LOGITS = {"logits": {"module": "logits", "pool": "none"}}
OWN = ("top", "middle", "bottom")
TAKEN = {"model": "net", "seed": 3, "interval": 100}
UNTRAINED = NETWORK | {"weights": TAKEN, "model": "taker", "seed": 0}


@pytest.fixture
def own(tmp_path):
    return write_split(tmp_path / "own.zarr.zip")


def other_split(path, names, side=8):
    """The images of `write_split` with other names of the classes, and so in another order."""
    dataset = storage.load(write_split(path.with_name("same.zarr.zip"))).load()
    order = [list(names).index(name) if name in names else 0 for name in OWN]
    image = dataset["image"].values[:, :, :side]
    coords = {
        "sample": ("sample", dataset["sample"].values),
        "label": ("sample", np.array(order)[dataset["label"].values]),
        "class": ("class", np.array(names)),
    }
    storage.save(xr.Dataset({"image": (("sample", "channel", "y", "x"), image)}, coords), path)
    return path


def extracted(tmp_path, split, checkpoint):
    path = tmp_path / "features" / "logits.zarr.zip"
    path.parent.mkdir(exist_ok=True)
    spec = {"layers": LOGITS, "transform": None, "predictions": None}
    extract_features(spec=spec, checkpoint=checkpoint, dataset=split, features=[path], context=context(tmp_path))
    return storage.load(path).load()


def test_predictions_on_other_data_are_matched_by_name(tmp_path, own):
    longer = {"epochs": 12, "batch_size": 16, "lr": 0.01}
    checkpoint = trained(tmp_path, own, training=longer, stop_epoch=12)
    assert checkpoints.load(checkpoint)["classes"] == list(OWN)
    store = extracted(tmp_path, own, checkpoint)
    at_home = store["prediction"].values
    np.testing.assert_array_equal(at_home, store["features"].values.argmax(1))
    names = ("bottom", "top", "other")
    abroad = extracted(tmp_path, other_split(tmp_path / "abroad.zarr.zip", names), checkpoint)
    expected = np.array([1, -1, 0])[at_home]  # top, middle, bottom
    np.testing.assert_array_equal(abroad["prediction"].values, expected)
    assert set(expected) == {1, -1, 0}
    strange = extracted(tmp_path, other_split(tmp_path / "strange.zarr.zip", ("x", "y", "z")), checkpoint)
    assert "prediction" not in strange


def test_weights_of_another_model_keep_the_names_of_its_outputs(tmp_path, own):
    checkpoint, taken = trained(tmp_path, own), tmp_path / "taken.pt"
    swapped = other_split(tmp_path / "swapped.zarr.zip", ("bottom", "middle", "top"))
    import_weights(spec=UNTRAINED, dataset=swapped, weights=checkpoint, checkpoint=taken)
    content = checkpoints.load(taken)
    assert content["classes"] == list(OWN)
    for name, tensor in checkpoints.load(checkpoint)["network"].items():
        torch.testing.assert_close(content["network"][name], tensor, rtol=0, atol=0)
    found = extracted(tmp_path, swapped, taken)["prediction"].values
    np.testing.assert_array_equal(found, 2 - extracted(tmp_path, own, checkpoint)["prediction"].values)


def test_a_training_starts_from_the_weights_of_another_model(tmp_path, own):
    checkpoint = trained(tmp_path, own)
    still = {"epochs": 1, "batch_size": COUNT, "lr": 1e-12, "optimizer": "sgd"}
    started = trained(tmp_path, own, "started", weights_of=checkpoint, training=still, stop_epoch=1, weights=TAKEN)
    before, after = (checkpoints.load(path)["network"] for path in (checkpoint, started))
    torch.testing.assert_close(after["logits.weight"], before["logits.weight"])


def checked(tmp_path, own, origin, **changes):
    spec = PLAIN | {"layers": {"late": {"module": "dense1"}}, "model": "taker", "weights": TAKEN} | changes
    table = tmp_path / "taker.csv"
    check_network(spec=spec, dataset=own, origin=origin, network=table, context=context(tmp_path))
    return table


def test_a_network_that_takes_weights_is_checked_before_they_exist(tmp_path, own):
    small = other_split(tmp_path / "small.zarr.zip", OWN, side=4)
    two = other_split(tmp_path / "two.zarr.zip", ("top", "bottom"))
    for training in (PLAIN["training"], None):
        assert checked(tmp_path, own, two, training=training).is_file()
        with pytest.raises(UserError, match="those of the other model\n.*do not fit the network: of another shape"):
            checked(tmp_path, own, small, training=training)


def test_an_examined_dataset_has_the_shape_of_images_that_the_network_takes(tmp_path, own):
    spec, table = {"model": "net", "dataset": "abroad"}, tmp_path / "abroad.csv"
    abroad = other_split(tmp_path / "abroad.zarr.zip", ("bottom", "top", "other"))
    check_examined(spec=spec, own=own, examined=abroad, classes=table)
    expected = pd.DataFrame({"class_name": ["bottom", "top", "other"], "shared": [True, True, False]})
    pd.testing.assert_frame_equal(pd.read_csv(table), expected, check_dtype=False)
    with pytest.raises(UserError) as caught:
        check_examined(
            spec=spec, own=own, examined=other_split(tmp_path / "small.zarr.zip", OWN, side=4), classes=table
        )
    (problem,) = caught.value.problems
    assert (problem.where, problem.value) == ("models.net.examine", "abroad")
    assert "has images of 4 x 8 pixels and 1 channel" in str(problem)
    assert "8 x 8 pixels" in str(problem)
