"""The permutation test of groups: by hand, against all partitions, with and without structure, where undefined."""

import itertools

import numpy as np
import pandas as pd
import pytest
from confusion_cases import study

from workflow_lib.confusion.effects import effect_table
from workflow_lib.confusion.groups import group_table, permutation_test
from workflow_lib.confusion.runs import read
from workflow_lib.seeds import generator

LABELS = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
SAME = LABELS[:, None] == LABELS


def run_test(matrix, labels=LABELS, permutations=499, source=0):
    return permutation_test(np.asarray(matrix, dtype=float), np.asarray(labels), permutations, generator(source))


def noise(source, shape=(10, 10)):
    return np.random.default_rng(source).normal(size=shape)


def difference(matrix, labels):
    """Mean within groups - mean between them, pair by pair."""
    parts = {True: [], False: []}
    for i, j in itertools.permutations(range(len(labels)), 2):
        if np.isfinite(matrix[i, j]):
            parts[labels[i] == labels[j]].append(matrix[i, j])
    return np.mean(parts[True]) - np.mean(parts[False])


def test_means_by_hand():
    matrix = [[9, 1, 2], [3, 9, 4], [5, np.nan, 9]]
    found = run_test(matrix, [0, 0, 1])
    assert (found.n_within, found.n_between) == (2, 3)
    assert (found.within, found.between) == ((1 + 3) / 2, (2 + 4 + 5) / 3)


@pytest.mark.parametrize("missing", [False, True])
def test_p_is_near_that_of_all_partitions(missing):
    labels, matrix = np.array([0, 0, 0, 1, 1, 1, 2]), noise(5, (7, 7)) + 0.4 * np.eye(7)[::-1]
    if missing:
        matrix[0, 1] = matrix[4, 2] = np.nan
    found = difference(matrix, labels)
    every = [difference(matrix, np.array(dealt)) for dealt in itertools.permutations(labels.tolist())]
    exact = np.mean(np.abs(every) >= abs(found) - 1e-12)
    test = run_test(matrix, labels, 4999)
    assert test.within - test.between == pytest.approx(found)
    assert test.p == pytest.approx(exact, abs=3 * np.sqrt(exact * (1 - exact) / 4999) + 1e-3)


def test_p_counts_the_labels_as_they_are_among_the_permutations():
    matrix = np.where(SAME, 1.0, -1.0)
    found = run_test(matrix, permutations=99)
    assert found.p >= 1 / 100
    assert found.p == pytest.approx(1 / 100, abs=0.02)
    assert run_test(matrix, permutations=0).p == 1


def test_partitions_that_are_the_same_but_for_rounding_count_as_equal():
    # two groups of two: each of the three partitions comes up in a third of the permutations
    labels, matrix = [0, 0, 1, 1], 0.1 * noise(1, (4, 4))
    matrix[np.equal.outer(labels, labels)] += 7 / 3
    assert run_test(matrix, labels, 2999).p == pytest.approx(1 / 3, abs=0.03)


def test_where_all_entries_are_equal_nothing_is_found():
    assert run_test(np.full((10, 10), 0.3)).p == 1


def test_the_diagonal_does_not_count_and_names_of_groups_do_not_matter():
    matrix, other = noise(2), noise(2)
    np.fill_diagonal(other, 1e6)
    assert run_test(matrix) == run_test(other)
    turned = run_test(matrix, 1 - LABELS)
    assert (turned.within, turned.between) == pytest.approx((run_test(matrix).within, run_test(matrix).between))


@pytest.mark.parametrize(
    ("labels", "reason"),
    [([0, 0, 0], "no pairs of classes between groups"), ([0, 1, 2], "no pairs of classes within groups")],
)
def test_one_group_or_groups_of_one_are_undefined(labels, reason):
    found = run_test(noise(0, (3, 3)), labels)
    assert found.undefined == reason
    assert np.isnan(found.p)


def test_structure_is_found():
    assert np.mean([run_test(noise(i) + SAME).p < 0.05 for i in range(40)]) > 0.9


def naive(matrix, permutations=199):
    """The test that exchanges entries one by one, as if no two shared a class."""
    off = ~np.eye(len(matrix), dtype=bool)
    values, same = matrix[off], SAME[off]
    shuffled = np.random.default_rng(0).permuted(np.tile(values, (permutations, 1)), axis=1)
    every = shuffled[:, same].mean(axis=1) - shuffled[:, ~same].mean(axis=1)
    found = values[same].mean() - values[~same].mean()
    return (1 + (np.abs(every) >= abs(found)).sum()) / (permutations + 1)


def test_classes_that_are_alike_by_chance_make_no_groups():
    # who helps a class is helped by it; groups have nothing to do with it
    matrices = [noise(i) + noise(i).T for i in range(300)]
    ours = np.mean([run_test(matrix, permutations=199).p <= 0.05 for matrix in matrices])
    one_by_one = np.mean([naive(matrix) <= 0.05 for matrix in matrices])
    assert ours == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 300))
    assert one_by_one > 0.1


GROUPS = {"animals": ["c0", "c1", "c2", "c3"], "vehicles": ["c5", "c6", "c7"]}


@pytest.fixture(scope="module")
def effects():
    """Eight classes; those of a group help each other (losing one costs the others), those of the other hinder."""
    member = np.array([0, 0, 0, 0, -1, 1, 1, 1])
    same = member[:, None] == member
    effect = np.where(same, 0.04, -0.04) * (member >= 0) * (member[:, None] >= 0)
    np.fill_diagonal(effect, 0)
    return effect_table(read(study(8, 6, effect=effect, accuracy=0.7)))


def test_the_table_tells_means_of_the_bits_of_the_classes_that_are_in_groups(effects):
    found = group_table(effects, GROUPS, 999, seed=0).set_index(["reference", "measure"])
    assert len(found) == 4
    own = effects[(effects["reference"] == "otherwise") & (effects["unit"] == "run")]
    group = {name: key for key, names in GROUPS.items() for name in names}
    both = own[own["target"].isin(group) & own["confused"].isin(group)]
    same = both["target"].map(group) == both["confused"].map(group)
    row = found.loc[("otherwise", "bits_accuracy")]
    assert (row["n_within"], row["n_between"], row["n_classes"]) == (4 * 3 + 3 * 2, 2 * 4 * 3, 7)
    assert row["mean_within"] == pytest.approx(both.loc[same, "bits_accuracy"].mean())
    assert row["mean_between"] == pytest.approx(both.loc[~same, "bits_accuracy"].mean())
    assert row["difference"] == pytest.approx(row["mean_within"] - row["mean_between"])
    assert row["mean_within"] > 0 > row["mean_between"]
    assert row["p"] < 0.05
    assert row["groups"] == "animals, vehicles"
    assert "at random" in row["null"]


def test_the_same_seed_gives_the_same_table_and_another_one_another_p(effects):
    one, again, other = (group_table(effects, GROUPS, 99, seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(one, again)
    assert one.drop(columns="p").equals(other.drop(columns="p"))


def test_many_permutations_are_drawn_in_parts(effects, monkeypatch):
    whole = group_table(effects, GROUPS, 300, seed=0)
    monkeypatch.setattr("workflow_lib.confusion.groups.AT_ONCE", 7 * 32)
    pd.testing.assert_frame_equal(group_table(effects, GROUPS, 300, seed=0), whole)


def test_without_groups_there_are_no_rows(effects):
    assert group_table(effects, {}, 99, seed=0).empty
