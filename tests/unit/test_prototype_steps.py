"""Steps of prototypes: from a checkpoint to stores and tables; what a kill leaves; what counts where."""

import errno
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from scipy.spatial.distance import cosine
from test_model_steps import NETWORK, TRAIN, context, trained, write_split

from workflow_lib.dissimilarity.summary import Selection
from workflow_lib.errors import Problem, UserError
from workflow_lib.io import checkpoints, storage
from workflow_lib.models.stored import restore
from workflow_lib.prototypes import resumable
from workflow_lib.prototypes.matrix import make_matrix
from workflow_lib.prototypes.tables import OF_LAYER, POINT, boundary_intervals, boundary_table, prototype_tables
from workflow_lib.steps import make_prototypes as step
from workflow_lib.steps.compute_dissimilarity import compute_dissimilarity
from workflow_lib.steps.find_boundaries import find_boundaries
from workflow_lib.steps.make_prototypes import class_names, make_prototypes, unconverged
from workflow_lib.steps.tabulate_boundaries import tabulate_boundaries
from workflow_lib.steps.tabulate_prototypes import tabulate_prototypes

DESCENT = {"optimizer": "sgd", "lr": 0.1, "steps": 300, "loss": 0.1}
SPEC = NETWORK | {"descent": DESCENT, "initialisation": 0}
CLASSES = ["top", "middle", "bottom"]
GRIDS = [{"model": ["cnn"], "seed": [3], "interval": [100], "initialisation": [0, 1]}]
LAYERED = [{**GRIDS[0], "layer": ["head_input", "early"]}]
LAYERS = {"head_input": None, "early": {"module": "conv1", "pool": "max", "channels": None}}


@pytest.fixture(autouse=True)
def torch_settings():
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A dataset and a trained network."""
    folder = tmp_path_factory.mktemp("inputs")
    split = write_split(folder / "train.zarr.zip")
    return {
        "dataset": split,
        "checkpoint": trained(folder, split, training=TRAIN["training"] | {"epochs": 30}, stop_epoch=30),
    }


def made(folder, inputs, name="set", previous=None, **changes):
    path = folder / f"{name}.zarr.zip"
    runtime = context(folder, f"{name}-scratch")
    make_prototypes(spec=SPEC | changes, **inputs, previous=previous, prototypes=path, context=runtime)
    return path


def test_a_set_of_prototypes_as_stored(tmp_path, inputs):
    store = storage.load(made(tmp_path, inputs))
    assert store["target"].values.tolist() == store["origin"].values.tolist() == CLASSES
    assert store["image"].dims == ("target", "origin", "channel", "y", "x")
    assert store["features"].shape == (3, 3, 16)
    assert store["converged"].values.all()
    assert (store["loss"].values < DESCENT["loss"]).all()
    assert (store["predicted"].values == np.arange(3)[:, None]).all()
    images = store["image"].values
    assert images.min() >= 0
    assert images.max() <= 1
    assert store.attrs["layer"] == "input of the last linear layer"
    assert "precision" not in store.attrs


def test_a_set_in_bfloat16_says_so_and_holds_float32(tmp_path, inputs):
    store = storage.load(made(tmp_path, inputs, descent=DESCENT | {"precision": "bfloat16"}))
    assert store.attrs["precision"] == "bfloat16"
    assert store["converged"].values.all()
    assert {store[name].dtype for name in ("image", "features", "loss", "trajectory_loss")} == {np.dtype("float32")}


def test_images_that_did_not_converge_are_counted_and_named(tmp_path, inputs, capsys):
    made(tmp_path, inputs)
    assert "converge" not in capsys.readouterr().err
    store = storage.load(made(tmp_path, inputs, "few-steps", descent=DESCENT | {"steps": 1}))
    assert not store["converged"].values.all()
    told = capsys.readouterr().err
    assert f"{(~store['converged'].values).sum()} of 9 images did not converge" in told
    found = np.array([[True, False, True], [False, False, True], [True, True, True]])
    lines = ["make_prototypes: 3 of 9 images did not converge", "to top from middle", "to middle from top, middle"]
    assert list(unconverged(found, CLASSES)) == lines


def test_a_killed_job_goes_on_and_ends_with_the_same_bytes(tmp_path, inputs, monkeypatch, capsys):
    whole = made(tmp_path, inputs, "whole").read_bytes()
    saved, resumed = [], []

    class KilledError(Exception):
        """Stands for the end of the process."""

    def killed(*arguments, save_state, **options):
        def save(state):
            save_state(state)
            saved.append(state)
            if len(saved) == 4:
                raise KilledError

        return make_matrix(*arguments, save_state=save, save_every=0, **options)

    def watched(*arguments, state, **options):
        resumed.append(state)
        return make_matrix(*arguments, state=state, **options)

    monkeypatch.setattr(step, "make_matrix", killed)
    with pytest.raises(KilledError):
        made(tmp_path, inputs, "resumed")
    monkeypatch.setattr(step, "make_matrix", watched)
    assert made(tmp_path, inputs, "resumed").read_bytes() == whole
    assert resumed[0].queued == saved[-1].queued
    assert f"goes on, {saved[-1].finished} of 9 images are done" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["state", "array", "missing array", "other threads"])
def test_what_a_kill_left_damaged_is_not_used(tmp_path, inputs, monkeypatch, damage):
    whole = made(tmp_path, inputs, "whole").read_bytes()
    monkeypatch.setattr(step, "make_matrix", lambda *_, save_state, **__: save_state(resumable.State(9, [0, 1, 2], {})))
    monkeypatch.setattr(step, "write", lambda *_: None)
    made(tmp_path, inputs, "resumed")
    monkeypatch.undo()
    scratch = tmp_path / "resumed-scratch"
    state = scratch / "state.pt"
    if damage == "state":
        state.write_bytes(state.read_bytes()[:-10])
    elif damage == "array":
        np.save(scratch / "image.npy", np.zeros(3))
    elif damage == "missing array":
        (scratch / "image.npy").unlink()
    else:
        monkeypatch.setattr(step, "configure", lambda device, threads: device)
        content = resumable.checkpoints.load(state)
        resumable.checkpoints.save(content | {"runtime": "cpu, threads: 7"}, state)
    assert made(tmp_path, inputs, "resumed").read_bytes() == whole


@pytest.mark.parametrize(
    ("error", "saved", "stays"),
    [
        (UserError(Problem("network", "nan", "is not finite", "train it")), True, False),
        (OSError(errno.ENOSPC, "No space left on device"), False, False),
        (OSError(errno.ENOSPC, "No space left on device"), True, True),
    ],
)
def test_after_a_failure_only_what_can_be_gone_on_with_stays(tmp_path, inputs, monkeypatch, error, saved, stays):
    def failing(*_, save_state, **__):
        if saved:
            save_state(resumable.State(9, [0, 1, 2], {}))
        raise error

    monkeypatch.setattr(step, "make_matrix", failing)
    with pytest.raises(type(error)):
        made(tmp_path, inputs, "failed")
    assert (tmp_path / "failed-scratch").exists() == stays


def test_a_disk_without_room_for_the_set_is_told_and_left_empty(tmp_path, inputs, monkeypatch):
    """As an error that can be caught: a memory map of a file with holes would end the process instead."""

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(resumable.np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="No space left"):
        made(tmp_path, inputs, "failed")
    assert not (tmp_path / "failed-scratch").exists()


def test_a_warm_start_begins_at_other_prototypes(tmp_path, inputs):
    cold = made(tmp_path, inputs, "cold")
    store = storage.load(made(tmp_path, inputs, "warm", previous=cold))
    assert (np.diagonal(store["steps"].values) == 0).all()
    assert np.array_equal(store["image"].values[1, 1], storage.load(cold)["image"].values[1, 1])


def test_an_output_without_a_class_has_a_number():
    assert class_names(("a", "b"), 2) == ["a", "b"]
    assert class_names(("a", "b"), 3) == ["output 0", "output 1", "output 2"]


def compared(folder, inputs, prototypes, layer="head_input", name="tensors"):
    """The store of a set at a layer."""
    path = folder / f"{name}-{layer}.zarr.zip"
    compute_dissimilarity(
        spec={"layer": LAYERS[layer]},
        prototypes=prototypes,
        checkpoint=inputs["checkpoint"] if LAYERS[layer] else None,
        dissimilarity=path,
        context=context(folder),
    )
    return path


def test_features_of_a_layer_are_those_of_the_network(tmp_path, inputs):
    prototypes = made(tmp_path, inputs)
    found = storage.load(compared(tmp_path, inputs, prototypes, "early"))
    network = restore(checkpoints.load(inputs["checkpoint"]))
    images = torch.from_numpy(storage.load(prototypes)["image"].values)
    maps = network.network.conv1(images.flatten(0, 1)).detach()  # without normalisation
    np.testing.assert_allclose(found["features"], maps.amax((2, 3)).reshape(3, 3, -1), rtol=1e-5, atol=1e-6)
    u = found["features"].values.astype(float)
    assert found["C"].values[0, 1, 2] == pytest.approx(cosine(u[0, 1], u[2, 1]))
    assert found["R"].values[0, 1, 2] == pytest.approx(cosine(u[0, 1], u[0, 2]))
    assert (found.attrs["layer"], found["converged"].values.all()) == ("conv1", True)


def test_features_of_the_head_are_those_stored_with_the_images(tmp_path, inputs):
    prototypes = made(tmp_path, inputs)
    found, kept = (storage.load(path) for path in (compared(tmp_path, inputs, prototypes), prototypes))
    np.testing.assert_array_equal(found["features"], kept["features"])
    assert found.attrs["layer"] == kept.attrs["layer"]


def test_a_network_without_a_known_head_has_sets_and_layers_but_no_features_of_the_head(tmp_path, inputs, monkeypatch):
    for module in ("workflow_lib.prototypes.frozen", "workflow_lib.models.layers"):
        monkeypatch.setattr(f"{module}.head_name", lambda *_: None)
    prototypes = made(tmp_path, inputs)
    assert storage.load(prototypes).attrs["layer"] == "logits"
    assert storage.load(prototypes)["features"].shape == (3, 3, 3)
    assert storage.load(compared(tmp_path, inputs, prototypes, "early"))["features"].shape == (3, 3, 8)
    with pytest.raises(UserError, match="head_input[\\s\\S]*cannot be told"):
        compared(tmp_path, inputs, prototypes)


@pytest.fixture
def sets(tmp_path, inputs):
    """Stores of two initialisations: prototypes, tensors of two layers, boundaries."""
    stores = {"prototypes": [], "dissimilarity": [], "boundaries": []}
    for number in (0, 1):
        prototypes = made(tmp_path, inputs, f"set-{number}", initialisation=number)
        boundaries = tmp_path / f"boundaries-{number}.zarr.zip"
        tensors = [compared(tmp_path, inputs, prototypes, layer, f"tensors-{number}") for layer in LAYERS]
        find_boundaries(
            spec=NETWORK | {"layer": None},
            checkpoint=inputs["checkpoint"],
            prototypes=prototypes,
            boundaries=boundaries,
            context=context(tmp_path),
        )
        for name, paths in zip(stores, ([prototypes], tensors, [boundaries]), strict=True):
            stores[name] += paths
    return stores


def features_with_predictions(path):
    labels = np.array([0, 1, 2, 2])
    values = {"features": (("sample", "feature"), np.zeros((4, 1), "float32"))}
    coords = {"label": ("sample", labels), "prediction": ("sample", np.array([0, 1, 2, 0]))}
    storage.save(xr.Dataset(values, coords), path)
    return path


def tabulated(folder, sets):
    """All tables of a study of two sets and two layers."""
    names = ("sets", "intervals", "tests", "pairs", "histograms", "quality", "quality_trend")
    places = {name: folder / f"{name}.csv" for name in names}
    tabulate_prototypes(
        spec={"grids": LAYERED, "include_self": False, "unconverged": "leave_out"},
        prototypes=sets["prototypes"],
        dissimilarity=sets["dissimilarity"],
        features=[features_with_predictions(folder / "features.zarr.zip")],
        **places,
    )
    return {name: pd.read_csv(path) for name, path in places.items()}


def test_each_layer_has_rows_of_its_own(tmp_path, sets):
    tables = tabulated(tmp_path, sets)
    assert list(tables["quality"])[:6] == [*OF_LAYER, "m_g"]
    assert tables["quality"]["layer"].tolist() == ["head_input", "early"] * 2
    for name in ("intervals", "pairs", "histograms", "quality_trend"):
        assert tables[name]["layer"].unique().tolist() == ["head_input", "early"]
    own = {name: table[table["layer"] == "early"] for name, table in tables.items()}
    stores = [storage.load(path) for path in sets["dissimilarity"][1::2]]
    features = [store["features"].values for store in stores]
    m_g = [np.mean([cosine(f[a, a], f[b, b]) for a, b in [(0, 1), (0, 2), (1, 2)]]) for f in features]
    assert own["quality"]["m_g"].to_numpy() == pytest.approx(m_g, abs=1e-6)
    for tensor in "CR":
        means = [store[tensor].values.sum() / 18 for store in stores]
        assert own["quality"][tensor].to_numpy() == pytest.approx(means)
        found = own["intervals"].query(f"tensor == '{tensor}' and not include_self")["mean"].item()
        assert found == pytest.approx(np.mean(means))


def test_tables_of_a_study(tmp_path, sets):
    tables = {name: table[table["layer"] == "head_input"] for name, table in tabulated(tmp_path, sets).items()}
    f = [storage.load(path)["features"].values for path in sets["prototypes"]]
    c = [
        [cosine(f[i][k, j], f[i][m, j]) for j in range(3) for k in range(3) for m in range(3) if m != k] for i in (0, 1)
    ]
    found = tables["sets"].query("tensor == 'C' and not include_self")
    assert found["mean"].to_numpy() == pytest.approx([np.mean(c[0]), np.mean(c[1])], abs=1e-6)
    assert found["count"].tolist() == [18, 18]
    whole, with_self = [tables["intervals"].query(f"tensor == 'C' and include_self == {own}") for own in (False, True)]
    assert with_self["mean"].item() == pytest.approx(whole["mean"].item() * 2 / 3)  # docs/science.md 2.4: (n - 1) / n
    whole = whole.iloc[0]
    assert whole["mean"] == pytest.approx(np.mean(c), abs=1e-6)
    assert whole["spread_initialisations"] == pytest.approx(abs(np.mean(c[0]) - np.mean(c[1])) / 2**0.5, abs=1e-6)
    assert tables["quality"]["accuracy"].tolist() == [0.75, 0.75]
    assert tables["tests"].loc[0, "C"] == pytest.approx(np.mean(c), abs=1e-6)
    assert tables["histograms"].query("tensor == 'C'")["count"].sum() == 36
    assert (tables["pairs"]["class_a"] != tables["pairs"]["class_b"]).all()
    assert len(tables["pairs"]) == 2 * 6


@pytest.mark.parametrize("unconverged", ["leave_out", "keep"])
def test_class_prototypes_that_did_not_converge_are_left_out_of_the_separation(sets, unconverged):
    images = storage.load(sets["prototypes"][0]).load()
    images["converged"][2, 2] = False
    point = dict.fromkeys(OF_LAYER, 0)
    f = np.diagonal(images["features"].values).T
    pairs = [(0, 1), (0, 2), (1, 2)] if unconverged == "keep" else [(0, 1)]
    selection, tensors = Selection(unconverged=unconverged), storage.load(sets["dissimilarity"][0])
    row = prototype_tables([point], [images], [tensors], selection)["quality"].iloc[0]
    assert row["class_prototypes"] == (3 if unconverged == "keep" else 2)
    assert row["m_g"] == pytest.approx(np.mean([cosine(f[a], f[b]) for a, b in pairs]), abs=1e-6)
    images["converged"][1, 1] = False
    row = prototype_tables([point], [images], [tensors], selection)["quality"].iloc[0]
    assert np.isnan(row["m_g"]) == (unconverged == "leave_out")


def test_boundaries_say_whether_both_ends_of_the_way_converged(sets):
    boundaries, images = storage.load(sets["boundaries"][0]), storage.load(sets["dissimilarity"][0]).load()
    images["converged"][2, 2] = images["converged"][0, 1] = False
    table = boundary_table([dict.fromkeys(POINT, 0)], [(boundaries, images)])
    missed = table[~table["converged"]]
    found = set(zip(missed["route"], missed["origin"], missed["target"], strict=True))
    lines = {("line", a, b) for a in CLASSES for b in CLASSES if a != b and "bottom" in (a, b)}
    assert found == lines | {("path", "bottom", "top"), ("path", "bottom", "middle"), ("path", "middle", "top")}


def test_tables_of_boundaries(tmp_path, sets):
    places = {"table": tmp_path / "images.csv", "intervals": tmp_path / "moves.csv"}
    spec = {"grids": GRIDS, "unconverged": "keep"}
    tabulate_boundaries(spec=spec, boundaries=sets["boundaries"], features=sets["dissimilarity"][::2], **places)
    table, moves = pd.read_csv(places["table"]), pd.read_csv(places["intervals"])
    assert len(table) == 2 * 2 * 6
    assert table["found"].any()
    row = table[table["found"] & (table["route"] == "line") & (table["initialisation"] == 1)].iloc[0]
    target, origin = CLASSES.index(row["target"]), CLASSES.index(row["origin"])
    store, prototypes = storage.load(sets["boundaries"][1]), storage.load(sets["prototypes"][1])["features"].values
    own = store["features"].sel(route="line").values[target, origin]
    assert row["dissimilarity_to_origin"] == pytest.approx(cosine(own, prototypes[origin, origin]), abs=1e-6)
    assert row["dissimilarity_to_target"] == pytest.approx(cosine(own, prototypes[target, target]), abs=1e-6)
    assert table.loc[table["found"], "difference"].abs().max() <= 1e-4
    assert moves["n"].tolist() == [12, 12]
    lines = table[table["route"] == "line"]
    assert moves.set_index("route").loc["line", "share_mean"] == pytest.approx(lines["share"].mean())


def test_boundaries_whose_ends_did_not_converge_count_if_kept():
    table = pd.DataFrame(
        {
            "model": "net",
            "interval": 100,
            "route": ["line", "line", "line", "path"],
            "converged": [True, True, False, False],
            "found": [True, False, True, True],
            "share": [0.2, np.nan, 0.6, 0.7],
            "dissimilarity_to_origin": [0.3, np.nan, 0.5, 0.1],
            "dissimilarity_to_target": [0.4, np.nan, 0.8, 0.2],
        }
    )
    numbers = ["share_mean", "share_std", "to_origin_mean", "to_target_mean", "found", "n"]
    left_out = boundary_intervals(table, "leave_out").set_index("route")[numbers]
    np.testing.assert_allclose(left_out.loc["line"], [0.2, 0, 0.3, 0.4, 1 / 2, 2])
    np.testing.assert_allclose(left_out.loc["path"], [*[np.nan] * 5, 0])
    kept = boundary_intervals(table, "keep").set_index("route")[numbers]
    np.testing.assert_allclose(kept.loc["line"], [0.4, 0.2, 0.4, 0.6, 2 / 3, 3])
    np.testing.assert_allclose(kept.loc["path"], [0.7, 0, 0.1, 0.2, 1, 1])


def test_features_of_zeros_are_named(tmp_path, inputs):
    path = made(tmp_path, inputs)
    store = storage.load(path).load()
    store["features"][2, 0] = 0
    storage.save(store, Path(tmp_path / "zeros.zarr.zip"))
    with pytest.raises(UserError, match="target bottom, origin top"):
        compared(tmp_path, inputs, tmp_path / "zeros.zarr.zip")
