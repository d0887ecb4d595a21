import numpy as np
import pytest
from kstar_cases import METRICS, cases

from workflow_lib.kstar import bounds
from workflow_lib.kstar.inputs import check
from workflow_lib.kstar.metrics import score_tile
from workflow_lib.kstar.pairs import distance_between
from workflow_lib.kstar.rows import rows_of

CASES = cases()


def one_by_one(left, right, tile):
    """Dot products in float32 from the first feature to the last: the order with the largest rounding error."""
    tile[:] = 0
    for f in range(left.shape[1]):
        tile += left[:, f, None] * right[None, :, f]


def evaluate(features, labels, metric, backwards=False):
    """Lower bound, float64 distance and upper bound of every pair."""
    samples = check(features, labels, metric)
    rows = rows_of(samples, metric)
    values, share = bounds.stand_in(rows)
    count = len(labels)
    tile = np.empty((count, count), dtype=np.float32)
    if backwards:
        one_by_one(values, values, tile)
    else:
        score_tile(values, values, rows.kind, tile)
    true = np.array([[distance_between(rows, i, j) for j in range(count)] for i in range(count)])
    low = (share.low[:, None] + share.low[None]) - tile
    high = (share.high[:, None] + share.high[None]) - tile
    assert low.dtype == high.dtype == np.float32
    return low, true, high


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", CASES)
def test_every_distance_lies_between_its_bounds(name, metric):
    low, true, high = evaluate(*CASES[name], metric)
    assert np.all(low <= true)
    assert np.all(true <= high)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("name", ["normal", "offset 1e6", "scales by sample", "collapsed", "one ulp"])
def test_bounds_hold_for_the_worst_order_of_summation(name, metric):
    low, true, high = evaluate(*CASES[name], metric, backwards=True)
    assert np.all((low <= true) & (true <= high))


@pytest.mark.parametrize("metric", METRICS)
def test_bounds_are_close_enough_to_decide_most_pairs(metric):
    low, true, high = evaluate(*CASES["normal"], metric)
    other = ~np.eye(len(true), dtype=bool)
    assert np.max((high - low)[other] / true[other]) < 1e-4


@pytest.mark.parametrize("metric", METRICS)
def test_without_the_error_they_would_not_hold(metric, monkeypatch):
    monkeypatch.setattr(bounds, "error_of", lambda width, kind: (0.0, 0.0))
    low, true, high = evaluate(*CASES["normal"], metric)
    assert not np.all((low <= true) & (true <= high))


def test_error_grows_with_the_features_of_a_sum_and_not_of_a_maximum():
    shares = [[bounds.error_of(width, kind)[0] / bounds.UNIT for width in (1, 512, 4096)] for kind in (0, 1, 2)]
    np.testing.assert_allclose(shares[:2], [[9, 520, 4104]] * 2, rtol=2e-3)
    np.testing.assert_allclose(shares[2], 8, rtol=2e-3)
