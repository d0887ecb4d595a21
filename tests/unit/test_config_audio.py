"""Settings of the source `audio`."""

import pytest
from config_cases import change, problems

from workflow_lib.config import extras, load
from workflow_lib.errors import UserError

WHERE = "datasets.digits"


def raw(**keys):
    settings = {"source": "audio", "root": "sounds", "table": "clips.csv", "test_fraction": 0.5} | keys
    return change("datasets/digits", {key: value for key, value in settings.items() if value is not None})


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"test_fraction": None, "test_speakers": ["theo"], "sample_rate": 8000, "fmax": 4000, "hop_length": 400},
        {"table": None},
        {"table": None, "test_fraction": None},
    ],
)
def test_good_settings(keys):
    load(raw(**keys), check_files=False)


@pytest.mark.parametrize(
    ("keys", "where", "words"),
    [
        ({"test_fraction": None}, "", "needs one of splits, test_speakers, test_fraction, and has none"),
        ({"test_speakers": ["theo"]}, "", "has test_speakers and test_fraction"),
        ({"test_speakers": []}, ".test_speakers", "must have at least one entry"),
        ({"table": None, "labels": "class"}, ".labels", "there is no table"),
        ({"table": "clips.xlsx"}, ".table", "must end in one of .csv, .tsv, .parquet"),
        ({"fmax": 9000}, ".fmax", "must not be above 8000"),
        ({"fmin": 8000}, ".fmin", "must be below fmax, 8000"),
        ({"hop_length": 401}, ".hop_length", "samples between two frames are left out"),
        ({"n_fft": 401}, ".n_fft", "must be even"),
        ({"seconds": 0.01}, ".seconds", "fewer than one frame"),
        ({"test_fraction": None, "splits": "split", "split_seed": 3}, ".split_seed", "nothing is drawn"),
    ],
)
def test_contradictions(keys, where, words):
    found = problems(raw(**keys))
    assert list(found) == [f"{WHERE}{where}"]
    assert words in found[f"{WHERE}{where}"]


def test_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sounds").mkdir()
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "librosa" else name)
    config = {"datasets": {"digits": {"source": "audio", "root": "sounds", "test_fraction": 0.5}}}
    with pytest.raises(UserError) as error:
        load(config)
    assert str(error.value) == (
        "1 problem:\ndatasets.digits.source: audio\n    needs the package librosa, which the extra sound installs\n"
        "    -> pip install -c constraints.txt -e '.[sound]'"
    )
