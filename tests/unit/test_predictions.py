"""From the outputs of a network to the classes of a dataset."""

import json
from pathlib import Path

import numpy as np
import pytest

from workflow_lib.errors import UserError
from workflow_lib.features.output_map import read_outputs
from workflow_lib.features.predictions import predicted

IMAGENET16 = Path(__file__).parents[2] / "configs/kstar-paper/imagenet16.json"
LOGITS = np.log(np.array([[0.3, 0.1, 0.25, 0.35], [0.6, 0.1, 0.3, 0.0001]], dtype=np.float32))


def test_classes_are_matched_by_name_and_never_by_place():
    found = predicted(LOGITS, ["a", "b", "c", "d"], ["d", "c", "b", "a"])
    assert (found.classes.tolist(), found.classes.dtype) == ([0, 3], np.int64)
    assert predicted(LOGITS, ["a", "b", "c", "d"], ["a", "b", "c", "d"]).classes.tolist() == [3, 0]


@pytest.mark.parametrize("outputs", [None, ["0", "1", "2", "3"]])
def test_there_are_no_predictions_if_no_output_is_known_to_be_a_class(outputs):
    assert predicted(LOGITS, outputs, ["a", "b", "c", "d"]) is None


def test_the_mean_and_the_highest_output_by_hand():
    """First row: a has 0.3 and 0.1, mean 0.2, and b 0.25; the highest output of a class is one of a."""
    outputs = ["a", "a", "b", None]
    assert predicted(LOGITS, outputs, ["b", "a"], "mean_probability").classes.tolist() == [0, 1]
    assert predicted(LOGITS, outputs, ["b", "a"], "argmax").classes.tolist() == [1, 1]


def test_a_predicted_class_that_the_data_lack_is_no_class():
    assert predicted(LOGITS, ["a", "b", "c", "d"], ["b", "a"]).classes.tolist() == [-1, 1]
    assert predicted(LOGITS, ["a", "b", "c", "d"], ["x", "y"]) is None


def test_probabilities_by_hand():
    """Three outputs of a class: 0.3 and 0.1 of a, 0.25 of b, which sum to 0.65; the fourth belongs to no class."""
    found = predicted(LOGITS[:1], ["a", "a", "b", None], ["b", "c", "a"])
    assert found.probabilities[0] == pytest.approx([0.25 / 0.65, np.nan, 0.4 / 0.65], nan_ok=True)
    assert found.confidence == pytest.approx([0.4 / 0.65])
    absent = predicted(LOGITS[:1], ["a", "b", "c", "d"], ["b", "a"])
    assert (absent.classes.tolist(), absent.confidence) == ([-1], pytest.approx([0.35]))


def test_an_output_of_no_class_does_not_drown_the_others():
    logits = np.array([[5000, -2000, -1999.5]], dtype=np.float32)
    for rule in ("argmax", "mean_probability"):
        assert predicted(logits, [None, "a", "b"], ["a", "b"], rule).classes.tolist() == [1]


def test_the_mean_equals_softmax_by_the_definition():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(50, 1000)).astype(np.float32) * 3
    outputs = read_outputs(str(IMAGENET16), count=1000)
    classes = sorted(json.loads(IMAGENET16.read_text()))
    softmax = np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum(1, keepdims=True)
    means = [softmax[:, [i for i, name in enumerate(outputs) if name == own]].mean(1) for own in classes]
    expected = np.argmax(means, axis=0)
    assert predicted(logits, outputs, classes, "mean_probability").classes.tolist() == expected.tolist()
    assert len(set(expected)) > 5


def test_the_sixteen_classes():
    """As many outputs as in the published list: 207 of the 1,000 classes."""
    sizes = {name: len(members) for name, members in json.loads(IMAGENET16.read_text()).items()}
    assert (len(sizes), sum(sizes.values())) == (16, 207)
    assert (sizes["dog"], sizes["knife"], sizes["bear"], sizes["truck"]) == (109, 1, 4, 8)


def written(folder, content):
    path = folder / "map.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_both_forms_of_the_file(tmp_path):
    by_class = written(tmp_path, {"cat": [0, 3], "dog": [1]})
    assert read_outputs(by_class, ["cat", "dog"], 5) == ["cat", "dog", None, "cat", None]
    assert read_outputs(by_class) == ["cat", "dog", None, "cat"]
    assert read_outputs(written(tmp_path, ["cat", None, "dog"]), ["dog"], 3) == ["cat", None, "dog"]


def test_names_are_compared_in_composed_form(tmp_path):
    assert read_outputs(written(tmp_path, {"e\u0301": [0]}), ["\u00e9"]) == ["\u00e9"]


def test_all_mistakes_at_once(tmp_path):
    path = written(tmp_path, {"cat": [0, 7], "dog": [0, 9]})
    with pytest.raises(UserError) as error:
        read_outputs(path, ["cat", "dog", "owl"], 9)
    assert {problem.where for problem in error.value.problems} == {"predictions.map"}
    text = str(error.value)
    assert "3 problems" in text
    for part in (f"{path}: 0", "one class at most", f"{path}: 9", "numbered from 0 to 8", f"{path}: owl"):
        assert part in text


@pytest.mark.parametrize(
    "content",
    ["{", {}, [], [None], ["cat", 1], {"cat": []}, {"cat": 1}, {"cat": [True]}, {"cat": [-1]}, {"": [1]}, 3],
)
def test_other_content_is_refused(tmp_path, content):
    with pytest.raises(UserError, match=r"predictions\.map"):
        read_outputs(written(tmp_path, content))


def test_a_list_has_an_entry_for_each_output(tmp_path):
    with pytest.raises(UserError, match="an entry for each of the 4 outputs"):
        read_outputs(written(tmp_path, ["cat", "dog"]), ["cat", "dog"], 4)
