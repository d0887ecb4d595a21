"""Figures: what they choose to show and say about it, the numbers behind them, text that does not overlap."""

import inspect
import itertools
import re
from importlib import import_module
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from workflow_lib import figures, steps
from workflow_lib.errors import UserError
from workflow_lib.figures.kstar import accuracy_vs_kstar, maps, neighbours, trends, violins
from workflow_lib.figures.kstar.classes import choose_by_dataset, choose_by_skewness
from workflow_lib.figures.kstar.trends import trend_numbers
from workflow_lib.figures.kstar.violins import density
from workflow_lib.figures.panels import arrange, constants, spread
from workflow_lib.figures.style import (
    CLASS_COLOURS,
    NAME_LENGTH,
    PATTERN_COLOURS,
    RC,
    class_names,
    class_styles,
    labels_of,
    new_figure,
    save,
    short_names,
    signed,
    significant,
)
from workflow_lib.io import storage
from workflow_lib.kstar.exact import neighbourhood
from workflow_lib.kstar.trend import trend_table
from workflow_lib.points import DIMENSIONS, varied
from workflow_lib.points import points as study_points
from workflow_lib.steps.compute_map import compute_map
from workflow_lib.steps.count_neighbours import count_neighbours
from workflow_lib.steps.draw_accuracy_vs_kstar import draw_accuracy_vs_kstar
from workflow_lib.steps.draw_maps import draw_maps
from workflow_lib.steps.draw_neighbours import draw_neighbours
from workflow_lib.steps.draw_trends import draw_trends
from workflow_lib.steps.draw_violins import draw_violins
from workflow_lib.steps.tabulate_kstar import tabulate_kstar

HELD = {
    "model": ["net"],
    "dataset": ["digits"],
    "seed": [0],
    "interval": [100],
    "split": ["test"],
    "transform": ["original"],
    "layer": ["logits"],
    "metric": ["euclidean"],
}
LAYERS, INTERVALS = ["early", "middle", "late"], [25, 40, 60, 70, 80, 90, 100]


def grid(**varied):
    return [{**HELD, **varied}]


def table_of(grids, classes=5):
    """A table of classes of the right form; the skewness of class i is i."""
    rows = [
        {**point, "label": i, "class_name": f"c{i}", "n": 9, "mean": 0.5, "std": 0.1, "skewness": float(i)}
        | {"pattern": "Overlapped", "pattern_share": 1.0, "accuracy": 0.9}
        for point in study_points(grids)
        for i in range(classes)
    ]
    return pd.DataFrame(rows)


def draw_lines(table, wanted=None, scale=None):
    return trends.draw(table, wanted=wanted, threshold=0.5, title="A title", scale=scale)


class TestPanels:
    def test_spread_keeps_the_ends(self):
        assert spread(range(10), 4) == [0, 3, 6, 9]
        assert spread("ab", 4) == ["a", "b"]
        assert spread(range(10), 1) == [9]

    def test_two_dimensions_span_a_grid_with_intervals_from_left_to_right(self):
        points = study_points(grid(interval=[25, 100], layer=LAYERS))
        layout = arrange(points)
        shown = [[(points[i]["interval"], points[i]["layer"]) for i in row] for row in layout.rows]
        assert shown == [[(25, layer), (100, layer)] for layer in LAYERS]
        assert layout.titles[0] == "25\N{NO-BREAK SPACE}% of training, layer early"

    def test_too_many_panels_are_thinned_and_it_is_said(self):
        layout = arrange(study_points(grid(interval=INTERVALS, layer=LAYERS)))
        assert len(layout.drawn) == 12
        assert "12 of 21 panels are shown (interval 25, 60, 80, 100 of 7)." in layout.note

    def test_one_dimension_is_laid_out_in_reading_order(self):
        layout = arrange(study_points(grid(layer=list("abcde"))))
        assert layout.rows == [[0, 1, 2], [3, 4, None]]
        assert "panels" not in layout.note

    def test_third_dimension_is_held_at_its_last_value_and_it_is_said(self):
        points = study_points(grid(interval=[50, 100], layer=["a", "b"], metric=["euclidean", "cosine"]))
        layout = arrange(points)
        assert {points[i]["metric"] for i in layout.drawn} == {"cosine"}
        assert "Shown for metric cosine only." in layout.note

    def test_one_seed_of_each_point_is_shown(self):
        points = study_points([*grid(model=["a"], seed=[3, 4]), *grid(model=["b"], seed=[7])])
        assert [points[i]["seed"] for i in arrange(points).drawn] == [3, 7]

    def test_models_with_other_layers_make_no_empty_panels(self):
        layout = arrange(study_points([*grid(model=["a"], layer=["x", "y"]), *grid(model=["b"], layer=["z"])]))
        assert layout.rows == [[0, 1, 2]]
        assert layout.titles[2] == "b, layer z"

    def test_a_dataset_that_only_follows_the_model_is_no_dimension_of_its_own(self):
        own = [*grid(model=["a"], interval=[50, 100]), *grid(model=["b"], dataset=["other"], interval=[50, 100])]
        layout = arrange(study_points(own))
        assert varied(own) == ["model", "interval"]
        assert layout.rows == [[0, 1], [2, 3]]
        assert layout.titles[3] == "b, 100\N{NO-BREAK SPACE}% of training"
        assert "Shown for" not in layout.note
        assert varied([*own, *grid(model=["b"], interval=[50, 100])]) == ["model", "dataset", "interval"]
        assert arrange(study_points(grid(dataset=["digits", "other"]))).titles == ["dataset digits", "dataset other"]

    def test_what_is_common_is_named(self):
        assert constants(study_points(grid(layer=LAYERS))).startswith(
            "All: net, dataset digits, seed 0, 100\N{NO-BREAK SPACE}% of training"
        )
        assert "layer" not in constants(study_points(grid(layer=LAYERS)))


class TestClasses:
    def test_up_to_twenty_are_all_shown(self):
        names, note = choose_by_skewness(table_of(grid(), 20), None)
        assert names == [f"c{i}" for i in range(20)]
        assert note == ""

    def test_of_more_twenty_spread_over_the_skewness_are_shown_in_order(self):
        names, note = choose_by_skewness(table_of(grid(), 100), None)
        assert len(names) == 20
        assert names[0] == "c0"
        assert names[-1] == "c99"
        assert note.startswith("20 of 100 classes")

    def test_wanted_ones_are_shown_in_the_order_asked_for(self):
        assert choose_by_skewness(table_of(grid()), ["c3", "c1"]) == (["c3", "c1"], "2 of 5 classes are shown.")

    def test_unknown_names_are_all_named_with_the_nearest(self):
        with pytest.raises(UserError, match=r"2 problems[\s\S]*C3[\s\S]*write 'c3'[\s\S]*zebra[\s\S]*choose one"):
            choose_by_skewness(table_of(grid()), ["C3", "c1", "zebra"])

    def test_datasets_with_other_classes_show_their_own(self):
        many = table_of(grid(model=["b"], dataset=["many"]), 31)
        many["class_name"] = "x" + many["class_name"]
        table = pd.concat([table_of(grid(dataset=["digits", "turned"]), 3), many])
        classes, note = choose_by_dataset(table, None)
        assert classes["digits"] == classes["turned"] == ["c0", "c1", "c2"]
        assert len(classes["many"]) == 10
        assert (classes["many"][0], classes["many"][-1]) == ("xc0", "xc30")
        assert note.startswith("many: 10 of 31 classes are shown")
        some, _ = choose_by_dataset(table, ["c2", "c0"])
        assert some == classes | {"digits": ["c2", "c0"], "turned": ["c2", "c0"]}
        with pytest.raises(UserError, match="zebra"):
            choose_by_dataset(table, ["c1", "zebra"])


def test_settings_of_the_user_change_no_figure(tmp_path):
    @mpl.rc_context(RC)
    def draw():
        figure = new_figure(3, 2, "A title")
        figure.subplots().plot([1, 2])
        return figure

    for name, settings in (
        ("plain", {}),
        ("own", {"axes.grid": True, "lines.linewidth": 9, "savefig.facecolor": "red"}),
    ):
        files = {kind: tmp_path / f"{name}.{kind}" for kind in ("svg", "png", "csv")}
        with mpl.rc_context(settings):
            save(draw(), pd.DataFrame(), **files)
    for kind in ("svg", "png"):
        assert (tmp_path / f"own.{kind}").read_bytes() == (tmp_path / f"plain.{kind}").read_bytes()


STEPS = sorted(path.stem for path in Path(steps.__file__).parent.glob("draw_*.py"))


@pytest.mark.parametrize("step", STEPS)
def test_all_figures_have_one_shape(step):
    """draw_x calls `draw` of figures/{family}/x.py: data, then options by name, then the figure and its numbers."""
    (source,) = Path(figures.__file__).parent.glob(f"*/{step.removeprefix('draw_')}.py")
    draw = import_module(f"workflow_lib.figures.{source.parent.name}.{source.stem}").draw
    assert import_module(f"workflow_lib.steps.{step}").draw is draw
    shape = inspect.signature(draw)
    kinds = [parameter.kind for parameter in shape.parameters.values()]
    assert kinds == sorted(kinds)
    assert (list(shape.parameters)[-1], kinds[-1]) == ("title", inspect.Parameter.KEYWORD_ONLY)
    assert shape.return_annotation == tuple[Figure, pd.DataFrame]
    outputs = list(inspect.signature(getattr(import_module(f"workflow_lib.steps.{step}"), step)).parameters)
    assert (outputs[0], outputs[-3:]) == ("spec", ["svg", "png", "csv"])


class TestNames:
    def test_long_names_are_cut(self):
        assert short_names(["a" * 30, "b"]) == ["a" * (NAME_LENGTH - 1) + "…", "b"]

    def test_names_with_equal_beginnings_stay_distinct(self):
        names = short_names([f"a very long name of class {i}" for i in range(3)])
        assert len(set(names)) == 3
        assert all(len(name) <= NAME_LENGTH for name in names)

    def test_names_that_cannot_be_written_or_told_apart_become_numbers(self):
        assert short_names(["École", "x" * 40, "x" * 41]) == ["École", "#2", "#3"]
        classes = {"École": 0, "日本語": 3, "x" * 40: 4, "x" * 41: 7, "🐈": 8, "عربي": 9, "_a\nb$": 11}
        written = ["École", "class 3", "class 4", "class 7", "class 8", "عربي", "_a b$"]
        assert list(class_names(classes).values()) == written

    def test_a_class_that_is_called_like_a_number_keeps_its_name(self):
        assert class_names({"猫": 0, "class 0": 1}) == {"猫": "(class 0)", "class 0": "class 0"}
        assert list(class_names({"猫": 0, "犬": 0}).values()) == ["class 0", "(class 0)"]

    def test_labels_are_those_of_the_first_list_that_has_the_name(self):
        assert labels_of([["a", "b", "a"], ["c", "b"]]) == {"a": 0, "b": 1, "c": 0}

    def test_a_class_has_the_same_name_whichever_are_shown(self):
        table = table_of(grid(interval=INTERVALS)).replace({"class_name": {"c1": "猫", "c3": "犬"}})
        for wanted in (None, ["犬"]):
            figure, _ = trends.draw(table, wanted=wanted, threshold=0.5, title="A title")
            assert "class 3" in {text.get_text() for text in figure.legends[0].get_texts()}

    def test_numbers_have_a_true_minus_and_no_negative_zero(self):
        assert [signed(value) for value in (-1.234, -0.001, 2, np.nan)] == ["−1.23", "0.00", "2.00", "–"]

    def test_three_digits_count(self):
        values = {0.0023: "0.00230", 0.11549: "0.115", 31.44: "31.4", -1234.5: "−1234", 0: "0.00", 0.9996: "1.00"}
        values |= {np.nan: "–", -1e-17: "0.000000", 1e-6: "0.000001"}
        assert {value: significant(value) for value in values} == values

    @pytest.mark.parametrize("count", [1, 10, 20, 100])
    def test_classes_look_different(self, count):
        assert len(set(class_styles(count))) == count


class TestDensity:
    def test_equals_a_sum_of_reflected_kernels(self):
        values, at = np.array([0.1, 0.4, 0.4, 1.0]), np.linspace(0, 1, 7)
        width = values.std() * 4**-0.2
        mirrored = np.concatenate([values, -values, 2 - values])
        expected = np.array([np.exp(-0.5 * ((x - mirrored) / width) ** 2).sum() for x in at])
        np.testing.assert_allclose(density(values, at), expected / expected.max())

    def test_even_values_give_an_even_density_up_to_the_ends(self):
        assert density(np.linspace(0, 1, 1001), np.linspace(0, 1, 50)).min() > 0.97

    def test_equal_values_give_a_peak_there(self):
        np.testing.assert_array_equal(density(np.full(9, 0.5), np.array([0.4, 0.5, 0.6])).round(3), [0, 1, 0])


class TestTrends:
    def test_numbers_are_means_over_seeds_and_over_classes(self):
        table = table_of(grid(seed=[0, 1], interval=[50, 100], layer=["a", "b"]), classes=2)
        table["mean"] = np.arange(16.0)
        numbers, note = trend_numbers(table)
        assert (numbers.attrs, note) == ({"along": "interval", "beside": "layer", "scale": "interval"}, "")
        own = table[(table["interval"] == 50) & (table["layer"] == "b")]
        here = numbers[(numbers["measure"] == "mean") & (numbers["interval"] == 50) & (numbers["layer"] == "b")]
        for name, rows in own.groupby("class_name"):
            assert here.set_index("class_name").loc[name, "value"] == rows["mean"].mean()
        overall = here.set_index("class_name").loc[""]
        seeds = own.groupby("seed")["mean"].mean()
        assert overall[["value", "lowest", "highest", "seeds"]].tolist() == [seeds.mean(), seeds.min(), seeds.max(), 2]

    def test_the_dimension_of_most_values_goes_along_where_there_are_no_intervals(self):
        numbers, note = trend_numbers(table_of(grid(layer=["a", "b"], transform=list("opqrst"), split=["a", "b"])))
        assert numbers.attrs == {"along": "transform", "beside": "layer", "scale": None}
        assert note == "Shown for split b only."

    def test_intervals_close_together_are_not_written_over_each_other(self):
        figure, _ = draw_lines(table_of(grid(interval=[25, 97, 98, 99, 100])))
        texts = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
        assert texts == ["25", "", "", "", "100"]
        assert overlapping_texts(figure) == []

    def test_transforms_are_placed_by_their_strength_if_all_have_one_of_their_own(self):
        strength = {"slight": 0.05, "none": 0.0, "strong": 1.0}
        table = table_of(grid(transform=list(strength)))
        places = {}
        for name, values in (
            ("all", strength),
            ("not all", strength | {"none": np.nan}),
            ("two equal", strength | {"none": 1.0}),
        ):
            figure, numbers = draw_lines(table.assign(strength=table["transform"].map(values)), scale="rotation")
            places[name] = [line.get_xdata().tolist() for line in figure.axes[0].lines][-1]
            assert numbers.attrs["scale"] == ("strength" if name == "all" else None)
            label = "strength of rotation" if name == "all" else "transform"
            assert figure.axes[-1].get_xlabel() == label
        assert places == {"all": [0, 0.05, 1], "not all": [0, 1, 2], "two equal": [0, 1, 2]}

    def test_strengths_that_measure_different_things_share_no_axis(self):
        table = table_of(grid(transform=["turned", "noisy", "none"]))
        figure, numbers = draw_lines(
            table.assign(strength=table["transform"].map({"turned": 30, "noisy": 0.1, "none": 0}))
        )
        assert numbers.attrs["scale"] is None
        assert figure.axes[0].lines[-1].get_xdata().tolist() == [0, 1, 2]
        assert figure.axes[0].lines[-1].get_linestyle() == "None"

    @pytest.mark.parametrize(
        ("varied", "joined"),
        [
            ({"interval": [25, 50]}, True),
            ({"layer": ["a", "b"]}, True),
            ({"model": ["a", "b"]}, False),
            ({"metric": ["euclidean", "cosine"]}, False),
            ({"split": ["train", "test"]}, False),
            ({"transform": ["original", "rotated"]}, False),
        ],
    )
    def test_only_values_with_an_order_are_joined_by_lines(self, varied, joined):
        figure, _ = draw_lines(table_of(grid(**varied)), ["c1"])
        lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2]
        assert {line.get_linestyle() != "None" for line in lines} == {joined}
        assert ("lines" in figure.get_supxlabel()) is joined

    def test_classes_without_a_skewness_are_drawn(self):
        figure, _ = draw_lines(table_of(grid(layer=LAYERS)).assign(skewness=np.nan), ["c1"])
        assert len(figure.axes) == 2

    def test_accuracy_is_left_out_where_it_is_not_known(self):
        table = table_of(grid(layer=LAYERS))
        drawn = [draw_lines(each) for each in (table, table.assign(accuracy=np.nan))]
        assert [len(figure.axes) for figure, _ in drawn] == [3, 2]

    def test_of_more_than_twenty_classes_only_those_asked_for_are_coloured(self):
        table = table_of(grid(layer=LAYERS), 21)
        labels = [
            {text.get_text() for text in draw_lines(table, wanted)[0].legends[0].get_texts()} & {"c0", "c1", "c20"}
            for wanted in (None, ["c1"])
        ]
        assert labels == [set(), {"c1"}]


def overlapping_texts(figure):
    """Pairs of texts whose boxes overlap, as drawn; and the legend with panels that it covers."""
    FigureCanvasAgg(figure).draw()
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    hidden = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for low, high in [sorted(axis.get_view_interval())]
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not (axes.axison and low <= tick.get_loc() <= high)
    }
    boxes = [(t.get_text(), t.get_window_extent().padded(-0.5)) for t in texts if t not in hidden]
    beside = [("legend", legend.get_window_extent()) for legend in figure.legends]
    panels = [(f"panel {i}", axes.get_window_extent()) for i, axes in enumerate(figure.axes)]
    pairs = [*itertools.combinations(boxes, 2), *itertools.product(beside, panels)]
    return [(a, b) for (a, p), (b, q) in pairs if p.overlaps(q)]


@pytest.fixture
def study(tmp_path, request):
    """Stores of features and k* of a small study, its spec, and the tables made from it."""
    classes, grids, names = request.param
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), 6)
    points = study_points(grids)
    files = {"features": [], "kstar": []}
    for i in range(len(points)):
        features = generator.normal(size=(len(labels), 4)) + (labels % 3)[:, None]
        coords = {
            "sample": [f"s{j}" for j in range(len(labels))],
            "label": ("sample", labels),
            "prediction": ("sample", labels),
        }
        attrs = {"class_names": names[:classes], "left_out": [0] * classes}
        found = neighbourhood(features, labels, "euclidean")
        both = {"features": {"features": (("sample", "feature"), features), "class": names[:classes]}}
        both["kstar"] = {name: ("sample", values) for name, values in vars(found).items()}
        for kind, variables in both.items():
            files[kind].append(tmp_path / f"{kind}{i}.zarr.zip")
            storage.save(xr.Dataset(variables, coords, attrs), files[kind][-1])
    title = "A long title, which says at length what the study asks and what the figure shows: accuracy against k*"
    spec = {"grids": grids, "title": title, "classes": None, "threshold": 0.5, "skewness": "anchored", "k": 3}
    spec |= {"strengths": {}, "scales": {}, "scale": None}
    names = ("classes", "aggregates", "pieces", "examples", "seeds", "trend")
    tables = {name: tmp_path / f"{name}.csv" for name in names}
    tabulate_kstar(spec=spec, kstar=files["kstar"], **tables)
    return spec, files, tables["classes"], tmp_path


def outputs(folder, name):
    return {kind: folder / f"{name}.{kind}" for kind in ("svg", "png", "csv")}


PLAIN = [f"class {i}" for i in range(40)]
ODD = [f"a very long name with $x^2$, number {i}" if i % 2 else f"日本{i}" for i in range(40)]
STUDIES = {
    "3 classes, 1 panel": (3, grid(), PLAIN),
    "10 classes, 4 panels": (10, grid(interval=[50, 100], layer=["early", "late"]), PLAIN),
    "20 classes, long names": (20, grid(layer=["early", "late"]), ODD),
    "40 classes, 3 panels": (40, grid(layer=LAYERS), PLAIN),
}


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES.keys(), indirect=True)
def test_figures_of_a_study_are_drawn_without_overlapping_text(study, monkeypatch):
    spec, files, classes, folder = study
    drawn = []
    for step in ("violins", "trends", "maps", "neighbours", "accuracy_vs_kstar"):
        monkeypatch.setattr(f"workflow_lib.steps.draw_{step}.save", lambda figure, *_, **__: drawn.append(figure))
    maps, tables = [], []
    for i, features in enumerate(files["features"]):
        maps.append(folder / f"{i}.parquet")
        tables.append(folder / f"neighbours{i}.csv")
        compute_map(spec={"method": "pca", "seed": 0, "samples": 100}, features=features, map=maps[-1])
        count_neighbours(spec={"metric": "euclidean", "k": 3}, features=features, neighbours=tables[-1])
    draw_violins(spec=spec, kstar=files["kstar"], classes=classes, **outputs(folder, "violins"))
    draw_trends(spec=spec, classes=classes, **outputs(folder, "trends"))
    draw_neighbours(spec=spec, neighbours=tables, **outputs(folder, "neighbours"))
    with_maps = {**spec, "methods": ["pca"]}
    draw_maps(spec=with_maps, maps=maps, kstar=files["kstar"], classes=classes, **outputs(folder, "maps"))
    trend = folder / "trend.csv"
    draw_accuracy_vs_kstar(spec=spec, classes=classes, trend=trend, **outputs(folder, "accuracy_vs_kstar"))
    assert [overlapping_texts(figure) for figure in drawn] == [[]] * 5


def test_overlapping_text_is_found():
    figure, _ = draw_lines(table_of(grid(layer=LAYERS)))
    figure.axes[0].set_title("A heading", loc="left")
    figure.axes[0].set_title("Another heading over the first", loc="center", x=0.1)
    assert overlapping_texts(figure)


@pytest.mark.parametrize("study", [(3, grid(layer=["early", "late"]), PLAIN)], indirect=True)
def test_equal_inputs_give_equal_bytes_and_the_numbers_stand_beside(study):
    spec, files, classes, folder = study
    written = []
    for name in ("first", "second"):
        draw_violins(spec=spec, kstar=files["kstar"], classes=classes, **outputs(folder, name))
        written.append([path.read_bytes() for path in outputs(folder, name).values()])
    assert written[0] == written[1]
    numbers = pd.read_csv(folder / "first.csv")
    assert list(numbers)[:8] == list(DIMENSIONS)
    assert len(numbers) == 2 * 3
    kstar = storage.load(files["kstar"][1])
    last = numbers.iloc[-1]
    values = kstar["kstar"].values[kstar["label"].values == 2]
    np.testing.assert_allclose(last[["q0", "q25", "q50", "q100"]].astype(float), np.quantile(values, [0, 0.25, 0.5, 1]))
    assert re.search(rb"<svg[^>]*viewBox", written[0][0])
    assert b"dc:date" not in written[0][0]


@pytest.mark.parametrize("study", [(3, grid(layer=["early"]), PLAIN)], indirect=True)
def test_maps_hold_a_stratified_sample_with_its_names(study):
    _, files, _, folder = study
    spec = {"method": "pca", "seed": 0, "samples": 9}
    compute_map(spec=spec, features=files["features"][0], map=folder / "map.parquet")
    table = pd.read_parquet(folder / "map.parquet")
    assert list(table) == ["sample", "label", "class_name", "x", "y"]
    assert table["label"].value_counts().tolist() == [3, 3, 3]
    assert (table["class_name"] == "class " + table["label"].astype(str)).all()
    assert (table["sample"].str[1:].astype(int) // 6 == table["label"]).all()


def test_a_figure_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    figure, _ = draw_lines(table_of(grid(layer=LAYERS)))

    def fail(path, **_):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        save(figure, pd.DataFrame(), **outputs(tmp_path, "a"))
    assert list(tmp_path.iterdir()) == []


def test_violins_of_uncertain_patterns_are_hatched_and_the_legend_says_so():
    table = table_of(grid(), classes=3).assign(pattern_share=[1.0, 0.95, 0.9])
    samples = pd.DataFrame(
        {"class_name": np.repeat(["c0", "c1", "c2"], 20), "kstar": np.tile(np.linspace(0.1, 1, 20), 3)}
    )
    figure, _ = violins.draw(
        study_points(grid()), table, lambda point: samples, wanted=None, threshold=0.5, title="A title"
    )
    shapes = [shape.get_hatch() for shape in figure.axes[0].collections]
    assert [hatch is not None for hatch in shapes[:3]] == [False, False, True]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "hatched: less than 95% of resamples agree" in texts


def test_violins_and_maps_show_the_same_classes_though_they_show_other_points():
    """Of 21 classes, 20 are shown: which one is left out depends on all points of the study, not on those drawn."""
    table = table_of(grid(interval=[50, 100]), classes=21).assign(pattern_share=1.0)
    table.loc[table["interval"] == 50, "skewness"] = 100.0 * table["label"][::-1].to_numpy()[:21]
    names = sorted(set(table["class_name"]))
    samples = pd.DataFrame({"class_name": names, "kstar": 0.5, "x": 0.0, "y": 0.0})
    some = {"wanted": None, "threshold": 0.5, "title": "A title"}
    _, both = violins.draw(study_points(grid(interval=[50, 100])), table, lambda _: samples, **some)
    last = study_points(grid(interval=[100]))
    figure, _ = maps.draw(last, table, lambda _: samples, lambda *_: samples, methods=["pca"], **some)
    on_map = {text.get_text() for text in figure.legends[0].get_texts()} & set(names)
    assert on_map == set(both["class_name"])


def test_panels_of_datasets_with_other_classes_name_their_own():
    digits, letters = grid(layer=["early", "late"]), grid(model=["b"], dataset=["letters"], layer=["early", "late"])
    table = pd.concat([table_of(digits, 3), table_of(letters, 2).replace({"class_name": {"c0": "x", "c1": "y"}})])
    points, names = study_points([*digits, *letters]), [["c0", "c1", "c2"]] * 2 + [["x", "y"]] * 2
    samples = [pd.DataFrame({"class_name": own, "kstar": 0.5, "x": 0.0, "y": 0.0}) for own in names]
    tables = [
        pd.DataFrame(itertools.product(own, own), columns=["class_name", "neighbour_class"]).assign(share=0.5)
        for own in names
    ]
    some = {"wanted": None, "title": "A title"}
    several = {"threshold": 0.5, **some}
    table = table.assign(pattern_share=1.0)
    own, numbers = violins.draw(points, table, samples.__getitem__, **several)
    assert len(numbers) == 10
    beside, _ = maps.draw(points, table, samples.__getitem__, lambda i, _: samples[i], methods=["pca"], **several)
    assert [text.get_text() for text in beside.legends[0].get_texts()][-5:] == ["c0", "c1", "c2", "x", "y"]
    near, _ = neighbours.draw(points, tables, k=3, **some)
    for axes, below in (own.axes, names), (near.axes[:4], names), (beside.axes[1::2], [[], names[1], [], names[3]]):
        assert [[tick.get_text() for tick in panel.get_xticklabels()] for panel in axes] == below
    assert [overlapping_texts(figure) for figure in (own, beside, near)] == [[]] * 3


class TestAccuracy:
    def test_correlation_interval_and_number_are_written_above(self):
        table = table_of(grid(layer=LAYERS)).assign(accuracy=np.linspace(0, 1, 15))
        trend = trend_table(table.assign(mean=np.linspace(0.2, 0.9, 15)))
        figure, numbers = accuracy_vs_kstar.draw(table, trend, threshold=0.5, title="A title")
        assert figure.axes[0].get_title(loc="left") == "ρ = 1.00 [1.00, 1.00], n = 15"
        assert len(numbers) == 15

    def test_small_values_fill_the_axis_and_have_plain_ticks(self):
        table = table_of(grid(layer=LAYERS)).assign(accuracy=np.linspace(0, 1, 15), mean=np.linspace(2e-5, 6e-5, 15))
        axes = accuracy_vs_kstar.draw(table, trend_table(table), threshold=0.5, title="A title")[0].axes[0]
        low, high = axes.get_xlim()
        assert 1.5e-5 < low < 2e-5 < 6e-5 < high < 6.5e-5
        axes.figure.draw_without_rendering()
        assert "0.00004" in [label.get_text() for label in axes.get_xticklabels()]
        assert axes.xaxis.get_offset_text().get_text() == ""

    def test_what_was_drawn_for_the_interval_is_said(self):
        table = table_of(grid(layer=LAYERS)).assign(accuracy=np.linspace(0, 1, 15))
        many = pd.concat([table.assign(seed=seed) for seed in range(5)])
        notes = [
            accuracy_vs_kstar.draw(rows, trend_table(rows), threshold=0.5, title="A title")[0].get_supxlabel()
            for rows in (table, many)
        ]
        assert ["as independent" in note for note in notes] == [True, False]
        assert ["the networks" in note for note in notes] == [False, True]

    @pytest.mark.parametrize("classes", [1, 5])
    def test_few_or_unknown_values_are_drawn(self, classes):
        table = table_of(grid(), classes)
        figure, _ = accuracy_vs_kstar.draw(table, trend_table(table), threshold=0.5, title="A title")
        assert figure.axes[0].get_title(loc="left") == f"ρ is not defined, n = {classes}"
        table = table.assign(accuracy=np.nan)
        figure, _ = accuracy_vs_kstar.draw(table, trend_table(table), threshold=0.5, title="A title")
        assert [text.get_text() for text in figure.axes[0].texts] == ["accuracies are not known"]


def lab(colour):
    """CIE L*a*b* of an sRGB colour, white point D65."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(colour))
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    x, y, z = (t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(one, other):
    """Colour difference of two L*a*b* colours (Sharma, Wu & Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(chroma**7 / (chroma**7 + 25**7))
    c1, c2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    h1, h2 = (np.degrees(np.arctan2(b, a * stretch)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = (h1 + turn / 2) % 360 if c1 * c2 else h1 + h2
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    waves = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    t = 1 + sum(size * np.cos(np.radians(times * hue + shift)) for size, times, shift in waves)
    d_light = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    d_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    bend = np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + 25**7)) * bend
    return np.sqrt(d_light**2 + d_chroma**2 + d_hue**2 + rotation * d_chroma * d_hue)


def test_class_colours_are_far_from_pattern_colours_and_from_one_another():
    # Three pairs of the data that Sharma, Wu and Dalal give for testing.
    for one, other, difference in (
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ):
        assert ciede2000(one, other) == pytest.approx(difference, abs=5e-5)
    for colour in CLASS_COLOURS:
        assert min(ciede2000(lab(colour), lab(other)) for other in PATTERN_COLOURS.values()) >= 15
    pairs = itertools.combinations(map(lab, CLASS_COLOURS), 2)
    assert min(ciede2000(*pair) for pair in pairs) >= 25
