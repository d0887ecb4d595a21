import numpy as np
import pytest
import torch

from workflow_lib.errors import UserError
from workflow_lib.kstar.inputs import check
from workflow_lib.names import METRICS

FEATURES = np.arange(1.0, 13).reshape(6, 2)
LABELS = np.array([0, 1, 0, 1, 0, 1])
DEVICES = ["cpu", "cpu:0"]
"""With NumPy, and with torch, as for a GPU."""


def spoiled(value, row, column=0):
    features = FEATURES.copy()
    features[row, column] = value
    return features


@pytest.mark.parametrize(
    ("features", "labels", "metric", "words"),
    [
        (FEATURES, LABELS, "manhattan", ["manhattan", *METRICS]),
        (FEATURES, LABELS[:4], "euclidean", ["6 rows", "4 labels"]),
        (FEATURES[:, 0], LABELS, "euclidean", ["(6,)", "features.reshape(len(features), -1)"]),
        (np.array([[1.0], [2.0]] * 3 + [None], object)[:6], LABELS, "euclidean", ["object", "numpy.stack(features)"]),
        (FEATURES.astype(str), LABELS, "euclidean", ["Pass real numbers"]),
        ([[1.0], [2.0, 3.0]], [0, 1], "euclidean", ["features: list", "inhomogeneous"]),
        (torch.ones(6, 2, dtype=torch.bfloat16), LABELS, "euclidean", ["Tensor", "features.detach().cpu().float()"]),
        (torch.ones(6, 2, requires_grad=True), LABELS, "euclidean", ["Tensor", "features.detach().cpu().float()"]),
        (FEATURES[:, :0], LABELS, "euclidean", ["(6, 0)"]),
        (FEATURES * 1j, LABELS, "euclidean", ["complex"]),
        (FEATURES, LABELS[:, None], "euclidean", ["(6, 1)"]),
        (FEATURES, LABELS / 2, "euclidean", ["labels", "float64"]),
        (FEATURES, np.array(["a", None, "b"] * 2, dtype=object), "euclidean", ["labels", "object"]),
        (FEATURES, np.full(6, "cat"), "euclidean", ["only class cat"]),
        (FEATURES[:0], LABELS[:0], "euclidean", ["no samples"]),
        (spoiled(np.nan, 3, 1), LABELS, "euclidean", ["nan", "sample 3", "feature 1"]),
        (spoiled(-np.inf, 4), LABELS, "chebyshev", ["-inf", "sample 4"]),
        (spoiled(0, 2) * [1, 0], LABELS, "cosine", ["sample 2", "vector of zeros", "on_zero: leave_out"]),
        (spoiled(1e300, 2), LABELS, "euclidean", ["1e+300"]),
        (spoiled(1e-300, 2) * [1, 0], LABELS, "cosine", ["1e-300"]),
    ],
)
@pytest.mark.parametrize("device", DEVICES)
def test_an_error_names_what_was_found(features, labels, metric, words, device):
    with pytest.raises(UserError) as error:
        check(features, labels, metric, device)
    assert [word for word in words if word not in str(error.value)] == []


def test_problems_come_together():
    with pytest.raises(UserError) as error:
        check(spoiled(np.nan, 0), np.zeros(6, dtype=int), "euclidean")
    assert len(error.value.problems) == 2


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "chebyshev"])
def test_a_zero_vector_is_only_an_error_under_cosine(metric):
    assert len(check(FEATURES * 0, LABELS, metric).order) == 6


def test_a_problem_is_also_a_value_error():
    with pytest.raises(ValueError, match="only class"):
        check(FEATURES, np.zeros(6, dtype=int), "euclidean")


@pytest.mark.parametrize("kind", [torch.float16, torch.int64, torch.uint8])
def test_tensors_are_used_as_arrays(kind):
    features = check(torch.tensor(FEATURES).to(kind), torch.tensor(LABELS), "euclidean").features
    np.testing.assert_array_equal(features, FEATURES)


@pytest.mark.parametrize("kind", ["U1", "S1", object, np.dtypes.StringDType()])
def test_strings_of_any_kind_are_names(kind):
    assert check(FEATURES, np.array(list("bacaba"), dtype=kind), "euclidean").order.tolist() == [1, 3, 5, 0, 4, 2]


def test_classes_become_neighbours_and_keep_their_order():
    samples = check(FEATURES, np.array(["b", "a", "c", "a", "b", "a"]), "cosine")
    assert samples.order.tolist() == [1, 3, 5, 0, 4, 2]
    assert samples.starts.tolist() == [0, 3, 5, 6]


@pytest.mark.parametrize(
    ("given", "kept"),
    [("float32", "float32"), ("float64", "float64"), ("float16", "float64"), ("int64", "float64"), ("bool", "float64")],
)
def test_float32_and_float64_are_used_as_given(given, kept):
    assert check(FEATURES.astype(given), LABELS, "euclidean").features.dtype == kept


@pytest.mark.parametrize("number", ["int8", "uint8", "int16", "uint16", "int64", "uint64"])
def test_numbers_are_sorted_up_to_the_ends_of_their_range(number):
    least, largest = np.iinfo(number).min, np.iinfo(number).max
    rng = np.random.default_rng(0)
    for first, last in [(least, least + 70), (max(least, largest - 2**16 + 1), largest), (least, largest)]:
        labels = rng.integers(first, last, 500, dtype=number, endpoint=True)
        labels[-4:] = np.array([last, first, last, first], number)
        order = check(np.ones((len(labels), 1)), labels, "euclidean").order
        np.testing.assert_array_equal(order, np.argsort(labels, kind="stable"))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_every_row_of_many_is_looked_at(metric, device):
    features = np.ones((2500, 2))
    features[2100] = -8.0
    labels = np.arange(2500) % 2
    magnitude = check(features, labels, metric, device).magnitude
    assert magnitude.dtype == np.float64
    assert magnitude.max() == 8.0
    assert metric == "euclidean" or np.flatnonzero(magnitude != 1.0).tolist() == [2100]
    features[2400, 1] = np.nan
    with pytest.raises(UserError, match="nan at sample 2400, feature 1"):
        check(features, labels, metric, device)
