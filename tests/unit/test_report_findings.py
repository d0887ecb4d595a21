"""Sentences of the report: each follows from hand-made tables, and none from tables that do not support it."""

import math

import pandas as pd
import pytest

from workflow_lib.report import findings, words
from workflow_lib.report.findings import confusion, kstar, prototypes, relations

NONE = float("nan")
POINT = {
    "model": "cnn", "dataset": "digits", "seed": 0, "interval": 100, "split": "test", "transform": "original",
    "layer": "logits", "metric": "euclidean",
}  # fmt: skip


def a_class(name, mean=0.5, skewness=0.0, pattern="Overlapped", width=0.05, share=1.0, **point):
    return POINT | {
        "class_name": name, "n": 50, "left_out": 0, "censored": 0, "mean": mean, "skewness": skewness,
        "pattern": pattern, "mean_low": mean - width, "mean_high": mean + width, "skewness_low": skewness - 0.3,
        "skewness_high": skewness + 0.3, "pattern_share": share,
    } | point  # fmt: skip


def fractured(name, skewness=2.0, **more):
    return a_class(name, 0.2, skewness, "Fractured", **more)


def clustered(name, **more):
    return a_class(name, 0.9, -2.0, "Clustered", **more)


def claims(found):
    return [finding.claim for finding in found]


def of_kstar(rows, **tables):
    return kstar.findings({"classes": pd.DataFrame(rows), **tables}, "images")


def test_patterns_are_counted_where_they_are_certain():
    found = of_kstar(
        [fractured("9"), clustered("1"), clustered("2"), clustered("3", share=0.9), a_class("4", share=0.5)]
    )
    assert claims(found)[0] == "Of 5\xa0classes, 1 is Fractured and 2 are Clustered; the pattern of 2 is not certain."
    assert "in at least 95 % of the resamples of test images" in found[0].evidence


def test_an_interval_of_the_skewness_that_contains_0_supports_no_pattern():
    rows = [clustered("1", skewness_high=0.1), fractured("2", skewness_low=-0.1), fractured("3")]
    assert claims(of_kstar(rows))[0] == "Of 3\xa0classes, 1 is Fractured; the pattern of 2 is not certain."


def test_a_pattern_must_be_the_same_in_all_seeds():
    rows = [clustered("1", seed=0), a_class("1", seed=1), clustered("2", seed=0), clustered("2", seed=1)]
    assert claims(of_kstar(rows))[0] == "Of 2\xa0classes, 1 is Clustered; the pattern of 1 is not certain."


def test_no_pattern_is_claimed_if_none_is_certain():
    assert of_kstar([clustered("1", share=0.9), a_class("2", share=0.5)]) == []


@pytest.mark.parametrize(
    ("second", "claim"),
    [
        (clustered("1"), "Class 9 is the only one that is certainly Fractured."),
        (fractured("8", skewness=1.0), "2 classes are certainly Fractured, and 9 is the most fractured of them."),
        (fractured("8", skewness=1.6), "2 classes are certainly Fractured: 9 and 8."),
    ],
)
def test_the_most_fractured_class_is_named_only_if_the_intervals_are_apart(second, claim):
    found = of_kstar([second, fractured("9")])
    assert claims(found)[1] == claim
    assert "0.200 (95\xa0% interval 0.150 to 0.250), skewness 2 (95\xa0% interval 1.70 to 2.30)" in found[1].evidence
    assert "n\xa0=\xa050 test images" in found[1].evidence


def test_the_most_fractured_class_must_be_so_in_every_seed():
    rows = [fractured("9", seed=0), fractured("8", 1.0, seed=0), fractured("9", seed=1), fractured("8", 1.6, seed=1)]
    assert claims(of_kstar(rows))[1] == "2 classes are certainly Fractured: 9 and 8."


def test_a_change_counts_only_where_intervals_do_not_overlap():
    first = [a_class(name, 0.3, interval=25, share=0.5) for name in "abc"]
    last = [a_class("a", 0.6, share=0.5), a_class("b", 0.35, share=0.5), a_class("c", 0.1, share=0.5)]
    (finding,) = of_kstar([*first, *last])
    assert finding.claim == (
        "From 25\xa0% to 100\xa0% of training, the mean k* rises in 1 and falls in 1 of 3 classes; "
        "for 1 the change is not certain."
    )
    assert "Mean over all classes: 0.300 and 0.350" in finding.evidence


def test_a_change_of_all_classes_is_told_of_layers_at_the_last_interval():
    rows = [
        a_class(name, mean, interval=interval, layer=layer, share=0.5)
        for interval, layer, mean in ((25, "early", 0.1), (25, "late", 0.1), (100, "early", 0.3), (100, "late", 0.6))
        for name in "ab"
    ]
    found = of_kstar(rows)
    assert claims(found) == [
        "From 25\xa0% to 100\xa0% of training, the mean k* rises in all 2 classes.",
        "From layer early to layer late, the mean k* rises in all 2 classes.",
    ]
    assert "in layer late" in found[0].evidence
    assert "at 100\xa0% of training" in found[1].evidence


def test_equal_values_support_no_change():
    assert of_kstar([a_class(name, interval=interval, share=0.5) for interval in (25, 100) for name in "ab"]) == []


def test_a_change_in_one_seed_only_is_not_claimed():
    rows = [a_class("a", 0.3, interval=25, seed=seed, share=0.5) for seed in (0, 1)]
    assert of_kstar([*rows, a_class("a", 0.8, seed=0, share=0.5), a_class("a", 0.3, seed=1, share=0.5)]) == []


def test_two_models_are_compared_but_not_three_metrics():
    models = (("plain", 0.2), ("robust", 0.6))
    two = [a_class(name, mean, model=model, share=0.5) for model, mean in models for name in "ab"]
    assert claims(of_kstar(two)) == ["From model plain to model robust, the mean k* rises in all 2 classes."]
    metrics = (("euclidean", 0.2), ("cosine", 0.6), ("cityblock", 0.9))
    assert of_kstar([a_class("a", mean, metric=metric, share=0.5) for metric, mean in metrics]) == []


def trend(value="accuracy", against="mean", scale=None, rho=0.5, low=0.2, high=0.7, resampled="rows"):
    names = ("value", "against", "scale", "n", "rho", "rho_low", "rho_high", "resampled")
    return pd.DataFrame([(value, against, scale, 40, rho, low, high, resampled)], columns=names)


@pytest.mark.parametrize(("low", "high", "count"), [(0.2, 0.7, 1), (-0.1, 0.7, 0), (NONE, NONE, 0)])
def test_a_correlation_is_told_if_its_interval_excludes_0(low, high, count):
    found = of_kstar([a_class("a", share=0.5)], trend=trend(low=low, high=high))
    assert len(found) == count
    if found:
        assert found[0].claim == "A hint: over all rows, classes with a higher mean k* are recognised more often."
        assert "ρ\xa0=\xa00.500 (95\xa0% interval 0.200 to 0.700), n\xa0=\xa040 rows" in found[0].evidence
        assert "too narrow" in found[0].evidence


def test_a_correlation_with_a_strength_is_told_with_its_scale():
    table = trend("mean", "strength", "degrees", -0.8, -0.9, -0.6, "networks")
    (finding,) = of_kstar([a_class("a", share=0.5)], trend=table)
    assert finding.claim == "With more degrees, the mean of k* falls."
    assert "draws of 1\xa0network" in finding.evidence


def test_what_has_no_kstar_or_no_pattern_is_told():
    rows = [a_class("a", left_out=3), a_class("b", skewness=NONE, pattern="Undefined"), a_class("c", censored=5)]
    assert claims(kstar.troubles({"classes": pd.DataFrame(rows)}, "images")) == [
        "3 values of k* are not defined, and left out.",
        "5 values of k* are only lower bounds, because k* is approximate.",
        "1 of 3\xa0rows has no pattern.",
    ]
    assert kstar.troubles({"classes": pd.DataFrame([a_class("a")])}, "images") == []


def sets(*rows, **more):
    names = ("model", "seed", "interval", "initialisation", "tensor", "mean", "converged", "unconverged")
    table = pd.DataFrame(rows, columns=names)
    return table.assign(layer="head", include_self=False, unconverged_entries="leave_out", **more)


def test_that_all_images_converged_is_told():
    table = sets(
        ("cnn", 0, 50, 0, "C", 0.5, 9, 0), ("cnn", 0, 50, 0, "R", 0.5, 9, 0), ("cnn", 0, 100, 0, "C", 0.5, 9, 0)
    )
    assert claims(prototypes.findings({"sets": table})) == ["All 18\xa0images converged."]


def test_images_that_did_not_converge_are_counted_once():
    table = sets(("cnn", 0, 100, 0, "C", 0.5, 95, 5), ("cnn", 0, 100, 0, "R", 0.1, 95, 5))
    assert prototypes.findings({"sets": table}) == []
    (trouble,) = prototypes.troubles({"sets": table})
    assert trouble.claim == "5 of 100\xa0images (5.0\xa0%) did not converge within the step limit."
    assert "left out of statistics. By network: 5 of cnn at 100\xa0% of training." in trouble.evidence


def contrast(low, high, model="cnn", interval=100):
    names = (
        "model",
        "interval",
        "layer",
        "classes",
        "C",
        "R",
        "difference",
        "ci_low",
        "ci_high",
        "t",
        "p",
        "undefined",
    )
    return (model, interval, "head", 10, 0.5, 0.2, (low + high) / 2, low, high, 8.0, 1e-6, NONE), names


@pytest.mark.parametrize(
    ("low", "high", "way"), [(0.2, 0.4, "farther"), (-0.4, -0.2, "closer"), (-0.1, 0.4, ""), (NONE, NONE, "")]
)
def test_c_against_r_is_told_if_its_interval_excludes_0(low, high, way):
    row, names = contrast(low, high)
    found = prototypes.findings({"tests": pd.DataFrame([row], columns=names)})
    assert len(found) == bool(way)
    assert not found or f"end {way}" in found[0].claim
    assert not found or f"(95\xa0% interval {words.number(low)} to {words.number(high)}), t" in found[0].evidence


def test_models_without_a_difference_are_not_named():
    rows = [contrast(0.2, 0.4, "one")[0], contrast(-0.1, 0.4, "other")[0]]
    (finding,) = prototypes.findings({"tests": pd.DataFrame(rows, columns=contrast(0, 0)[1])})
    assert finding.claim.endswith("driven to the same class in one.")


@pytest.mark.parametrize(
    ("ends", "claim"),
    [
        ([(0.1, 0.2), (0.3, 0.4)], "Over the training, the difference of C and R grows."),
        ([(0.3, 0.4), (0.1, 0.2)], "Over the training, the difference of C and R shrinks."),
        ([(0.1, 0.3), (0.2, 0.4)], None),
        ([(0.1, 0.2), (0.1, 0.2)], None),
        ([(0.1, 0.2)], None),
        ([(NONE, NONE), (0.1, 0.2)], None),
    ],
)
def test_the_difference_of_c_and_r_changes_only_if_its_intervals_do_not_overlap(ends, claim):
    rows = [contrast(*end, interval=interval)[0] for interval, end in zip((100, 50), ends[::-1], strict=False)]
    found = prototypes.findings({"tests": pd.DataFrame(rows, columns=contrast(0, 0)[1])})
    assert claims(found)[1:] == ([claim] if claim else [])


def test_a_change_names_the_models_that_have_it():
    ends = {"one": ((0.1, 0.2), (0.3, 0.4)), "other": ((0.1, 0.2), (0.1, 0.2))}
    rows = [
        contrast(*end, model, interval)[0]
        for model, both in ends.items()
        for interval, end in zip((50, 100), both, strict=True)
    ]
    found = prototypes.findings({"tests": pd.DataFrame(rows, columns=contrast(0, 0)[1])})
    assert claims(found)[1] == "Over the training, the difference of C and R grows in one."
    assert (
        "one: at 50\xa0% of training C 0.500, R 0.200, difference 0.150 (95\xa0% interval 0.100 to" in found[1].evidence
    )


@pytest.mark.parametrize(("values", "count"), [((0.2, 0.5, 0.6), 1), ((0.2, 0.2, 0.6), 0), ((0.4, 0.4, 0.4), 0)])
def test_the_closest_pair_is_named_if_it_is_one(values, count):
    names = [("a", "b"), ("a", "c"), ("b", "c")]
    both = [(*order, value) for pair, value in zip(names, values, strict=True) for order in (pair, pair[::-1])]
    rows = [("cnn", 100, "head", "C", *row) for row in both]
    pairs = pd.DataFrame(rows, columns=["model", "interval", "layer", "tensor", "class_a", "class_b", "mean"])
    found = prototypes.findings({"pairs": pairs, "sets": sets(("cnn", 0, 100, 0, "C", 0.5, 95, 5))})
    assert claims(found) == ["The two classes with the smallest C, whose images end most alike, are a and b."] * count


def effects(*p_adjusted):
    names = (
        "target",
        "confused",
        "accuracy_reference",
        "accuracy_confused",
        "diff",
        "ci_low",
        "ci_high",
        "t",
        "p_adjusted",
    )
    rows = [
        (str(place), "x", 0.9, 0.8, 0.1, 0.05, 0.15, 5.0 - place, p) for place, p in enumerate(p_adjusted)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=names)
    test = {"reference": "otherwise", "unit": "pair", "n_reference": 28, "n_confused": 8, "undefined": NONE}
    return table.assign(**test, p=table["p_adjusted"])


def pairs(*rows):
    names = ("mode", "pair", "runs", "diverged", "accuracy_own", "baseline_own")
    return pd.DataFrame([("swap", "baseline", 12, 0, NONE, NONE), *rows], columns=names)


def test_effects_are_told_if_they_hold_after_adjustment():
    found = confusion.findings({"effects": effects(0.01, 0.04, 0.3), "pairs": pairs()})
    assert claims(found) == [
        "2 of 3\xa0effects of mistraining one class on another are distinguishable from chance; the strongest: 0 is "
        "recognised worse when x is mistrained."
    ]
    assert (
        "accuracy 90.0\xa0% → 80.0\xa0%, difference −10\xa0points (95\xa0% interval −15 to −5), t\xa0=\xa05, "
        "adjusted p\xa0=\xa00.010, n\xa0=\xa028 and 8 pairs" in found[0].evidence
    )
    assert "mean of 12\xa0seeds" in found[0].evidence


def test_it_is_said_that_no_effect_is_distinguishable():
    found = confusion.findings({"effects": effects(0.3, 0.2), "pairs": pairs()})
    assert claims(found) == ["No effect of mistraining one class on another can be distinguished from chance."]
    assert "adjusted p\xa0=\xa00.20" in found[0].evidence


def test_tests_of_single_runs_count_for_nothing():
    table = effects(0.001).assign(unit="run")
    assert confusion.findings({"effects": table, "pairs": pairs()}) == []


def test_effects_without_a_test_are_told_with_their_reason():
    table = effects(NONE).assign(undefined="no variance")
    assert confusion.findings({"effects": table, "pairs": pairs()}) == []
    (trouble,) = confusion.troubles({"effects": table})
    assert trouble[:2] == ("1\xa0effect is not defined.", "Reason: no variance.")


@pytest.mark.parametrize(("p", "claim"), [(0.01, "inform more about each other"), (0.4, "makes no difference")])
def test_groups_are_told_with_their_permutations(p, claim):
    row = {
        "reference": "otherwise", "measure": "bits_accuracy", "groups": "open, round", "n_classes": 9, "n_within": 32,
        "n_between": 40, "mean_within": 0.002, "mean_between": 0.001, "difference": 0.001, "p": p, "permutations": 9999,
    }  # fmt: skip
    (finding,) = confusion.findings({"groups": pd.DataFrame([row])})
    assert claim in finding.claim
    assert "2 millibits within groups (32 ordered pairs), 1 between (40)" in finding.evidence


def test_the_own_accuracy_of_pairs_is_told_if_all_fall():
    falling = [("swap", "a+b", 12, 0, 0.5, 1.0), ("swap", "a+c", 12, 0, 0.6, 1.0)]
    (finding,) = confusion.findings({"pairs": pairs(*falling)})
    assert finding.claim == (
        "With labels of two classes exchanged, their own accuracy falls from 100.0\xa0% to 55.0\xa0% on average."
    )
    assert confusion.findings({"pairs": pairs(*falling, ("swap", "b+c", 12, 0, 1.0, 1.0))}) == []


def test_diverged_trainings_are_told():
    (trouble,) = confusion.troubles({"pairs": pairs(("swap", "a+b", 12, 3, 0.5, 1.0))})
    assert trouble.claim == "3 of 24\xa0trainings diverged and are left out."
    assert trouble.evidence == "Most of them: a+b: 3 of 12."


def correlations(*p_adjusted):
    rows = [("near", "C", 45, "unordered", -0.6, p, 10_000, NONE) for p in p_adjusted]
    names = ("measure", "other", "n", "pairs", "rho", "p_adjusted", "orders", "undefined")
    measures = pd.DataFrame(
        {"measure": ["near", "C"], "method": ["kstar", "prototypes"], "meaning": ["nearest", "far"]}
    )
    return {"correlations": pd.DataFrame(rows, columns=names), "measures": measures}


@pytest.mark.parametrize(
    ("values", "claim"),
    [
        ((0.01, 0.2), "1 of 2\xa0correlations between measures of k* and of prototypes is"),
        ((0.1, 0.2), "None of 2\xa0correlations between measures of k* and of prototypes is"),
    ],
)  # fmt: skip
def test_correlations_of_two_methods_are_counted(values, claim):
    (finding,) = relations.findings(correlations(*values))
    assert finding.claim == f"{claim} distinguishable from chance."
    assert "near (nearest) and C (far): Spearman's ρ\xa0=\xa0−0.600" in finding.evidence


@pytest.mark.parametrize("family", ["kstar", "prototypes", "confusion", "relations"])
def test_nothing_is_said_without_tables(family):
    assert findings.of_study(family, {}, "images") == ([], [])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123456, "0.123"), (-1234.5, "−1,234"), (0, "0"), (12.0, "12"), (NONE, "–"), (0.9999, "1.00")],
)
def test_numbers_have_three_digits(value, text):
    assert words.number(value) == text


def test_lists_are_sentences():
    texts = ["", "a", "a and b", "a, b and c", "a, b, c and 1 more"]
    assert [words.listed("abcd"[:n], 3) for n in range(5)] == texts
    assert words.p_value(0.0004) == "p\xa0<\xa00.001"
    assert math.isclose(float(words.percent(0.0012).partition("\xa0")[0]), 0.12)
