"""Figures of prototypes: numbers equal the tables, unconverged images are hatched, degenerate input is drawn."""

import itertools

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from scipy import stats

from workflow_lib.errors import UserError
from workflow_lib.figures.axes import label_intervals
from workflow_lib.figures.prototypes import (
    boundaries,
    class_pairs,
    class_prototypes,
    dissimilarity,
    distributions,
    layers,
    quality_vs_accuracy,
    trajectories,
)
from workflow_lib.figures.prototypes import prototypes as grid
from workflow_lib.figures.prototypes.images import per_cent, picture
from workflow_lib.figures.selection import choose_classes, choose_panels
from workflow_lib.figures.style import save, signed
from workflow_lib.prototypes.trend import quality_trend

INTERVALS = (25, 40, 60, 70, 80, 90, 100)
TITLE = {"title": "A title"}
SET = {"model": "net", "seed": 0, "interval": 100, "initialisation": 0}
OF_SET = {**TITLE, "point": SET, "wanted": None}
COUNTED = {"include_self": False, "unconverged": "leave_out"}
ODD = [f"a very long name with $x^2$, number {i}" if i % 2 else f"日本{i}" for i in range(10)]
SIDE = {"channel": 1, "y": 8, "x": 8}


def prototypes(classes=4, missed=(), names=None, shape=SIDE):
    """A store of prototypes that all took 6 steps; those at `missed` (target, origin) did not converge."""
    generator = np.random.default_rng(0)
    pair, size = ("target", "origin"), (classes, classes)
    converged = np.ones(size, dtype=bool)
    for place in missed:
        converged[place] = False
    trajectory_step = np.tile([0, 1, 2, 4, 6, -1], (classes, 1))
    way = generator.random((classes, 6, *shape.values()), dtype=np.float32)
    way[:, -1] = np.nan
    snapshots = np.where(trajectory_step < 0, np.nan, 0.1 * trajectory_step)
    variables = {
        "image": ((*pair, *shape), generator.random((*size, *shape.values()), dtype=np.float32)),
        "loss": (pair, generator.random(size)),
        "confidence": (pair, np.where(converged, 0.995, 0.25)),
        "steps": (pair, np.full(size, 6)),
        "converged": (pair, converged),
        "trajectory": (("target", "snapshot", *shape), way),
        "trajectory_step": (("target", "snapshot"), trajectory_step),
        "trajectory_loss": (("target", "snapshot"), -np.log(snapshots + 0.1)),
        "trajectory_confidence": (("target", "snapshot"), snapshots),
    }
    names = names or [f"class {i}" for i in range(classes)]
    return xr.Dataset(variables, {"target": names, "origin": names})


def product(**columns):
    return pd.DataFrame(list(itertools.product(*columns.values())), columns=list(columns))


def with_values(table, **ranges):
    """The table with seeded columns, each uniform in its range; a range of None is NaN throughout."""
    generator = np.random.default_rng(1)
    values = {k: generator.uniform(*r, len(table)) if r else np.full(len(table), np.nan) for k, r in ranges.items()}
    return table.assign(**values)


def interval_table(models=("net",), intervals=INTERVALS, known=True, layers=("late",)):
    table = product(model=models, interval=intervals, layer=layers, tensor=["C", "R"])
    ranges = {
        "mean": (0.2, 0.7),
        "std": (0.05, 0.1),
        "spread_initialisations": (0.01, 0.02),
        "outlier_share": (0, 0.02),
    }
    table = with_values(table, **{name: known and value for name, value in ranges.items()})
    return pd.concat([table.assign(include_self=False), table.assign(include_self=True)], ignore_index=True)


def histogram_table(models=("net",), intervals=INTERVALS, layers=("late",)):
    table = product(model=models, interval=intervals, layer=layers, tensor=["C", "R"], low=[0.1, 0.11, 0.3])
    return table.assign(high=table["low"] + 0.01, count=np.arange(len(table)) % 5 + 1)


def pair_table(names, models=("net",), known=True, layers=("late",)):
    table = product(model=models, interval=[25, 100], layer=layers, tensor=["C", "R"], class_a=names, class_b=names)
    return with_values(table[table["class_a"] != table["class_b"]], mean=known and (0.2, 0.7))


def boundary_tables(store, missing=()):
    """Store and table of boundary images, all found but those at `missed` (way, target, origin)."""
    names = list(store["target"].values)
    image = np.full((2, *store["image"].shape), 0.5, dtype=np.float32)
    rows = product(route=["line", "path"], target=names, origin=names)
    rows["found"] = [place not in missing for place in rows.itertuples(index=False, name=None)]
    image.reshape(len(rows), -1)[~rows["found"]] = np.nan
    numbers = ["share", "difference", "dissimilarity_to_origin", "dissimilarity_to_target"]
    rows = with_values(rows, **dict.fromkeys(numbers, (0.2, 0.7)))
    rows.loc[~rows["found"], numbers] = np.nan
    images = xr.Dataset(
        {"image": (("route", *store["image"].dims), image)},
        {"route": ["line", "path"], "target": names, "origin": names},
    )
    return images, rows[rows["target"] != rows["origin"]].reset_index(drop=True)


def boundary_intervals(models=("net",), intervals=INTERVALS, known=True):
    table = product(model=models, interval=intervals, route=["line", "path"])
    names = (f"{number}_{kind}" for number in ("share", "to_origin", "to_target") for kind in ("mean", "std"))
    return with_values(table, **dict.fromkeys(names, known and (0.2, 0.7))).assign(found=float(known), n=12)


def between_table(intervals):
    """Two sets of each model and interval."""
    table = intervals[["model", "interval", "route"]].assign(seed=0)
    more = product(initialisation=[0, 1], relation=["same_origin", "same_target", "both_directions"])
    known = len(intervals) > 0 and bool(intervals["share_mean"].notna().all())
    return with_values(table.merge(more, how="cross"), mean=(0.1, 0.5) if known else None)


def quality_table(models=("net",), known=True, layers=("late",), seeds=(0, 1)):
    table = product(model=models, seed=seeds, interval=INTERVALS, initialisation=[0, 1], layer=layers)
    ranges = {"m_g": (0.2, 0.5), "m_adv": (0, 0.2), "C": (0.2, 0.7), "R": (0.2, 0.7), "m_g_zero_diagonal": (0.3, 0.6)}
    return with_values(table, **ranges, accuracy=known and (0.8, 0.99))


def draw_quality(table):
    return quality_vs_accuracy.draw(table, quality_trend(table), **TITLE)


def draw_boundaries(store, intervals, wanted=None, missing=()):
    """The figure of one set, whose table also has rows of another one."""
    images, rows = boundary_tables(store, missing)
    table = pd.concat([rows.assign(**{**SET, "initialisation": start}) for start in (1, 0)], ignore_index=True)
    chosen = {**OF_SET, "wanted": wanted}
    between = between_table(intervals)
    return boundaries.draw(images, store, table, intervals, between, unconverged="leave_out", **chosen)


def several(stores, models=("net",), intervals=INTERVALS):
    """Stores, one for each model and interval, and their points."""
    points = [{**SET, "model": model, "interval": interval} for model in models for interval in intervals]
    return {"stores": [stores] * len(points) if isinstance(stores, xr.Dataset) else stores, "points": points}


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


def hatched(figure):
    """Left upper corners of the hatched cells."""
    return [patch.get_xy() for patch in figure.findobj(Rectangle) if patch.get_hatch()]


def overlapping_texts(figure):
    """Pairs of texts whose boxes overlap as drawn, and texts that are cut off by the figure's edge."""
    FigureCanvasAgg(figure).draw()
    ticks = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for low, high in [sorted(axis.get_view_interval())]
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not (axes.axison and low <= tick.get_loc() <= high)
    }
    shown = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and t not in ticks]
    boxes = [(t.get_text(), t.get_window_extent().padded(-0.5)) for t in shown]
    edge = figure.bbox.padded(2)
    cut = [text for text, box in boxes if not (edge.contains(*box.p0) and edge.contains(*box.p1))]
    return cut + [(a, b) for (a, p), (b, q) in itertools.combinations(boxes, 2) if p.overlaps(q)]


class TestPrototypes:
    def test_numbers_are_those_of_the_store(self):
        store = prototypes(missed=[(1, 2)])
        _, numbers = grid.draw(store, **{**OF_SET, "wanted": ["class 2", "class 1"]})
        assert list(numbers) == ["target", "origin", "loss", "confidence", "steps", "converged"]
        assert numbers["target"].tolist() == ["class 2"] * 2 + ["class 1"] * 2
        assert numbers["origin"].tolist() == ["class 2", "class 1"] * 2
        for row in numbers.itertuples():
            own = store.sel(target=row.target, origin=row.origin)
            assert [own[name].item() for name in numbers.columns[2:]] == list(row)[3:]

    def test_images_that_did_not_converge_are_hatched_counted_and_show_their_confidence(self):
        figure, numbers = grid.draw(prototypes(missed=[(1, 2), (3, 3)]), **OF_SET)
        corners = np.floor(hatched(figure)).astype(int)
        assert sorted(map(tuple, corners)) == [(2, 1), (3, 3)]  # column, row
        assert texts(figure).count("25\N{NO-BREAK SPACE}%") == 2
        assert (~numbers["converged"]).sum() == 2
        assert "2 of 16 did not converge." in " ".join(figure.get_supxlabel().split())

    def test_where_all_converged_nothing_is_hatched(self):
        figure, _ = grid.draw(prototypes(), **OF_SET)
        assert hatched(figure) == []
        assert "All converged." in " ".join(figure.get_supxlabel().split())

    def test_images_lie_at_their_target_and_origin(self):
        store = prototypes(3)
        figure, _ = grid.draw(store, **OF_SET)
        for image in figure.axes[0].images:
            left, _, _, top = np.floor(image.get_extent()).astype(int)
            np.testing.assert_array_equal(image.get_array(), store["image"].values[top, left, 0])


class TestTrajectories:
    def test_numbers_end_where_the_trajectory_ends(self):
        store = prototypes(7, missed=[(1, 1)])
        figure, numbers = trajectories.draw(store, **OF_SET)
        assert list(numbers) == ["target", "step", "loss", "confidence", "converged"]
        assert numbers["target"].unique().tolist() == [f"class {i}" for i in range(5)]
        assert numbers["step"].tolist() == [0, 1, 2, 4, 6] * 5
        np.testing.assert_array_equal(numbers["confidence"], store["trajectory_confidence"].values[:5, :5].ravel())
        assert numbers.loc[~numbers["converged"], "target"].tolist() == ["class 1"] * 5
        assert len(hatched(figure)) == 1
        assert len(figure.axes[0].images) == 25

    def test_of_a_long_trajectory_twelve_images_are_drawn_with_the_first_and_the_last(self):
        store = prototypes(1).isel(snapshot=[0] * 30).assign(trajectory_step=(("target", "snapshot"), [np.arange(30)]))
        figure, numbers = trajectories.draw(store, **OF_SET)
        above = [text.split("\n")[0] for text in texts(figure) if "\n" in text and text[0].isdigit()]
        assert len(numbers) == 30
        assert (len(above), above[0], above[-1]) == (12, "0", "29")


class TestClassPrototypes:
    def test_each_row_has_the_class_prototypes_of_its_network(self):
        stores = [prototypes(3), prototypes(3, missed=[(1, 1)]), prototypes(3)]
        stores[2]["image"] = 1 - stores[2]["image"]
        networks = several(stores, intervals=(25, 50, 100))
        figure, numbers = class_prototypes.draw(**networks, wanted=["class 2", "class 1"], **TITLE)
        assert list(numbers) == ["model", "interval", "target", "loss", "confidence", "steps", "converged"]
        assert numbers["interval"].tolist() == [25, 25, 50, 50, 100, 100]
        assert numbers["target"].tolist() == ["class 2", "class 1"] * 3
        assert numbers["converged"].tolist() == [True, True, True, False, True, True]
        assert [tuple(np.floor(corner)) for corner in hatched(figure)] == [(1, 1)]  # column, row
        drawn = [image.get_array() for image in figure.axes[0].images]
        expected = [store["image"].values[k, k, 0] for store in stores for k in (2, 1)]
        np.testing.assert_array_equal(drawn, expected)

    def test_a_class_that_a_network_lacks_is_left_empty(self):
        networks = several([prototypes(2), prototypes(2, names=["x", "class 1"])], ["one", "two"], [100])
        figure, numbers = class_prototypes.draw(**networks, wanted=None, **TITLE)
        found = list(numbers[["model", "target"]].itertuples(index=False, name=None))
        assert found == [("one", "class 0"), ("one", "class 1"), ("two", "class 1"), ("two", "x")]
        assert len(figure.axes[0].images) == 4

    def test_at_most_four_intervals_of_four_models_are_drawn(self):
        networks = several(prototypes(2), [f"net {i}" for i in range(6)])
        figure, numbers = class_prototypes.draw(**networks, wanted=None, **TITLE)
        assert numbers["model"].unique().tolist() == ["net 0", "net 2", "net 3", "net 5"]
        assert numbers["interval"].unique().tolist() == [25, 60, 80, 100]
        note = " ".join(figure.get_supxlabel().split())
        assert "4 of 6 models are shown. 4 intervals of a model are shown." in note


class TestTables:
    @pytest.mark.parametrize("models", [["net"], [f"net {i}" for i in range(6)]], ids=["1 model", "6 models"])
    def test_numbers_are_rows_of_the_table_of_at_most_four_models(self, models):
        table = interval_table(models)
        figure, numbers = dissimilarity.draw(table, **COUNTED, **TITLE)
        shown = models if len(models) == 1 else ["net 0", "net 2", "net 3", "net 5"]
        assert numbers["model"].unique().tolist() == shown
        own = table[table["model"].isin(shown) & ~table["include_self"]]
        pd.testing.assert_frame_equal(numbers, own.reset_index(drop=True))
        assert len(figure.axes) == 2 * len(shown)
        assert ("4 of 6 models are shown." in figure.get_supxlabel()) == (len(models) == 6)

    def test_lines_go_through_the_means_and_the_limit_is_chebyshevs(self):
        table = interval_table()
        figure, _ = dissimilarity.draw(table, **COUNTED, **TITLE)
        means, outliers = figure.axes
        lines = [line.get_ydata() for line in means.lines if len(line.get_ydata()) == len(INTERVALS)]
        for tensor in "CR":
            mean = table.loc[(table["tensor"] == tensor) & ~table["include_self"], "mean"]
            assert any(np.array_equal(line, mean) for line in lines)
        assert any(np.allclose(line.get_ydata(), 100 / 9) for line in outliers.lines)
        assert "11.1\N{NO-BREAK SPACE}%" in figure.get_supxlabel()

    @pytest.mark.parametrize(("include", "says"), [(False, "is left out"), (True, "is included, as on the poster")])
    def test_the_note_says_whether_self_entries_are_included(self, include, says):
        figure, _ = dissimilarity.draw(interval_table(), include_self=include, unconverged="keep", **TITLE)
        line = " ".join(figure.get_supxlabel().split())
        assert f"0 by definition, {says}." in line
        assert "Images that did not converge are included." in line

    def test_density_of_a_histogram_adds_up_to_one(self):
        table = histogram_table(["a", "b"])
        _, numbers = distributions.draw(table, **COUNTED, **TITLE)
        pd.testing.assert_frame_equal(numbers.drop(columns="density"), table)
        area = (numbers["density"] * (numbers["high"] - numbers["low"])).groupby(
            [numbers["model"], numbers["interval"], numbers["tensor"]]
        )
        np.testing.assert_allclose(area.sum(), 1)

    def test_bins_that_are_absent_are_drawn_as_empty(self):
        figure, numbers = distributions.draw(histogram_table(intervals=[100]), **COUNTED, **TITLE)
        steps = figure.axes[0].patches[0].get_data()
        np.testing.assert_allclose(steps.edges, [0.1, 0.11, 0.12, 0.3, 0.31])
        np.testing.assert_allclose(steps.values, [*numbers["density"][:2], 0, numbers["density"][2]])

    def test_pairs_are_those_of_the_last_interval_and_of_the_classes_shown(self):
        table = pair_table(["a", "b", "c"])
        figure, numbers = class_pairs.draw(table, wanted=["c", "a"], unconverged="keep", **TITLE)
        chosen = (table["interval"] == 100) & table["class_a"].isin(["a", "c"]) & table["class_b"].isin(["a", "c"])
        pd.testing.assert_frame_equal(numbers, table[chosen].reset_index(drop=True))
        matrix = figure.axes[0].images[0].get_array()
        own = numbers[numbers["tensor"] == "C"].set_index(["class_a", "class_b"])["mean"]
        np.testing.assert_array_equal(matrix.filled(np.nan), [[np.nan, own["c", "a"]], [own["a", "c"], np.nan]])

    def test_models_of_other_classes_have_their_own_names_beside_them(self):
        table = pd.concat([pair_table(["a", "b"], ["one"]), pair_table(["x", "y", "z"], ["two"])])
        figure, _ = class_pairs.draw(table, wanted=None, unconverged="keep", **TITLE)
        names = [[label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes[:4]]
        assert names == [["a", "b"]] * 2 + [["x", "y", "z"]] * 2

    def test_quality_has_a_dot_and_a_ring_for_each_set_that_is_known(self):
        table = quality_table()
        table.loc[:2, "accuracy"] = np.nan
        figure, numbers = draw_quality(table)
        pd.testing.assert_frame_equal(numbers, table)
        rings, dots = (collection.get_offsets() for collection in figure.axes[0].collections)
        np.testing.assert_array_equal(dots, table.loc[3:, ["accuracy", "m_g"]])
        np.testing.assert_array_equal(rings, table.loc[3:, ["accuracy", "m_g_zero_diagonal"]])
        assert "3 of 28 sets lack a measure or the accuracy." in " ".join(figure.get_supxlabel().split())

    def test_each_measure_has_a_panel_with_its_correlation(self):
        table = quality_table(layers=["early", "late"], seeds=range(5)).assign(m_adv=0.5)
        figure, _ = draw_quality(table)
        panels = {axes.get_ylabel(): axes for axes in figure.axes[::2]}
        assert list(panels) == ["M_g", "M_adv", "mean C", "mean R"]
        assert figure.axes[0].get_title(loc="left").startswith("net, early\nρ = ")
        own = table[table["layer"] == "early"].groupby(["seed", "interval"])[["C", "accuracy"]].mean()
        rho = stats.spearmanr(own["C"], own["accuracy"]).statistic
        assert panels["mean C"].get_title(loc="left").startswith(f"ρ = {signed(rho)} [")
        assert panels["mean C"].get_title(loc="left").endswith("], n = 35")
        assert panels["M_adv"].get_title(loc="left") == "ρ is not defined, n = 35"
        assert "bootstrap of the networks" in " ".join(figure.get_supxlabel().split())
        few = draw_quality(table[table["seed"] < 4])[0].get_supxlabel()
        assert "treats the intervals of a network as independent" in " ".join(few.split())


class TestLayers:
    @pytest.mark.parametrize(
        ("models", "layers", "headings", "note"),
        [
            (["net"], ["one"], ["net"], ""),
            (["net"], ["one", "two"], ["net, one", "net, two"], ""),
            (["a", "b"], ["one", "two"], ["a, one", "a, two", "b, one", "b, two"], ""),
            (["a", "b"], ["x", "y", "z"], ["a, x", "a, y", "a, z"], "3 of 6 layers are shown."),
            (["a"], [*"pqrstu"], ["a, p", "a, r", "a, s", "a, u"], "4 of 6 layers are shown."),
            ([*"abcdef"], ["one"], ["a", "c", "d", "f"], "4 of 6 models are shown."),
        ],
    )
    def test_panels(self, models, layers, headings, note):
        table = interval_table(models, layers=layers)
        panels, shown, found = choose_panels(table)
        assert (list(panels), found) == (headings, note)
        for heading, part in panels.items():
            model, layer = heading.split(", ") if len(layers) > 1 else (heading, layers[0])
            pd.testing.assert_frame_equal(part, table[(table["model"] == model) & (table["layer"] == layer)])
        pd.testing.assert_frame_equal(shown, pd.concat(panels.values()).sort_index(ignore_index=True))

    def test_lines_of_the_layers_go_through_the_means_of_an_interval(self):
        table = interval_table(["a", "b"], layers=["early", "middle", "late"])
        figure, numbers = layers.draw(table, **COUNTED, **TITLE)
        pd.testing.assert_frame_equal(numbers, table[~table["include_self"]].reset_index(drop=True))
        own = numbers[(numbers["model"] == "b") & (numbers["tensor"] == "R")]
        for line, interval in zip(figure.axes[3].lines, INTERVALS, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), own.loc[own["interval"] == interval, "mean"])
        assert [label.get_text() for label in figure.axes[3].get_xticklabels()] == ["early", "middle", "late"]

    def test_pairs_and_distributions_of_layers_have_panels_of_their_own(self):
        table = pair_table(["a", "b"], layers=["one", "two"])
        figure, numbers = class_pairs.draw(table, wanted=None, unconverged="keep", **TITLE)
        pd.testing.assert_frame_equal(numbers, table[table["interval"] == 100].reset_index(drop=True))
        assert [axes.get_title(loc="left").split("\n")[1][:8] for axes in figure.axes[:4]] == [
            *["net, one"] * 2,
            *["net, two"] * 2,
        ]
        figure, numbers = distributions.draw(histogram_table(layers=["one", "two"]), **COUNTED, **TITLE)
        assert len(figure.axes) == 2 * len(INTERVALS)
        area = (numbers["density"] * 0.01).groupby([numbers["interval"], numbers["layer"], numbers["tensor"]]).sum()
        np.testing.assert_allclose(area, 1)


class TestBoundaries:
    def test_numbers_are_the_rows_of_the_pairs_shown_and_of_the_training(self):
        store, training = prototypes(10), boundary_intervals()
        figure, numbers = draw_boundaries(store, training, wanted=["class 3", "class 1"])
        images = numbers[numbers["part"] == "images"].dropna(axis="columns", how="all").drop(columns="part")
        table = boundary_tables(store)[1].assign(**SET)
        own = table[table["target"].isin(["class 1", "class 3"]) & table["origin"].isin(["class 1", "class 3"])]
        order = ["origin", "target", "route"]
        pd.testing.assert_frame_equal(
            images.sort_values(order, ignore_index=True), own.sort_values(order, ignore_index=True), check_like=True,
            check_dtype=False,
        )  # fmt: skip
        means = numbers.loc[numbers["part"] == "training", ["share_mean", "found_share"]]
        np.testing.assert_array_equal(means, training[["share_mean", "found"]])
        between = between_table(training).groupby(["interval", "route", "relation"], sort=False)["mean"].mean()
        drawn = numbers[numbers["part"] == "between"]
        np.testing.assert_array_equal(drawn["mean"], between)
        assert len(drawn) == 6 * len(INTERVALS)
        panel = figure.axes[3].lines
        means = between.unstack("interval").loc[[("line", name) for name in boundaries.RELATIONS]]
        np.testing.assert_array_equal([line.get_ydata() for line in panel[:3]], means)
        assert len(figure.axes[0].images) == 2 * 5

    def test_each_of_six_classes_is_paired_with_the_next(self):
        _, numbers = draw_boundaries(prototypes(10), boundary_intervals())
        pairs = numbers.loc[numbers["route"] == "line"].dropna(subset=["origin"])
        assert len(pairs) == 6
        assert pairs["target"].tolist() == [*pairs["origin"][1:], pairs["origin"].iloc[0]]

    def test_a_boundary_that_was_not_found_is_an_empty_cell_that_says_none(self):
        missing = [("path", "class 1", "class 0")]
        figure, _ = draw_boundaries(prototypes(2), boundary_intervals(), missing=missing)
        assert texts(figure).count("none") == 1
        assert len(figure.axes[0].images) == 2 * 5 - 1
        assert len([text for text in texts(figure) if text.startswith("share 0.")]) == 3


DEGENERATE = {
    "one class of one network": lambda: class_prototypes.draw(
        **several(prototypes(1), intervals=[100]), wanted=None, **TITLE
    ),
    "networks of long names, hostile names of classes": lambda: class_prototypes.draw(
        **several(prototypes(10, names=ODD, missed=[(0, 0)]), ["a_model_of_a_long_name", "b"]), wanted=None, **TITLE
    ),
    "grid of one class": lambda: grid.draw(prototypes(1), **OF_SET),
    "grid of which nothing converged": lambda: grid.draw(prototypes(3, missed=list(np.ndindex(3, 3))), **OF_SET),
    "grid of hostile names": lambda: grid.draw(prototypes(10, names=ODD), **OF_SET),
    "grid of wide images": lambda: grid.draw(prototypes(3, shape={**SIDE, "x": 20}), **OF_SET),
    "trajectories of colour images, hostile names": lambda: trajectories.draw(
        prototypes(10, names=ODD, shape={**SIDE, "channel": 3}), **{**OF_SET, "wanted": ODD[3:]}
    ),
    "trajectories of one class that did not converge": lambda: trajectories.draw(
        prototypes(1, missed=[(0, 0)]), **OF_SET
    ),
    "dissimilarity at one interval": lambda: dissimilarity.draw(interval_table(intervals=[100]), **COUNTED, **TITLE),
    "dissimilarity without entries": lambda: dissimilarity.draw(interval_table(known=False), **COUNTED, **TITLE),
    "dissimilarity without rows": lambda: dissimilarity.draw(interval_table([]), **COUNTED, **TITLE),
    "histograms at one interval": lambda: distributions.draw(histogram_table(intervals=[100]), **COUNTED, **TITLE),
    "histograms, a model without entries": lambda: distributions.draw(
        pd.concat([histogram_table(["a"]), histogram_table(["b"], [25])]), **COUNTED, **TITLE
    ),
    "histograms without rows": lambda: distributions.draw(histogram_table([]), **COUNTED, **TITLE),
    "pairs of two classes": lambda: class_pairs.draw(pair_table("ab"), wanted=None, unconverged="keep", **TITLE),
    "pairs of one class": lambda: class_pairs.draw(pair_table("a"), wanted=None, unconverged="keep", **TITLE),
    "pairs without entries, hostile names": lambda: class_pairs.draw(
        pair_table(ODD, known=False), wanted=None, unconverged="keep", **TITLE
    ),
    "pairs of 40 classes": lambda: class_pairs.draw(
        pair_table([f"class {i}" for i in range(40)]), wanted=None, unconverged="keep", **TITLE
    ),
    "boundaries of one class": lambda: draw_boundaries(prototypes(1), boundary_intervals([])),
    "boundaries not found, hostile names": lambda: draw_boundaries(
        prototypes(10, names=ODD, missed=[(0, 0)]),
        boundary_intervals(known=False),
        missing=list(itertools.product(["line", "path"], ODD, ODD)),
    ),
    "boundaries of two models at one interval": lambda: draw_boundaries(
        prototypes(3), boundary_intervals(["one", "two"], [100])
    ),
    "quality without accuracies": lambda: draw_quality(quality_table(known=False)),
    "quality without rows": lambda: draw_quality(quality_table([])),
    "quality of four models": lambda: draw_quality(quality_table([*"abc", "a_model_of_a_long_name"])),
    "quality of layers": lambda: draw_quality(quality_table(layers=["a", "a_layer_of_a_long_name"]).assign(m_adv=0.1)),
    "layers of four models": lambda: layers.draw(
        interval_table([*"abc", "a_model_of_a_long_name"], layers=[*"abcdefghij", "a_layer_of_a_long_name"]),
        **COUNTED,
        **TITLE,
    ),
    "layers without entries": lambda: layers.draw(interval_table(known=False, layers=["a", "b"]), **COUNTED, **TITLE),
    "layers without rows": lambda: layers.draw(interval_table([]), **COUNTED, **TITLE),
    "dissimilarity of layers": lambda: dissimilarity.draw(
        interval_table(["a_model_of_a_long_name"], layers=["a_layer_of_a_long_name", *"bcd"]), **COUNTED, **TITLE
    ),
}


@pytest.mark.parametrize("draw", DEGENERATE.values(), ids=DEGENERATE.keys())
def test_degenerate_input_is_drawn_without_overlapping_text(draw):
    figure, _ = draw()
    assert overlapping_texts(figure) == []


def test_overlapping_and_cut_off_text_is_found():
    figure, _ = grid.draw(prototypes(2), **OF_SET)
    figure.text(0.01, 0.01, "over the note")
    figure.text(0.99, 0.5, "beyond the edge")
    found = overlapping_texts(figure)
    assert "beyond the edge" in found
    assert any("over the note" in pair for pair in found)


@pytest.mark.parametrize("draw", [grid.draw, trajectories.draw])
def test_equal_input_gives_equal_bytes(draw, tmp_path):
    written = []
    for name in ("first", "second"):
        paths = {kind: tmp_path / f"{name}.{kind}" for kind in ("svg", "png", "csv")}
        save(*draw(prototypes(3, missed=[(1, 1)]), **OF_SET), **paths)
        written.append([path.read_bytes() for path in paths.values()])
    assert written[0] == written[1]


def test_of_more_than_twenty_classes_ten_are_shown_with_the_first_and_the_last():
    names = [f"c{i}" for i in range(21)]
    assert choose_classes(names[:20], None, section="prototypes") == (names[:20], "")
    chosen, note = choose_classes(names, None, section="prototypes")
    assert (len(chosen), chosen[0], chosen[-1], note) == (10, "c0", "c20", "10 of 21 classes are shown.")


def test_unknown_classes_are_all_named_with_the_nearest():
    with pytest.raises(UserError, match=r"2 problems[\s\S]*classes: clas 3[\s\S]*write 'class 3'[\s\S]*zebra"):
        grid.draw(prototypes(), **{**OF_SET, "wanted": ["clas 3", "class 1", "zebra"]})


def test_labels_of_intervals_close_together_are_left_out():
    axes = grid.draw(prototypes(1), **OF_SET)[0].axes[0]
    label_intervals(axes, [25, 97, 98, 99, 100, 25])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["25", "", "", "", "100"]


def test_three_channels_are_colours_and_others_their_mean():
    image = np.linspace(-0.5, 1.5, 24).reshape(3, 2, 4)
    np.testing.assert_array_equal(picture(image)[1, 2], image.clip(0, 1)[:, 1, 2])
    np.testing.assert_array_equal(picture(image[:2]), image[:2].clip(0, 1).mean(axis=0))


def test_only_certainty_is_written_as_100_per_cent():
    written = [per_cent(share).rstrip("%").strip() for share in (0, 0.126, 0.9999, 1, np.nan)]
    assert written == ["0", "13", "99", "100", "–"]
