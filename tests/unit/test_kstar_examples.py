"""Typical and suspect samples of Fractured classes, by hand."""

import numpy as np
import pandas as pd
import xarray as xr

from workflow_lib.kstar import neighbourhood
from workflow_lib.kstar.examples import PIECES, SUSPECTS, example_table
from workflow_lib.kstar.tables import class_table
from workflow_lib.points import DIMENSIONS

POINT = dict.fromkeys(DIMENSIONS, 0)


def store(features, labels, names):
    found = neighbourhood(features, labels)
    names_of = ("kappa", "nearest_foreign", "nearest_foreign_distance", "piece")
    variables = {name: ("sample", getattr(found, name)) for name in names_of}
    coords = {"sample": [f"s{i}" for i in range(len(labels))], "label": ("sample", labels)}
    return xr.Dataset(variables, coords, {"class_names": names, "left_out": [0] * len(names)})


def test_by_hand_on_a_line():
    # a at 0, 1, 2 and alone at 11; b at 10, 12, 13. Only a is called Fractured.
    given = store(np.array([0.0, 1, 2, 11, 10, 12, 13])[:, None], np.array([0, 0, 0, 0, 1, 1, 1]), ["a", "b"])
    classes = class_table([POINT], [given]).assign(pattern=["Fractured", "Clustered"])
    table = example_table([POINT], [given], classes)
    assert list(table)[: len(DIMENSIONS) + 2] == [*DIMENSIONS, "label", "class_name"]
    assert (table["class_name"] == "a").all()
    typical, suspects = (table[table["kind"] == kind] for kind in ("typical", "suspect"))
    # All three of the piece have kappa 3; s0 is farthest from b. The single sample is no piece to be typical of.
    assert typical[["piece", "sample", "kappa"]].to_numpy().tolist() == [[0, "s0", 3]]
    assert suspects["sample"].tolist() == ["s3", "s2", "s1", "s0"]
    first = suspects.iloc[0]
    assert first[["piece", "kappa", "foreign_sample", "foreign_class", "foreign_distance"]].tolist() == [
        *(1, 1, "s4", "b", 1.0)
    ]


def test_a_swapped_label_is_the_first_suspect():
    generator = np.random.default_rng(0)
    centres, labels = np.repeat([0.0, 20, 40, 60, 80, 100, 120, 140], 20), np.repeat([0, 1] * 4, 20)
    features = generator.normal(size=(160, 4))
    features[:, 0] += centres
    labels[25] = 0  # in a blob of class 1
    given = store(features, labels, ["a", "b"])
    classes = class_table([POINT], [given])
    assert classes["pattern"][0] == "Fractured"
    table = example_table([POINT], [given], classes)
    own = table[table["label"] == 0]
    assert own[own["kind"] == "suspect"]["sample"].iloc[0] == "s25"
    typical = own[own["kind"] == "typical"]
    assert typical["piece"].tolist() == [0, 1, 2, 3]  # not the single sample
    assert sorted(int(sample[1:]) // 40 for sample in typical["sample"]) == [0, 1, 2, 3]


def test_numbers_are_limited_and_other_points_have_rows_of_their_own():
    labels = np.tile([0, 1], 60)  # pieces of a line, two by two
    features = (np.arange(120) // 4 * 10.0 + labels * 5 + np.arange(120) // 2 % 2)[:, None]
    given = store(features, labels, ["a", "b"])
    points = [POINT, POINT | {"seed": 1}]
    table = example_table(points, [given, given], class_table(points, [given, given]))
    assert table.groupby(["seed", "label", "kind"]).size().to_dict() == {
        (seed, label, kind): count
        for seed in (0, 1)
        for label in (0, 1)
        for kind, count in (("suspect", SUSPECTS), ("typical", PIECES))
    }


def test_what_is_not_known_gives_no_example():
    given = store(np.array([0.0, 1, 2, 11, 10, 12, 13])[:, None], np.array([0, 0, 0, 0, 1, 1, 1]), ["a", "b"])
    given = given.assign(piece=("sample", np.full(7, -1)))
    given["nearest_foreign"].values[:2] = -1
    classes = class_table([POINT], [given]).assign(pattern=["Fractured", "Clustered"])
    table = example_table([POINT], [given], classes)
    assert table[["kind", "sample"]].to_numpy().tolist() == [["suspect", "s3"], ["suspect", "s2"]]


def test_no_fractured_class_gives_the_head_only():
    given = store(np.array([0.0, 1, 10, 11])[:, None], np.array([0, 0, 1, 1]), ["a", "b"])
    table = example_table([POINT], [given], class_table([POINT], [given]).assign(pattern="Clustered"))
    assert isinstance(table, pd.DataFrame)
    assert (len(table), list(table)[-1]) == (0, "foreign_distance")
