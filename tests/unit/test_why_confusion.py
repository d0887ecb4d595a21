"""Why a job of a confusion study would run: told in the words of the config, seed by seed."""

import pytest
from test_why import finish, lines, planned

JOBS = "train_replicates mixed (3 jobs): "


def confused(**changes):
    study = {"model": "digits_cnn", "seeds": [0, 1], "pairs": [["0", "1"], ["2", "3"]]} | changes

    def change(raw):
        raw["confusion"] = {"studies": {"mixed": study}}

    return change


@pytest.fixture
def finished(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finish(planned(confused()))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"mode": "drop"}, 'train_replicates mixed (2 jobs): confusion.studies.mixed.mode: "swap" -> "drop"'),
        ({"share": 0.25}, "train_replicates mixed (2 jobs): confusion.studies.mixed.share: 0.5 -> 0.25"),
        ({"seeds": [0, 1, 2]}, "train_replicates mixed (3 jobs): not there yet"),
        ({"seeds": [0, 1, 2]}, "collect_confusion mixed (1 job): confusion.studies.mixed.seeds: [0, 1] -> [0, 1, 2]"),
        ({"seeds": [1]}, "collect_confusion mixed (1 job): confusion.studies.mixed.seeds: [0, 1] -> [1]"),
        ({"pairs": ["0", "1"]}, "collect_confusion mixed (1 job): confusion.studies.mixed.pairs: "),
        ({"permutations": 9}, "tabulate_confusion mixed (1 job): confusion.studies.mixed.permutations: 9999 -> 9"),
        ({"example_pair": ["2", "3"]}, "draw_matrices mixed (1 job): confusion.studies.mixed.example_pair: null -> "),
    ],
)
def test_settings_have_the_words_of_the_config(finished, change, line):
    assert lines(confused()) == ["Nothing would run."]
    told = lines(confused(**change))
    assert any(text.startswith(line) for text in told), told


def test_a_setting_of_the_model_is_told_where_it_stands(finished):
    def change(raw):
        confused()(raw)
        raw["models"]["digits_cnn"]["training"]["lr"] = 0.5

    assert any(text.startswith(f"{JOBS}models.digits_cnn.training.lr: 0.01 -> 0.5") for text in lines(change))


def test_seeds_of_the_model_itself_do_not_matter(finished):
    def change(raw):
        confused()(raw)
        raw["models"]["digits_cnn"]["seeds"] = [0, 1, 2]

    assert not [text for text in lines(change) if "confusion" in text or "train_replicates" in text]


def test_the_size_of_blocks_is_no_reason(finished, monkeypatch):
    plan = planned(confused())
    plan._seeds_per_job = 1
    from workflow_lib.plan import why

    assert why.explain(plan).reasons == {}
