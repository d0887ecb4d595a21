"""Effects of losing a class: against plain loops and scipy, with a known truth, by chance alone, where undefined."""

import functools
import itertools

import numpy as np
import pandas as pd
import pytest
from confusion_cases import all_pairs, diverge, store, study
from scipy import stats
from statsmodels.stats.multitest import multipletests

from workflow_lib.confusion.effects import effect_table
from workflow_lib.confusion.information import bits_table
from workflow_lib.confusion.runs import read

KEYS = ["reference", "unit", "target", "confused"]


def effects(dataset):
    return effect_table(read(dataset))


def at(table, reference, unit, target, confused):
    return table.set_index(KEYS).loc[(reference, unit, target, confused)]


def groups_by_loops(dataset, target, confused):
    """Runs (pair, seed) that count, of the confused group and of both references, by reading their names.

    In the mode one_way, a pair confuses only its first class.
    """
    found = {"confused": [], "otherwise": [], "baseline": []}
    for place, pair in enumerate(dataset["pair"].values):
        names = pair.split("+")
        changed = names[:1] if dataset.attrs["mode"] == "one_way" else names
        group = None
        if pair == "baseline":
            group = "baseline"
        elif target not in names:
            group = "confused" if confused in changed else "otherwise" if confused not in names else None
        if group:
            found[group] += [
                (place, seed) for seed in range(dataset.sizes["seed"]) if not dataset["diverged"][place, seed]
            ]
    return found


def samples_by_loops(dataset, target, confused, unit):
    place = list(dataset["true"].values).index(target)
    rows = dataset["counts"].values[:, :, place]
    samples = {}
    for group, members in groups_by_loops(dataset, target, confused).items():
        runs = pd.DataFrame(members, columns=["pair", "seed"])
        runs["accuracy"] = [rows[member][place] / rows[member].sum() for member in members]
        by_pair = unit == "pair" and group != "baseline"
        samples[group] = (runs.groupby("pair")["accuracy"].mean() if by_pair else runs["accuracy"]).to_numpy()
    return samples


def bits(p, q):
    return stats.entropy(np.add(p, 0.5), np.add(q, 0.5), base=2)


def hit_or_not(counts, target):
    return [counts[target], counts.sum() - counts[target]]


def as_one(counts, pair):
    return [*np.delete(counts, pair), counts[pair].sum()]


def ordered_pairs(classes):
    return [(a, b) for a in range(classes) for b in range(classes) if a != b]


@pytest.fixture(scope="module", params=["swap", "one_way"])
def dataset(request):
    pairs = ordered_pairs(5) if request.param == "one_way" else None
    whole = study(5, 4, pairs=pairs, of_pair=0.02, source=3, mode=request.param)
    return diverge(whole, (0, 1), (2, 0), (2, 1), (7, 3))


@pytest.fixture(scope="module")
def table(dataset):
    return effects(dataset)


def test_the_table_has_a_row_for_each_ordered_pair_reference_and_unit(table):
    expected = itertools.product(
        ["otherwise", "baseline"], ["run", "pair"], [f"c{i}" for i in range(5)], [f"c{i}" for i in range(5)]
    )
    assert list(table[KEYS].itertuples(index=False, name=None)) == [row for row in expected if row[2] != row[3]]


@pytest.mark.parametrize("reference", ["otherwise", "baseline"])
@pytest.mark.parametrize("unit", ["run", "pair"])
def test_tests_equal_scipy_on_samples_found_by_plain_loops(dataset, table, reference, unit):
    for row in table[(table["reference"] == reference) & (table["unit"] == unit)].itertuples():
        samples = samples_by_loops(dataset, row.target, row.confused, unit)
        a, b = samples[reference], samples["confused"]
        expected = stats.ttest_ind(a, b, equal_var=False)
        interval = expected.confidence_interval()
        assert (row.n_reference, row.n_confused) == (len(a), len(b))
        assert (row.accuracy_reference, row.accuracy_confused) == pytest.approx((a.mean(), b.mean()))
        found = (row.diff, row.t, row.df, row.p, row.ci_low, row.ci_high)
        numbers = (expected.statistic, expected.df, expected.pvalue, interval.low, interval.high)
        assert found == pytest.approx((a.mean() - b.mean(), *numbers), rel=1e-9)
        assert row.undefined == ""


def test_adjusted_p_are_those_of_all_ordered_pairs_of_one_reference_and_unit(table):
    for _, family in table.groupby(["reference", "unit"]):
        assert len(family) == 20
        np.testing.assert_allclose(family["p_adjusted"], multipletests(family["p"], method="fdr_bh")[1])


@pytest.mark.parametrize("reference", ["otherwise", "baseline"])
def test_bits_of_accuracy_are_those_of_the_counts_found_by_plain_loops(dataset, table, reference):
    for row in table[(table["reference"] == reference) & (table["unit"] == "run")].itertuples():
        counts, names = dataset["counts"].values, list(dataset["true"].values)
        members = groups_by_loops(dataset, row.target, row.confused)
        target = names.index(row.target)
        own, other = (sum(counts[member][target] for member in members[g]) for g in ("confused", reference))
        sign = np.sign(row.accuracy_reference - row.accuracy_confused)
        expected = sign * bits(hit_or_not(own, target), hit_or_not(other, target))
        assert row.bits_accuracy == pytest.approx(expected, rel=1e-9)
        by_pair = {}
        for place, seed in members["confused"]:
            by_pair.setdefault(place, []).append(counts[place, seed][target])
        divergences, weights = [], []
        for place, rows in by_pair.items():
            pair = [names.index(name) for name in dataset["pair"].values[place].split("+")]
            divergences.append(bits(as_one(sum(rows), pair), as_one(other, pair)))
            weights.append(len(rows))
        assert row.bits_predictions == pytest.approx(sign * np.average(divergences, weights=weights), rel=1e-9)


def test_of_ordered_pairs_a_class_is_confused_where_it_comes_first():
    # t is better by 0.2 where c was relabelled as x; x as c, which changes no label of c, is in neither group
    names, member = ["t", "c", "x", "y", "z"], [(-1, -1), (1, 2), (2, 1), (3, 4), (0, 1), (1, 0)]
    counts = np.zeros((6, 1, 5, 5), dtype=int)
    counts[:] = 10 * np.eye(5, dtype=int)
    counts[:, 0, 0, :2] = [(9, 1), (8, 2), (1, 9), (6, 4), (0, 10), (0, 10)]
    found = effects(store(counts, np.ones((6, 1, 1)), member, names, mode="one_way"))
    row = at(found, "otherwise", "run", "t", "c")
    assert (row["n_reference"], row["n_confused"]) == (1, 1)
    assert (row["accuracy_reference"], row["accuracy_confused"]) == (0.6, 0.8)
    assert row["bits_accuracy"] == pytest.approx(-bits([8, 2], [6, 4]))
    swapped = at(effects(store(counts, np.ones((6, 1, 1)), member, names)), "otherwise", "run", "t", "c")
    assert (swapped["n_reference"], swapped["n_confused"]) == (1, 2)


def test_all_ordered_pairs_give_each_class_as_many_runs():
    found = effects(study(5, 1, pairs=ordered_pairs(5), mode="one_way"))
    runs = found[(found["unit"] == "run") & (found["reference"] == "otherwise")]
    assert set(runs["n_confused"]) == {3}  # as one of the three others
    assert set(runs["n_reference"]) == {6}  # ordered pairs of the three others


def test_bits_are_given_once_for_all_runs(table):
    assert table.loc[table["unit"] == "run", "bits_accuracy"].notna().all()
    assert table.loc[table["unit"] == "pair", ["bits_accuracy", "bits_predictions"]].isna().all(axis=None)


def test_by_hand():
    # 3 classes of 10 test samples, 2 seeds; a chosen pair, and another one that holds neither class of interest
    names, member = ["t", "c", "x", "y"], [(-1, -1), (1, 2), (2, 3)]
    counts = np.zeros((3, 2, 4, 4), dtype=int)
    counts[:] = 10 * np.eye(4, dtype=int)
    for place, hits in enumerate([(9, 9), (6, 8), (8, 10)]):
        for seed, hit in enumerate(hits):
            counts[place, seed, 0] = [hit, 10 - hit, 0, 0]
    found = at(effects(store(counts, np.ones((3, 2, 1)), member, names)), "otherwise", "run", "t", "c")
    # accuracies 0.8, 1.0 against 0.6, 0.8: difference 0.2; both variances 0.02, so the error is sqrt(0.02), df 2
    assert (found["n_reference"], found["n_confused"]) == (2, 2)
    assert (found["diff"], found["t"], found["df"]) == pytest.approx((0.2, 0.2 / np.sqrt(0.02), 2))
    # 14 of 20 against 18 of 20, with a half added to each
    expected = stats.entropy([14.5, 6.5], [18.5, 2.5], base=2)
    assert found["bits_accuracy"] == pytest.approx(expected)
    assert found["chance_accuracy"] == pytest.approx(1 / (2 * np.log(2)) * (1 / 20 + 1 / 20))
    # outcomes t, y and the pair (c, x) as one
    assert found["bits_predictions"] == pytest.approx(stats.entropy([14.5, 0.5, 6.5], [18.5, 0.5, 2.5], base=2))


def test_the_sign_is_that_of_the_accuracies_not_of_their_smoothing():
    # 1 of 10 is less than 11 of 100, but with half a count added to hits and misses it is more
    names, member = ["t", "c", "x", "y"], [(-1, -1), (1, 2), (2, 3)]
    counts = np.zeros((3, 10, 4, 4), dtype=int)
    counts[:] = 10 * np.eye(4, dtype=int)
    counts[:, :, 0] = [1, 9, 0, 0]
    counts[2, 0, 0] = [2, 8, 0, 0]
    runs = diverge(store(counts, np.ones((3, 10, 1)), member, names), *((1, seed) for seed in range(1, 10)))
    found = at(effects(runs), "otherwise", "run", "t", "c")
    assert found["bits_accuracy"] == pytest.approx(bits([1, 9], [11, 89]))


def test_the_sign_is_positive_where_the_target_is_better_when_the_class_is_not_confused():
    effect = np.zeros((4, 4))
    effect[0, 1], effect[2, 3] = 0.1, -0.05
    found = effects(study(4, 20, effect=effect, of_run=0.01, samples=400))
    for reference in ("otherwise", "baseline"):
        helped, hindered = at(found, reference, "run", "c0", "c1"), at(found, reference, "run", "c2", "c3")
        assert helped["diff"] == pytest.approx(0.1, abs=0.01)
        assert helped["ci_low"] < 0.1 < helped["ci_high"]
        assert hindered["diff"] == pytest.approx(-0.05, abs=0.01)
        assert helped["bits_accuracy"] > 0 > hindered["bits_accuracy"]
        assert helped["bits_predictions"] > 0 > hindered["bits_predictions"]
        assert helped["p_adjusted"] < 1e-6


def test_classes_in_another_order_give_the_same_rows(dataset, table):
    order = [3, 0, 4, 1, 2]
    names = [str(dataset["true"].values[i]) for i in order]
    place = {old: new for new, old in enumerate(order)}
    member = [[place[c] if c >= 0 else -1 for c in two] for two in dataset["member"].values]
    turned = store(
        dataset["counts"].values[:, :, order][:, :, :, order],
        dataset["loss"].values,
        member,
        names,
        dataset["diverged"].values,
        dataset.attrs["mode"],
    )
    found = effects(turned).set_index(KEYS).sort_index()
    pd.testing.assert_frame_equal(found, table.set_index(KEYS).sort_index(), rtol=1e-9)


def test_seeds_and_pairs_in_another_order_give_the_same_table(dataset, table):
    turned = dataset.isel(seed=[2, 0, 3, 1], pair=[0, *range(dataset.sizes["pair"] - 1, 0, -1)])
    pd.testing.assert_frame_equal(effects(turned), table, rtol=1e-9)


def test_what_a_diverged_run_predicts_does_not_count():
    plain = study(4, 4, source=8)
    without = diverge(plain, (2, 1))
    other = without.copy(deep=True)
    other["counts"][2, 1] = np.eye(4, dtype=int)
    pd.testing.assert_frame_equal(effects(other), effects(without))
    assert at(effects(without), "otherwise", "run", "c3", "c0")["n_confused"] == 7
    assert not effects(plain).equals(effects(without))


DEGENERATE = {
    "one seed": (study(5, 1), "otherwise", "run", ""),
    "one run in the reference": (study(4, 1), "otherwise", "run", "the reference group has one value"),
    "one pair": (study(4, 3, pairs=[(0, 1)]), "otherwise", "run", "the reference group has no values"),
    "pairs that hold no third class": (
        study(4, 3, pairs=[(0, 1), (2, 3)]),
        "otherwise",
        "pair",
        "the reference group has no values",
    ),
    "three classes have no others": (study(3, 3), "otherwise", "run", "the reference group has no values"),
    "every run equal": (
        study(4, 3, accuracy=1.0, of_run=0),
        "otherwise",
        "run",
        "all values of the reference group are equal",
    ),
    "one seed of the baseline": (study(4, 1), "baseline", "pair", "the reference group has one value"),
    "no test samples": (study(4, 3, samples=0), "otherwise", "run", "the reference group has no values"),
    "all diverged": (
        diverge(study(4, 2), *itertools.product(range(7), range(2))),
        "otherwise",
        "run",
        "the reference group has no values",
    ),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_where_too_few_runs_are_left_the_row_says_why_and_nothing_is_infinite(case):
    dataset, reference, unit, reason = DEGENERATE[case]
    found = effects(dataset)
    numbers = found.select_dtypes("number")
    assert not np.isinf(numbers.to_numpy(dtype=float)).any()
    assert (found["t"].isna() == (found["undefined"] != "")).all()
    row = at(found, reference, unit, "c2", "c0")
    assert row["undefined"] == reason


def test_in_a_study_of_chosen_pairs_a_class_that_is_never_confused_has_undefined_effects():
    found = effects(study(5, 4, pairs=[(0, 1), (0, 2), (1, 2)]))
    never = found[(found["confused"] == "c4") & (found["unit"] == "run")]
    assert set(never["undefined"]) == {"the confused group has no values"}
    assert never[["diff", "bits_accuracy", "bits_predictions", "chance_predictions"]].isna().all(axis=None)
    assert at(found, "otherwise", "run", "c4", "c0")["undefined"] == ""
    assert at(found, "otherwise", "pair", "c4", "c0")["undefined"] == "the reference group has one value"
    assert at(found, "baseline", "pair", "c4", "c0")["undefined"] == ""


def test_with_two_classes_nothing_is_defined():
    found = effects(study(2, 3))
    assert len(found) == 8
    assert (found["undefined"] != "").all()


class TestByChance:
    """Studies without any effect, and with effects of pairs only: how often p < 0.05."""

    @staticmethod
    @functools.cache
    def studies(of_pair):
        return pd.concat([effects(study(6, 12, of_pair=of_pair, samples=200, source=100 + i)) for i in range(30)])

    def rejected(self, unit, reference="otherwise", of_pair=0.0):
        rows = self.studies(of_pair)
        return (rows.loc[(rows["unit"] == unit) & (rows["reference"] == reference), "p"] < 0.05).mean()

    # Tests of one target share its runs, those of different targets are independent: at worst as many independent
    # tests as there are targets in 30 studies, 180, and then a share of 0.05 has a standard deviation of 0.0162. Three:
    TOLERANCE = 0.049

    @pytest.mark.parametrize("unit", ["run", "pair"])
    def test_independent_runs_are_found_different_in_five_of_a_hundred(self, unit):
        assert self.rejected(unit) == pytest.approx(0.05, abs=self.TOLERANCE)

    @pytest.mark.parametrize("unit", ["run", "pair"])
    def test_so_they_are_against_the_baseline(self, unit):
        assert self.rejected(unit, "baseline") == pytest.approx(0.05, abs=self.TOLERANCE)

    def test_the_test_over_runs_is_too_eager_where_runs_of_a_pair_are_alike(self):
        assert self.rejected("run", of_pair=0.03) > 0.3

    def test_the_test_over_pairs_is_not(self):
        assert self.rejected("pair", of_pair=0.03) == pytest.approx(0.05, abs=self.TOLERANCE)

    def test_bits_without_an_effect_are_of_the_size_that_is_said(self):
        found = pd.concat([bits_table(read(study(5, 8, of_run=0, source=i))) for i in range(8)])
        for version in ("accuracy", "predictions"):
            size = found[f"bits_{version}"].abs().mean() / found[f"chance_{version}"].mean()
            assert size == pytest.approx(1, abs=0.25)


def test_all_pairs_are_all():
    assert len(all_pairs(10)) == 45
