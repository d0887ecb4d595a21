"""Predictions of the classes of a dataset by a network that knows other classes."""

import numpy as np
import pytest

from workflow_lib.features.predictions import predicted

LOGITS = np.array([[1, 3, 2], [5, 0, 0], [0, 1, 2], [4, 4, 4]], dtype=np.float32)
"""The outputs 1, 0, 2, and the first one of equal logits."""


def test_classes_are_matched_by_name_and_never_by_place():
    found = predicted(LOGITS, ["cat", "dog", "bird"], ["bird", "cat", "dog"])
    assert found.tolist() == [2, 1, 0, 1]
    assert found.dtype == np.int64
    assert predicted(LOGITS, ["cat", "dog", "bird"], ["cat", "dog", "bird"]).tolist() == [1, 0, 2, 0]


def test_a_predicted_class_that_the_dataset_lacks_is_minus_one_and_so_always_wrong():
    assert predicted(LOGITS, ["cat", "dog", "bird"], ["bird", "horse", "cat"]).tolist() == [-1, 2, 0, 2]


@pytest.mark.parametrize("outputs", [None, ["0", "1", "2"]])
def test_there_are_no_predictions_if_no_output_is_known_to_be_a_class(outputs):
    assert predicted(LOGITS, outputs, ["cat", "dog", "bird"]) is None
