import numpy as np
import pytest
import torch
from prototypes_cases import CLASSES, SHAPE, linear, noise, quick, trained
from torch import nn

from workflow_lib.models.normalization import wrap
from workflow_lib.prototypes.boundaries import TOLERANCE, on_path, straight
from workflow_lib.prototypes.descent import Settings
from workflow_lib.prototypes.frozen import frozen
from workflow_lib.prototypes.matrix import make_matrix

PLANE = linear([[0.0, 0.0], [2.0, 4.0], [9.0, 9.0]], [0.0, -1.0, -20.0], (1, 1, 2))  # classes 0, 1: 2 x + 4 y = 1
START, END = (np.array([[[point]]], np.float32) for point in ([0.1, 0.0], [0.5, 1.0]))


class Curve(nn.Module):
    """Two logits of one pixel x: 0, and `scale` times the product of x - root - beyond over all roots."""

    def __init__(self, roots, scale, beyond):
        super().__init__()
        self.roots, self.scale, self.beyond = roots, scale, beyond
        self.head = nn.Linear(1, 2, bias=False)
        self.head.weight.data = torch.tensor([[0.0], [1.0]])

    def forward(self, images):
        x = images.flatten(1)
        value = self.scale * torch.ones_like(x)
        for root in self.roots:
            value = value * (x - root - self.beyond)
        return self.head(value)


def curve(*roots, scale=10.0, beyond=0.0):
    return frozen(wrap(Curve(roots, scale, beyond), 1, None), None, (1, 1, 1))


def unit_line(network):
    """From pixel 0 of class 0 to pixel 1 of class 1."""
    ends = (np.full((1, 1, 1, 1), value, np.float32) for value in (0, 1))
    return straight(network, *ends, np.array([0]), np.array([1]))


@pytest.fixture(scope="module")
def made():
    """A set, and target and origin of its intermediaries."""
    found = make_matrix(quick(), noise(CLASSES, seed=3), Settings("sgd", 0.02, 40, 0.05))
    targets, origins = np.nonzero(~np.eye(CLASSES, dtype=bool))
    return found, targets, origins


def test_the_boundary_on_a_straight_line_by_hand():
    found = straight(PLANE, START, END, np.array([0]), np.array([1]))
    # The target's logit: -0.8 at the start, 4 at the end.
    np.testing.assert_allclose(found.share, 0.8 / 4.8, atol=TOLERANCE)
    np.testing.assert_allclose(found.image.ravel(), [0.1 + 0.4 / 6, 1 / 6], atol=TOLERANCE)
    np.testing.assert_allclose(found.features, found.image.reshape(1, 2), atol=1e-7)
    assert abs(found.difference) <= TOLERANCE
    assert found.found


def test_the_boundary_on_the_way_by_hand():
    crossing = np.stack([START, END], 1)
    found = on_path(
        PLANE, crossing, np.array([0]), np.array([1]), crossing_length=np.array([2.0]), length=np.array([5.0])
    )
    np.testing.assert_allclose(found.share, (2 + 0.8 / 4.8 * np.hypot(0.4, 1)) / 5, atol=TOLERANCE)


@pytest.mark.parametrize(("start", "end"), [(END, START), (START, START), (END, END)])
def test_ends_on_the_wrong_side_have_no_boundary(start, end):
    found = straight(PLANE, start, end, np.array([0]), np.array([1]))
    assert not found.found
    for values in (found.image, found.features, found.share, found.difference):
        assert np.isnan(values).all()


def test_of_several_crossings_it_is_the_first():
    np.testing.assert_allclose(unit_line(curve(0.21, 0.5, 0.83)).share, 0.21, atol=1e-3)


def test_a_crossing_of_two_that_end_on_the_same_side_does_not_count():
    assert not unit_line(curve(0.21, 0.5)).found


def test_steep_logits_are_brought_to_the_tolerance_in_float64():
    # Float32 pixels near 0.3 are 3e-8 apart, and these logits 3e-8 x 1e6.
    found = unit_line(curve(0.3, scale=1e6, beyond=1e-8))
    assert found.found
    assert abs(found.difference) <= TOLERANCE
    np.testing.assert_allclose(found.share, 0.3 + 1e-8, atol=1e-10)
    assert found.image.dtype == found.features.dtype == np.float32


def test_every_pair_of_a_set_has_a_boundary_where_the_plain_network_finds_both_logits_equal(made):
    found, targets, origins = made
    images = found["image"]
    lines = straight(quick(), images[origins, origins], images[targets, targets], origins, targets)
    ways = on_path(
        quick(),
        found["crossing"][targets, origins],
        origins,
        targets,
        crossing_length=found["crossing_length"][targets, origins],
        length=found["length"][targets, origins],
    )
    for boundaries in (lines, ways):
        assert boundaries.found.all()
        assert ((boundaries.share > 0) & (boundaries.share < 1)).all()
        with torch.no_grad():
            logits = trained()(torch.from_numpy(boundaries.image))
        rows = np.arange(len(targets))
        np.testing.assert_allclose(logits[rows, targets], logits[rows, origins], atol=2 * TOLERANCE)


def test_there_and_back_meet_at_the_same_point_where_the_line_crosses_once(made):
    found, targets, origins = made
    ends = found["image"][origins, origins], found["image"][targets, targets]
    there = straight(quick(), *ends, origins, targets)
    back = straight(quick(), *ends[::-1], targets, origins)
    np.testing.assert_allclose(there.share + back.share, 1, atol=1e-3)


def test_a_way_that_never_crossed_has_no_boundary(made):
    found, targets, origins = made
    crossing = found["crossing"][targets, origins].copy()
    crossing[1] = np.nan
    lengths = {name: found[name][targets, origins] for name in ("crossing_length", "length")}
    assert np.flatnonzero(~on_path(quick(), crossing, origins, targets, **lengths).found).tolist() == [1]
    swapped = crossing[:, ::-1]
    assert not on_path(quick(), swapped, origins, targets, **lengths).found.any()


@pytest.mark.parametrize("batch", [1, 5])
def test_the_size_of_the_batch_does_not_matter(made, batch):
    found, targets, origins = made
    arguments = (found["image"][origins, origins], found["image"][targets, targets], origins, targets)
    whole, parts = straight(quick(), *arguments), straight(quick(), *arguments, batch=batch)
    np.testing.assert_allclose(parts.share, whole.share, atol=1e-4)
    np.testing.assert_allclose(parts.features, whole.features, atol=1e-2)
    assert whole.image.shape == (len(targets), *SHAPE)
