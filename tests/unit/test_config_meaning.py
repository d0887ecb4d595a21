"""The config's model: short and long forms, defaults and order change nothing; what `all` and lists come to."""

import pytest
from config_cases import change, good, problems, shuffled
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_lib.config import load
from workflow_lib.config.studies import resolve_kstar
from workflow_lib.config.transforms import strengths


def test_short_forms_and_long_forms_mean_the_same():
    raw = good()
    raw["models"]["cnn"] |= {"seeds": [4, 3], "intervals": [25, 100]}
    raw["models"]["cnn"]["layers"]["early"] = {"module": "conv1", "pool": "none"}
    raw["kstar"]["studies"]["training"] |= {"model": ["cnn"], "split": ["test"], "metric": "euclidean"}
    assert load(raw, check_files=False) == load(good(), check_files=False)


def test_written_out_defaults_change_nothing():
    config = load(good(), check_files=False)
    written = config.model_dump(mode="json")
    assert written["models"]["cnn"]["training"]["batch_size"] == 128
    assert written["kstar"]["studies"]["training"]["layer"] == "all"
    assert load(written, check_files=False) == config


@settings(deadline=None)
@given(order=st.randoms(use_true_random=False))
def test_order_of_keys_changes_nothing(order):
    assert load(shuffled(good(), order), check_files=False) == load(good(), check_files=False)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("results/a/", "results/a"), ("./out", "out"), ("/scratch/me", "/scratch/me"), (None, "results")],
)
def test_the_folder_of_results_has_one_form(written, meant):
    raw = good() if written is None else good() | {"results": written}
    assert load(raw, check_files=False).results == meant


def test_a_dataset_cannot_be_changed_by_an_attack():
    raw = change("transforms/attacked", {"kind": "pgd", "epsilon": "8/255"})
    raw["datasets"]["changed"] = {"source": "transformed", "of": "digits", "transform": "attacked"}
    found = problems(raw)
    assert list(found) == ["datasets.changed.transform"]
    assert "training.adversarial" in found["datasets.changed.transform"]


def test_epsilon_may_be_a_ratio():
    keys = {"kind": "pgd", "epsilon": "8/255", "step": "2 / 255"}
    attack = load(change("transforms/attacked", keys), check_files=False).transforms["attacked"]
    assert (attack.epsilon, attack.step) == (8 / 255, 2 / 255)
    number = load(change("transforms/attacked", keys | {"epsilon": 8 / 255}), check_files=False)
    assert number.transforms["attacked"].epsilon == attack.epsilon


TRANSFORMS = {
    "turned": {"kind": "rotation", "degrees": 30},
    "noisy": {"kind": "gaussian_noise", "std": 0.2},
    "attacked": {"kind": "pgd", "epsilon": "8/255"},
    "cropped": {"kind": "centre_crop", "pixels": 5},
    "own": {"kind": "function", "function": "mine:blur", "strength": 3},
    "nameless": {"kind": "function", "function": "mine:blur"},
}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["original", "turned", "noisy", "attacked"], [0, 30, 0.2, 8 / 255]),
        (["original", "cropped"], [None, 5]),
        (["turned", "original", "own", "nameless"], [30, None, 3, None]),
        (["original"], [None]),
    ],
)
def test_strength_of_transforms(names, expected):
    config = load(change("transforms", TRANSFORMS), check_files=False)
    assert strengths(names, config.transforms) == dict(zip(names, expected, strict=True))


def test_a_config_cannot_be_changed():
    config = load(good(), check_files=False)
    with pytest.raises(ValueError, match="frozen"):
        config.kstar.threshold = 1.0


def test_all_means_all_that_each_model_has():
    both = resolve_kstar("both", load(good(), check_files=False))
    assert both.title == "Both"
    assert list(both.models) == ["cnn", "ready"]
    assert (both.models["cnn"].seeds, both.models["ready"].seeds) == ((3, 4), (0,))
    assert both.models["cnn"].intervals == (100,)
    assert both.models["cnn"].layers == ("late",)
    assert both.metrics == ("euclidean", "cityblock", "chebyshev", "cosine")
    assert (both.splits, both.transforms, both.imported) == (("test",), ("original",), ())


def test_stages_on_growing_data_need_no_whole_number_of_epochs():
    raw = good()
    raw["models"]["cnn"] |= {"intervals_of": "data", "intervals": [25, 33, 100]}
    assert load(raw, check_files=False).models["cnn"].intervals == (25, 33, 100)


def test_resolved_seeds_and_intervals_rise_and_layers_keep_their_order():
    raw = change("kstar/studies/training", {"model": "cnn", "seed": [4, 3], "interval": [100, 25], "split": "all"})
    study = resolve_kstar("training", load(raw, check_files=False))
    assert (study.models["cnn"].seeds, study.models["cnn"].intervals) == ((3, 4), (25, 100))
    assert study.models["cnn"].layers == ("early", "late")
    assert study.splits == ("train", "test")


def test_a_study_of_imported_features_has_nothing_of_models():
    study = resolve_kstar("texts", load(change("kstar/studies/texts/features", "all"), check_files=False))
    assert (study.imported, study.models, study.splits, study.transforms) == (("emb",), {}, (), ())
    assert study.metrics == ("cosine", "euclidean")
