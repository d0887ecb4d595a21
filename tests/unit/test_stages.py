"""Intervals of the data: nested parts of the images, and trainings that go on from one part to the next."""

import math

import numpy as np
import pytest
import torch
from test_model_steps import COUNT, TRAIN, files_of, forge, torch_settings, trained, write_split  # noqa: F401
from torch.nn.functional import cross_entropy

from workflow_lib import seeds
from workflow_lib.io import checkpoints, storage
from workflow_lib.models.registry import build
from workflow_lib.training.optimisation import WARM_UP
from workflow_lib.training.subsets import growing

TRAINING = {"epochs": 3, "batch_size": COUNT, "optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "schedule": "cosine"}


@pytest.fixture
def split(tmp_path):
    return write_split(tmp_path / "train.zarr.zip")


def stage(tmp_path, split, percent, former=None, name=None, **changes):
    training = TRAINING | changes
    more = {"training": training, "stop_epoch": training["epochs"], "intervals_of": "data", "percent": percent}
    return trained(tmp_path, split, name or f"stage-{percent}", former=former, **more)


def test_parts_are_nested_and_hold_the_same_share_of_each_class():
    labels = np.repeat([0, 1, 2], [40, 10, 1])
    parts = {percent: growing(labels, percent, ("net", 0)) for percent in (25, 40, 60, 100)}
    counts = {percent: np.bincount(labels[rows]).tolist() for percent, rows in parts.items()}
    assert counts == {25: [10, 3, 1], 40: [16, 4, 1], 60: [24, 6, 1], 100: [40, 10, 1]}  # 2.5 and 0.25 are rounded up
    assert set(parts[25]) < set(parts[40]) < set(parts[60]) < set(parts[100])
    np.testing.assert_array_equal(parts[100], np.arange(51))


def test_the_first_of_a_random_order_of_the_class_are_taken():
    labels = np.array([1, 0, 1, 1, 0, 1])
    first, second = (seeds.generator("net", 3, "subset", label).permutation(2 + 2 * label) for label in (0, 1))
    wanted = sorted([*np.array([1, 4])[first][:1], *np.array([0, 2, 3, 5])[second][:2]])
    assert growing(labels, 50, ("net", 3)).tolist() == wanted
    draws = {tuple(growing(np.zeros(20, int), 50, ("net", seed))) for seed in range(5)}
    assert len(draws) == 5


def test_two_stages_are_those_of_a_plain_loop(tmp_path, split):
    """All images of a stage are one batch, so no order matters. The optimiser is new and the schedule whole in each."""
    first = stage(tmp_path, split, 40)
    second = stage(tmp_path, split, 100, former=first)

    stored = storage.load(split)
    images = torch.from_numpy(stored["image"].values).float() / 255
    labels = torch.from_numpy(stored["label"].values)
    options = {"width": 8, "hidden": 16}
    weights = seeds.derive("cnn", 3, "weights")
    network = build("small_cnn", options=options, in_channels=1, image_size=(8, 8), n_classes=3, seed=weights).train()
    members = [np.flatnonzero(labels.numpy() == label) for label in range(3)]
    part = np.concatenate(
        [seeds.generator("cnn", 3, "subset", label).permutation(members[label])[:8] for label in range(3)]
    )
    for rows, checkpoint in ((np.sort(part), first), (np.arange(COUNT), second)):
        optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
        for epoch in range(3):
            optimizer.param_groups[0]["lr"] = 0.1 * (1 + math.cos(math.pi * epoch / 3)) / 2
            optimizer.zero_grad()
            cross_entropy(network(images[rows]), labels[rows]).backward()
            optimizer.step()
        found = checkpoints.load(checkpoint)["network"]
        for name, value in network.network.state_dict().items():
            torch.testing.assert_close(found[name], value, rtol=0, atol=1e-5)


def test_each_stage_has_a_curve_and_a_schedule_of_its_own(tmp_path, split):
    changes = {"epochs": 10, "batch_size": 5, "schedule": "onecycle"}
    first = stage(tmp_path, split, 25, **changes)
    second = stage(tmp_path, split, 100, former=first, **changes)
    for checkpoint, batches in ((first, 3), (second, 12)):
        curve = storage.read_table(checkpoint.with_suffix(".csv"))
        assert curve["epoch"].tolist() == list(range(1, 11))
        falling = 10 * batches - round(WARM_UP * 10 * batches)
        last = 0.1 * (1 + math.cos(math.pi * (falling - 1) / falling)) / 2
        assert curve["lr"].iloc[-1] == pytest.approx(last)
        assert last < 0.001
    steps = checkpoints.load(stage(tmp_path, split, 100, former=first, name="adam", optimizer="adam", momentum=0.0))
    assert {moments["step"].item() for moments in steps["optimizer"]["state"].values()} == {3}


def test_a_stage_goes_on_from_the_stage_before(tmp_path, split):
    first = stage(tmp_path, split, 25)
    whole = files_of(stage(tmp_path, split, 100, former=first))
    assert files_of(stage(tmp_path, split, 100, former=forge(first), name="forged")) != whole
    assert files_of(stage(tmp_path, split, 100, name="alone")) != whole
    assert files_of(stage(tmp_path, split, 100, former=first, name="again")) == whole
