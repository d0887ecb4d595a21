"""Figures of the confusion study: numbers equal the tables, notes say what chance does, odd input is drawn."""

import numpy as np
import pandas as pd
import pytest
from confusion_cases import diverge, study
from test_prototype_figures import ODD, overlapping_texts

from workflow_lib.confusion import tables
from workflow_lib.confusion.effects import effect_table
from workflow_lib.confusion.example import Example, choose_pair, example
from workflow_lib.confusion.runs import read
from workflow_lib.errors import UserError
from workflow_lib.figures.confusion import accuracies, curves, information, matrices, significance
from workflow_lib.figures.style import significant
from workflow_lib.io import storage
from workflow_lib.steps.draw_accuracies import draw_accuracies
from workflow_lib.steps.draw_curves import draw_curves
from workflow_lib.steps.draw_information import draw_information
from workflow_lib.steps.draw_matrices import draw_matrices
from workflow_lib.steps.draw_significance import draw_significance
from workflow_lib.steps.tabulate_confusion import tabulate_confusion

TITLE = {"title": "A title", "mode": "swap"}
GROUPS = {"first": ["c0", "c1"], "last": ["c4", "c5"]}


def note(figure):
    return " ".join(figure.get_supxlabel().split())


@pytest.fixture(scope="module")
def runs():
    """Six classes; losing c1 costs c0 a tenth."""
    effect = np.zeros((6, 6))
    effect[0, 1] = 0.1
    return read(study(6, 5, effect=effect, of_run=0.01, accuracy=0.85))


@pytest.fixture(scope="module")
def table(runs):
    return effect_table(runs)


class TestInformation:
    def test_cells_are_the_bits_of_all_runs_against_otherwise(self, table):
        figure, numbers = information.draw(table, groups={}, **TITLE)
        own = table[(table["reference"] == "otherwise") & (table["unit"] == "run")].reset_index(drop=True)
        pd.testing.assert_frame_equal(numbers, own[list(numbers)])
        left, right = (axes.images[0] for axes in figure.axes[:2])
        for image, measure in ((left, "bits_accuracy"), (right, "bits_predictions")):
            drawn = image.get_array().filled(np.nan)
            value = own.set_index(["target", "confused"])[measure]
            assert drawn[0, 1] == 1000 * value["c0", "c1"]
            assert drawn[1, 0] == 1000 * value["c1", "c0"]
            assert np.isnan(np.diagonal(drawn)).all()
            assert image.norm.vmin == -image.norm.vmax == -np.nanmax(np.abs(drawn))

    def test_the_note_gives_the_sign_the_smoothing_and_what_chance_does(self, table):
        text = note(information.draw(table, groups={}, **TITLE)[0])
        assert "Positive: T is recognised better when C is not confused" in text
        assert "smoothed by ½" in text
        own = table[(table["reference"] == "otherwise") & (table["unit"] == "run")]
        assert f"about {significant(1000 * own['chance_accuracy'].mean())} (left)" in text
        assert "Each cell: 20 runs confused, 30 runs otherwise." in text

    def test_lines_separate_groups_that_are_neighbours(self, table):
        figure, _ = information.draw(table, groups=GROUPS, **TITLE)
        lines = [line.get_ydata()[0] for line in figure.axes[0].lines if np.ptp(line.get_ydata()) == 0]
        assert lines == [1.5, 3.5]
        assert "Lines separate groups." in note(figure)

    def test_classes_of_groups_that_are_scattered_are_sorted(self, table):
        figure, _ = information.draw(table, groups={"odd": ["c1", "c3", "c5"], "even": ["c0", "c2"]}, **TITLE)
        names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert names == ["c1", "c3", "c5", "c0", "c2", "c4"]
        assert "sorted by group" in note(figure)
        bits = table[(table["reference"] == "otherwise") & (table["unit"] == "run")].set_index(["target", "confused"])
        assert figure.axes[0].images[0].get_array()[3, 0] == 1000 * bits.loc[("c0", "c1"), "bits_accuracy"]

    def test_cells_and_bar_have_one_unit_and_numbers_are_those_of_the_cells(self, table):
        figure, _ = information.draw(table, groups={}, **TITLE)
        left, bar = figure.axes[0], figure.axes[2]
        image = left.images[0]
        assert bar.get_ylabel() == "millibits"
        assert (bar.get_ylim()[0], bar.get_ylim()[1]) == (image.norm.vmin, image.norm.vmax)
        written = {text.get_position(): float(text.get_text().replace("−", "-")) for text in left.texts}
        assert len(written) == 30
        assert all(abs(value - image.get_array()[y, x]) <= 0.5 for (x, y), value in written.items())

    def test_cells_that_chance_explains_are_pale_and_their_numbers_grey(self, table):
        own = table[(table["reference"] == "otherwise") & (table["unit"] == "run")].set_index(["target", "confused"])
        figure, _ = information.draw(table, groups={}, **TITLE)
        for axes, version in zip(figure.axes[:2], ("accuracy", "predictions"), strict=True):
            colours = {text.get_position(): text.get_color() for text in axes.texts}
            veiled = axes.images[1].get_array()[..., 3] > 0
            for (x, y), colour in colours.items():
                row = own.loc[(f"c{y}", f"c{x}")]
                assert veiled[y, x] == (abs(row[f"bits_{version}"]) < row[f"chance_{version}"])
                assert (colour == "#808080") == veiled[y, x]
            assert 0 < veiled.sum() < 30

    def test_without_an_effect_most_cells_are_pale(self):
        # bits of 2 outcomes by chance are a chi-square of one degree of freedom: 68 of 100 are below their mean
        pale = []
        for source in range(4):
            figure, _ = information.draw(effect_table(read(study(8, 6, of_run=0, source=source))), groups={}, **TITLE)
            pale.append((figure.axes[0].images[1].get_array()[..., 3] > 0).sum() / 56)
        # cells of a target share its runs: at worst 32 independent ones, each with a standard deviation of 0.47
        assert np.mean(pale) == pytest.approx(0.68, abs=3 * 0.47 / np.sqrt(32))

    def test_groups_are_named_beside_few_classes_and_in_place_of_many(self, table):
        figure, _ = information.draw(table, groups=GROUPS, **TITLE)
        above = figure.axes[0].child_axes[0]
        assert [(label.get_position()[0], label.get_text()) for label in above.get_xticklabels()] == [
            (0.5, "first"),
            (4.5, "last"),
        ]
        assert figure.axes[0].get_yticklabels()[0].get_text() == "c0"
        many = effect_table(read(study(100, 1, pairs=[(i, i + 1) for i in range(99)], samples=20)))
        groups = {f"group {i}": [f"c{j}" for j in range(i, 100, 20)] for i in range(20)}
        figure, _ = information.draw(many, groups=groups, **TITLE)
        for labels in (figure.axes[0].get_xticklabels(), figure.axes[0].get_yticklabels()):
            assert [label.get_text() for label in labels] == list(groups)
        assert "Groups are named, not classes" in note(figure)
        assert overlapping_texts(figure) == []

    def test_names_of_groups_that_would_touch_are_left_out(self):
        many = effect_table(read(study(60, 1, pairs=[(i, i + 1) for i in range(59)], samples=20)))
        groups = {"one": ["c0"], "two": ["c1"], "rest": [f"c{i}" for i in range(2, 60)]}
        figure, _ = information.draw(many, groups=groups, **TITLE)
        assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["one", "rest"]
        assert overlapping_texts(figure) == []


class TestEffects:
    def test_rows_are_those_of_the_smallest_p_sorted_by_the_difference(self, table):
        figure, numbers = significance.draw(table, **TITLE)
        own = table[(table["reference"] == "otherwise") & (table["unit"] == "run")]
        few = max(int((own["p"] < 0.05).sum()), 10)
        chosen = own.nsmallest(few, "p").sort_values("diff")
        runs = numbers[numbers["unit"] == "run"]
        assert runs["p"].tolist() == chosen["p"].tolist()
        assert len(numbers) == 2 * few
        names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert names[-1] == "c0 ← c1"
        top = numbers[(numbers["target"] == "c0") & (numbers["confused"] == "c1")]
        assert set(top["significance"]) == {"adjusted"}

    def test_the_note_counts_tests_hits_and_hits_by_chance(self, table):
        text = note(significance.draw(table, **TITLE)[0])
        for unit in ("run", "pair"):
            own = table[(table["reference"] == "otherwise") & (table["unit"] == unit)]
            raw, adjusted = (own["p"] < 0.05).sum(), (own["p_adjusted"] < 0.05).sum()
            assert f"Over {unit}s: 30 tests, {raw} with p < 0.05 (by chance alone 1.5), {adjusted} adjusted." in text

    def test_significance_is_that_of_the_adjusted_p_first(self, table):
        changed = table.assign(p=0.5, p_adjusted=0.5)
        changed.loc[0, ["p", "p_adjusted"]] = 0.001, 0.01
        changed.loc[1, ["p", "p_adjusted"]] = 0.01, 0.2
        _, numbers = significance.draw(changed, **TITLE)
        found = numbers[numbers["unit"] == "run"].set_index("confused")["significance"][table["confused"][:2]]
        assert found.tolist()[:2] == ["adjusted", "raw"]
        assert (numbers["significance"] == "none").sum() == len(numbers) - 2

    def test_at_most_thirty_rows_are_shown_and_that_is_said(self):
        figure, numbers = significance.draw(effect_table(read(study(9, 6, accuracy=0.5, of_pair=0.15))), **TITLE)
        assert len(numbers) == 60
        assert "The 30 rows with the smallest p over runs are shown, of 72." in note(figure)


class TestAccuracies:
    def test_dots_are_the_means_of_pairs_with_and_without_the_class(self, runs):
        means = tables.mean_table(runs).astype({"pair": str, "target": str})
        figure, numbers = accuracies.draw(means, **TITLE)
        for axes, in_pair in zip(figure.axes, (False, True), strict=True):
            for line, name in zip(axes.lines, runs.classes, strict=True):
                own = means[(means["target"] == name) & (means["in_pair"] == in_pair) & (means["pair"] != "baseline")]
                assert sorted(line.get_ydata()) == sorted(own["mean"])
        assert len(numbers) == len(means)

    def test_the_band_is_where_means_of_baseline_runs_lie(self):
        # no effect at all: 95 of 100 pairs lie within; 5 classes in 12 studies of 6 pairs each
        inside = []
        for source in range(12):
            means = tables.mean_table(read(study(5, 6, source=source))).astype({"pair": str, "target": str})
            _, numbers = accuracies.draw(means, **TITLE)
            dots = numbers[(numbers["pair"] != "baseline") & ~numbers["in_pair"]]
            inside.append(dots["mean"].between(dots["band_low"], dots["band_high"]).mean())
        # dots of a class share its band: at worst 60 independent ones
        assert np.mean(inside) == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 60))

    def test_of_many_classes_and_pairs_some_are_shown(self):
        means = tables.mean_table(read(study(22, 1))).astype({"pair": str, "target": str})
        figure, numbers = accuracies.draw(means, **TITLE)
        assert numbers["target"].nunique() == 10
        assert "10 of 22 classes are shown." in note(figure)
        assert "Of up to 210 dots of a class 200 are drawn" in note(figure)


class TestMatrices:
    def test_cells_are_the_shares_and_the_pair_is_framed(self):
        shares = np.stack([np.eye(4), np.full((4, 4), 0.25)])
        figure, numbers = matrices.draw(Example(shares, tuple("abcd"), (7, 5), (0, 2)), **TITLE)
        np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), np.full((4, 4), 25))
        corners = {(patch.get_x() + 0.5, patch.get_y() + 0.5) for patch in figure.axes[1].patches}
        assert corners == {(0, 0), (0, 2), (2, 0), (2, 2)}
        assert numbers["matrix"].unique().tolist() == ["baseline: 7 runs", "a and c: 5 runs"]
        assert numbers["share"].tolist() == [*np.eye(4).ravel(), *[0.25] * 16]

    def test_text_on_dark_cells_is_white(self):
        figure, _ = matrices.draw(Example(np.array([[[0.9, 0.1], [0.4, 0.6]]]), ("a", "b"), (1,)), **TITLE)
        assert {text.get_text(): text.get_color() for text in figure.axes[0].texts} == {
            "90": "white",
            "10": "black",
            "40": "black",
            "60": "black",
        }

    def test_of_many_classes_those_that_change_most_are_shown_with_the_pair(self):
        other = np.eye(30)
        other[range(10, 18), range(10, 18)] = 0.5
        figure, numbers = matrices.draw(
            Example(np.stack([np.eye(30), other]), tuple(f"c{i}" for i in range(30)), (1, 1), (3, 29)), **TITLE
        )
        assert numbers["true"].unique().tolist() == ["c3", *(f"c{i}" for i in range(10, 18)), "c29"]
        assert "Of 30 classes 10 are shown" in note(figure)

    def test_the_pair_that_changes_the_others_most_is_chosen(self):
        pairs = tables.pair_table(read(study(4, 2)))
        pairs["accuracy_others"] = pairs["baseline_others"] - [0, 0.1, 0.2, -0.3, 0, np.nan, 0]
        assert choose_pair(pairs, None)[0] == 3
        assert choose_pair(pairs, ["c3", "c0"])[0] == 3
        assert choose_pair(pairs, ["c2", "c1"]) == (4, "")
        assert choose_pair(pairs[:1], None)[0] is None

    def test_a_pair_that_the_study_lacks_is_refused(self):
        pairs = tables.pair_table(read(study(4, 1, pairs=[(0, 1), (2, 3)])))
        with pytest.raises(UserError, match=r"\[c0, c2\][\s\S]*its pairs are \[c0, c1\], \[c2, c3\]"):
            choose_pair(pairs, ["c0", "c2"])


class TestCurves:
    def test_the_bold_line_of_pairs_is_their_mean_and_the_band_reaches_every_run(self, runs):
        table = tables.curve_table(runs).astype({"pair": str})
        _, numbers = curves.draw(table, **TITLE)
        overall = numbers[numbers["pair"] == "all pairs"]
        own = table[table["pair"] != "baseline"].groupby("epoch")
        np.testing.assert_allclose(overall["mean"], own["mean"].mean())
        np.testing.assert_allclose(overall["highest"], runs.loss[1:].max(axis=(0, 1)))
        assert overall["n"].tolist() == [15] * 6


def drawn(dataset, groups=None):
    found = read(dataset)
    about = TITLE | {"mode": found.mode}
    table, pairs = effect_table(found), tables.pair_table(found)
    means, losses = (getattr(tables, name)(found) for name in ("mean_table", "curve_table"))
    return {
        "information": information.draw(table, groups=groups or {}, **about),
        "significance": significance.draw(table, **about),
        "accuracies": accuracies.draw(means.astype({"pair": str, "target": str}), **about),
        "matrices": matrices.draw(example(dataset, pairs, None), **about),
        "curves": curves.draw(losses.astype({"pair": str}), **about),
    }


DEGENERATE = {
    "two classes": lambda: drawn(study(2, 2)),
    "three classes": lambda: drawn(study(3, 2)),
    "one class": lambda: drawn(study(2, 2, pairs=[]).isel(true=[0], predicted=[0])),
    "a baseline alone": lambda: drawn(study(4, 2, pairs=[])),
    "one pair, one seed": lambda: drawn(study(4, 1, pairs=[(0, 1)])),
    "all diverged": lambda: drawn(diverge(study(3, 1), (0, 0), (1, 0), (2, 0), (3, 0))),
    "a baseline that diverged": lambda: drawn(diverge(study(4, 1), (0, 0))),
    "no effect on anything": lambda: drawn(study(4, 2, accuracy=1.0, of_run=0)),
    "hostile names": lambda: drawn(study(10, 2, names=ODD), {"$x$": ODD[:5], "y": ODD[5:]}),
    "twenty classes": lambda: drawn(study(20, 1, pairs=[(i, i + 1) for i in range(19)], samples=20)),
    "classes in groups": lambda: drawn(study(10, 2), {"a": ["c0"], "a longer name": ["c1", "c2"], "c": ["c5"]}),
    "one way": lambda: drawn(study(4, 2, pairs=[(0, 1), (1, 0), (2, 3)], mode="one_way")),
    "left out": lambda: drawn(study(4, 2, mode="drop")),
    "random labels": lambda: drawn(study(4, 2, mode="random")),
    "thirty classes": lambda: drawn(study(30, 2, pairs=[(i, i + 1) for i in range(29)], samples=20)),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_studies_are_drawn_without_overlapping_text(case):
    for name, (figure, _) in DEGENERATE[case]().items():
        assert (name, overlapping_texts(figure)) == (name, [])


@pytest.mark.parametrize(
    ("mode", "word", "done"),
    [
        ("swap", "confused", "each class of a pair had the label of the other"),
        ("one_way", "relabelled", "the first class of a pair had the label of the second"),
        ("drop", "left out", "each class of a pair was left out"),
        ("random", "randomly labelled", "random labels other than its own"),
    ],
)
def test_words_fit_the_mode(mode, word, done):
    figures = {name: figure for name, (figure, _) in drawn(study(4, 3, mode=mode)).items()}
    assert all(done in note(figure) for figure in figures.values())
    assert f"better when C is not {word}" in note(figures["information"])
    assert figures["information"].axes[0].get_xlabel() == word
    assert figures["significance"].axes[0].get_ylabel() == f"target ← {word}"
    assert ("Dashed" in note(figures["accuracies"])) == (mode == "swap")
    assert ("memorised" in note(figures["curves"])) == (mode != "drop")
    between = "as" if mode == "one_way" else "and"
    assert f" {between} c" in figures["matrices"].axes[1].get_title(loc="left")


def test_with_ordered_pairs_the_order_of_the_example_counts():
    dataset = study(4, 2, pairs=[(0, 1), (1, 0)], mode="one_way")
    pairs = tables.pair_table(read(dataset))
    assert [example(dataset, pairs, wanted).pair for wanted in (["c0", "c1"], ["c1", "c0"])] == [(0, 1), (1, 0)]
    one_way = study(4, 2, pairs=[(0, 1)], mode="one_way")
    with pytest.raises(UserError, match=r"\[c1, c0\][\s\S]*its pairs are \[c0, c1\]"):
        example(one_way, tables.pair_table(read(one_way)), ["c1", "c0"])


def test_steps_draw_from_the_tables_and_equal_input_gives_equal_bytes(tmp_path):
    counts = tmp_path / "counts.zarr.zip"
    storage.save(study(4, 3, names=["1", "007", "NA", "a,b"]), counts)
    names = ("effects", "groups", "runs", "means", "pairs", "shares", "losses")
    tables = {name: tmp_path / f"{name}.csv" for name in names}
    groups = {"odd": ["1", "NA"]}
    tabulate_confusion(spec={"groups": groups, "permutations": 9, "seed": 0}, counts=counts, **tables)
    written = []
    for number in range(2):
        paths = {kind: tmp_path / f"figure-{number}.{kind}" for kind in ("svg", "png", "csv")}
        found = []
        for draw, spec, given in (
            (draw_information, {"groups": groups}, {"effects": tables["effects"]}),
            (draw_significance, {}, {"effects": tables["effects"]}),
            (draw_accuracies, {}, {"means": tables["means"]}),
            (draw_matrices, {"example_pair": ["a,b", "1"]}, {"counts": counts, "pairs": tables["pairs"]}),
            (draw_curves, {}, {"losses": tables["losses"]}),
        ):
            draw(spec=TITLE | spec, **given, **paths)
            found += [path.read_bytes() for path in paths.values()]
        written.append(found)
    assert written[0] == written[1]
    assert "1 and a,b: 3 runs" in written[0][3 * 3 + 2].decode()
