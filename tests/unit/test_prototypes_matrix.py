import numpy as np
import pytest
import torch
from prototypes_cases import CLASSES, SHAPE, linear, noise, one_by_one, quick, trained

from workflow_lib.errors import UserError
from workflow_lib.io import checkpoints
from workflow_lib.models.normalization import Classifier
from workflow_lib.prototypes import matrix
from workflow_lib.prototypes.batches import default_batch
from workflow_lib.prototypes.descent import Settings
from workflow_lib.prototypes.frozen import frozen
from workflow_lib.prototypes.matrix import State, layout, make_matrix, trajectory_steps

pytestmark = pytest.mark.usefixtures("one_thread")

LR = {"sgd": 0.02, "normalised_sgd": 0.1, "adam": 0.02}
SETTINGS = {name: Settings(name, lr, 40, 0.05) for name, lr in LR.items()}
REDUCED = {"bfloat16": Settings("adam", 0.02, 40, 0.05, "bfloat16")}
NAMES = ["circle", "line", "cross", "dot"]
STARTS = noise(CLASSES, seed=5)


def as_bytes(arrays):
    return {name: values.tobytes() for name, values in arrays.items()}


def close(found, expected, atol=1e-5):
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], atol=atol, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_set_equals_a_loop_over_single_images(name):
    found = make_matrix(quick(), STARTS, SETTINGS[name], batch=5)
    prototypes = [one_by_one(trained(), STARTS[k], k, SETTINGS[name])[0][-1] for k in range(CLASSES)]
    for target in range(CLASSES):
        for origin in range(CLASSES):
            start = STARTS[target] if target == origin else prototypes[origin]
            way, losses, _ = one_by_one(trained(), start, target, SETTINGS[name], origin)
            np.testing.assert_allclose(found["image"][target, origin], way[-1], atol=1e-5)
            np.testing.assert_allclose(found["loss"][target, origin], losses[-1], atol=1e-5)
            assert found["steps"][target, origin] == len(way) - 1
            with torch.no_grad():
                logits, features = frozen(trained(), None, SHAPE)(torch.from_numpy(way[-1][None]))
            np.testing.assert_allclose(found["features"][target, origin], features[0], atol=1e-4)
            assert found["predicted"][target, origin] == logits.argmax()
    assert np.isnan(found["crossing"][np.diag_indices(CLASSES)]).all()
    assert found["converged"].all()
    assert len(set(found["steps"].ravel())) > 4


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_the_size_of_the_batch_does_not_matter(batch):
    close(make_matrix(quick(), STARTS, SETTINGS["sgd"], batch=batch), make_matrix(quick(), STARTS, SETTINGS["sgd"]))


def test_the_order_of_the_classes_does_not_matter():
    order = np.array([2, 0, 3, 1])
    expected = make_matrix(quick(), STARTS, SETTINGS["sgd"], batch=3)
    other = frozen(trained(), None, SHAPE)
    head = other.network.network[-1]
    head.weight.data, head.bias.data = head.weight.data[order], head.bias.data[order]
    found = make_matrix(other, STARTS[order], SETTINGS["sgd"], batch=3)
    assert (order[found["predicted"]] == expected["predicted"][np.ix_(order, order)]).all()
    for name in ("image", "steps", "length", "features", "crossing"):
        np.testing.assert_allclose(found[name], expected[name][np.ix_(order, order)], atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(found["trajectory"], expected["trajectory"][order], atol=1e-5)


class KilledError(Exception):
    pass


def killed_after(calls, arrays, folder):
    """A `save_state` that stores the state and all arrays, until the call that ends the run."""
    left = calls

    def save(state):
        nonlocal left
        left -= 1
        checkpoints.save(vars(state), folder / "state.pt")
        np.savez(folder / "arrays.npz", **arrays)
        if left < 0:
            raise KilledError

    return save


def interrupted(settings, calls, folder):
    """The state and the arrays that a kill after `calls` steps leaves."""
    arrays = {name: array.empty() for name, array in layout(CLASSES, quick(), settings).items()}
    with pytest.raises(KilledError):
        make_matrix(
            quick(),
            STARTS,
            settings,
            arrays=arrays,
            batch=5,
            save_every=0,
            save_state=killed_after(calls, arrays, folder),
        )
    return State(**checkpoints.load(folder / "state.pt")), dict(np.load(folder / "arrays.npz"))


@pytest.mark.parametrize("name", SETTINGS | REDUCED)
@pytest.mark.parametrize("calls", [0, 1, 6, 13, 19, 26])
def test_an_interrupted_run_ends_with_the_same_bytes(name, calls, tmp_path):
    settings = (SETTINGS | REDUCED)[name]
    whole = as_bytes(make_matrix(quick(), STARTS, settings, batch=5))
    state, arrays = interrupted(settings, calls, tmp_path)
    assert state.origins != sorted(state.origins) or calls < 13, "an order that says nothing"
    assert state.queued - len(state.live["entry"]) < CLASSES**2
    assert as_bytes(make_matrix(quick(), STARTS, settings, arrays=arrays, batch=5, state=state)) == whole


def test_what_finished_after_the_last_save_does_no_harm(tmp_path):
    state, _ = interrupted(SETTINGS["adam"], 9, tmp_path)
    whole = make_matrix(quick(), STARTS, SETTINGS["adam"], batch=5)
    arrays = {}
    for name, values in whole.items():
        arrays[name] = np.memmap(tmp_path / name, values.dtype, "w+", shape=values.shape)
        arrays[name][:] = values
    make_matrix(quick(), STARTS, SETTINGS["adam"], arrays=arrays, batch=5, state=state)
    assert as_bytes(arrays) == as_bytes(whole)


@pytest.mark.parametrize("lost", ["first", "steps", "before", "length"])
def test_every_part_of_the_state_counts(lost, tmp_path):
    state, arrays = interrupted(SETTINGS["adam"], 8, tmp_path)
    state.live[lost] = state.live[lost] * 0
    found = make_matrix(quick(), STARTS, SETTINGS["adam"], arrays=arrays, batch=5, state=state)
    assert as_bytes(found) != as_bytes(make_matrix(quick(), STARTS, SETTINGS["adam"], batch=5))


def test_a_warm_start_from_converged_prototypes_leaves_them_as_they_are():
    cold = make_matrix(quick(), STARTS, SETTINGS["sgd"])
    prototypes = cold["image"][range(CLASSES), range(CLASSES)]
    warm = make_matrix(quick(), prototypes, SETTINGS["sgd"])
    assert not np.diag(warm["steps"]).any()
    off = ~np.eye(CLASSES, dtype=bool)
    np.testing.assert_allclose(warm["image"], cold["image"], atol=1e-5)
    np.testing.assert_array_equal(warm["steps"][off], cold["steps"][off])


def test_the_way_of_a_prototype_goes_from_noise_to_the_end():
    settings = Settings("sgd", 0.008, 30, 0.05)
    found = make_matrix(quick(), STARTS, settings)
    assert len(set(np.diag(found["converged"]))) == 2, "some should reach the limit and some not"
    for k in range(CLASSES):
        way, losses, _ = one_by_one(trained(), STARTS[k], k, settings)
        end = len(way) - 1
        steps = sorted({step for step in (0, 1, 2, 4, 8, 16) if step < end} | {end})
        left = len(found["trajectory_step"][k]) - len(steps)
        assert found["trajectory_step"][k].tolist() == steps + [-1] * left
        np.testing.assert_allclose(found["trajectory"][k, : len(steps)], [way[step] for step in steps], atol=1e-5)
        np.testing.assert_allclose(
            found["trajectory_loss"][k, : len(steps)], [losses[step] for step in steps], atol=1e-5
        )
        np.testing.assert_allclose(found["trajectory_confidence"][k], np.exp(-found["trajectory_loss"][k]), rtol=1e-6)
        assert np.isnan(found["trajectory"][k, len(steps) :]).all()
    np.testing.assert_array_equal(found["trajectory"][:, 0], STARTS)


@pytest.mark.parametrize(
    ("limit", "steps"), [(0, [0]), (1, [0, 1]), (5, [0, 1, 2, 4, 5]), (8, [0, 1, 2, 4, 8]), (9, [0, 1, 2, 4, 8, 9])]
)
def test_steps_of_the_way(limit, steps):
    assert trajectory_steps(limit) == steps


def test_the_noise_of_a_class_depends_on_its_name_and_the_initialisation_alone():
    whole = matrix.noise(0, NAMES, SHAPE)
    np.testing.assert_array_equal(matrix.noise(0, ["dot", "line"], SHAPE), whole[[3, 1]])
    assert (matrix.noise(1, NAMES, SHAPE) != whole).mean() > 0.99
    assert (whole[0] != whole[1]).mean() > 0.99
    assert whole.dtype == np.float32
    many = matrix.noise(0, NAMES, (1, 100, 100))
    assert 0 <= many.min() < 0.01 < 0.99 < many.max() < 1
    np.testing.assert_allclose(many.mean((1, 2, 3)), 0.5, atol=0.01)


def test_a_loss_that_is_not_finite_names_the_image():
    broken = linear([[np.nan] * 72, [0.0] * 72], [0.0, 0.0], SHAPE)
    with pytest.raises(UserError, match="from class 0 to class 0 is not finite"):
        make_matrix(broken, STARTS[:2], Settings(steps=2))


def test_what_did_not_converge_is_kept_and_flagged():
    found = make_matrix(linear([[0.0] * 72] * 2, [1.0, 0.0], SHAPE), STARTS[:2], Settings("sgd", 1.0, 3, 0.4))
    np.testing.assert_array_equal(found["converged"], [[True, True], [False, False]])
    np.testing.assert_array_equal(found["predicted"], 0)
    np.testing.assert_array_equal(found["steps"], [[0, 0], [3, 3]])
    np.testing.assert_array_equal(found["image"], [[STARTS[0], STARTS[1]]] * 2)


def test_progress_counts_up_to_the_total():
    calls = []
    make_matrix(quick(), STARTS, SETTINGS["sgd"], batch=3, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (16, 16)
    assert calls == sorted(calls)


@pytest.mark.parametrize(("side", "batch"), [(8, 256), (32, 64), (64, 16), (224, 8)])
def test_the_batch_by_default(side, batch):
    network = linear([[0.0] * side**2] * 2, [0.0, 0.0], (1, side, side))
    assert isinstance(network.network, Classifier)
    assert default_batch(network, "cpu") == batch
