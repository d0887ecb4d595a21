"""C and R: by hand, against triple loops, in blocks; what they refuse; the quality M_g."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.spatial.distance import cosine

from workflow_lib.dissimilarity import quality, stream, tensors
from workflow_lib.errors import UserError

NAMES = ["cat", "dog", "eel", "fox"]


def features(n, d=5, seed=0):
    return np.random.default_rng(seed).standard_normal((n, n, d))


def triple_loop(f):
    """C and R as docs/science.md 2.4 writes them, entry by entry."""
    n = len(f)
    C, R = np.zeros((2, n, n, n))
    for k, j, m in np.ndindex(n, n, n):
        C[k, j, m] = cosine(f[k, j], f[m, j])
        R[k, j, m] = cosine(f[k, j], f[k, m])
    return C, R


def assemble(blocks):
    """Whole tensors from blocks."""
    n = blocks.classes
    C, R = np.full((2, n, n, n), np.nan)
    for block in blocks:
        held = slice(block.start, block.start + len(block.values))
        if block.tensor == "C":
            C[:, held] = block.values.swapaxes(0, 1)
        else:
            R[held] = block.values
    return C, R


def test_by_hand_with_two_classes():
    # f[target, origin]: the origin-0 pair is at 90 degrees, the origin-1 pair opposite; target 0 at 45, target 1 at 45
    f = np.array([[[2, 0], [3, 3]], [[0, 5], [-1, -1]]])
    C, R = tensors(f)
    slant = np.sqrt(0.5)
    np.testing.assert_allclose(C, [[[0, 1], [0, 2]], [[1, 0], [2, 0]]], rtol=0, atol=1e-15)
    np.testing.assert_allclose(R[0], [[0, 1 - slant], [1 - slant, 0]], rtol=0, atol=1e-15)
    np.testing.assert_allclose(R[1], [[0, 1 + slant], [1 + slant, 0]], rtol=0, atol=1e-15)
    assert C.dtype == R.dtype == np.float64


@pytest.mark.parametrize(("n", "d"), [(1, 3), (2, 1), (3, 7), (6, 40)])
def test_equals_a_triple_loop(n, d):
    for found, expected in zip(tensors(features(n, d)), triple_loop(features(n, d)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_c_and_r_are_not_each_other():
    f = features(4)
    C, R = tensors(f)
    assert np.abs(C - R).max() > 0.1
    C_of_transposed, R_of_transposed = tensors(f.swapaxes(0, 1))  # targets for origins: C[k, j, m] becomes R[j, k, m]
    np.testing.assert_allclose(C_of_transposed, R.swapaxes(0, 1), rtol=0, atol=1e-12)
    np.testing.assert_allclose(R_of_transposed, C.swapaxes(0, 1), rtol=0, atol=1e-12)


def test_self_entries_are_exactly_zero_and_others_symmetric_and_in_range():
    C, R = tensors(features(7))
    assert not np.einsum("kjk->kj", C).any()
    assert not np.einsum("kjj->kj", R).any()
    np.testing.assert_allclose(C, C.transpose(2, 1, 0), rtol=0, atol=1e-15)
    np.testing.assert_allclose(R, R.transpose(0, 2, 1), rtol=0, atol=1e-15)
    assert min(C.min(), R.min()) == 0
    assert max(C.max(), R.max()) <= 2


def test_opposite_and_equal_vectors_stay_within_bounds():
    f = np.repeat(features(1, 300), 36).reshape(300, 6, 6).T.copy()
    f[::2] *= -3
    for tensor in tensors(f):
        assert tensor.min() == 0
        assert tensor.max() <= 2
        assert np.all((tensor < 1e-15) | (tensor > 2 - 1e-15))


def test_permuting_the_classes_permutes_the_tensors():
    f, order = features(9), np.random.default_rng(1).permutation(9)
    for found, before in zip(tensors(f[np.ix_(order, order)]), tensors(f), strict=True):
        np.testing.assert_allclose(found, before[np.ix_(order, order, order)], rtol=0, atol=1e-12)


def test_a_class_that_is_another_ones_double_is_not_apart_from_it():
    f = features(5)
    f[1], f[:, 1] = f[0], f[:, 0]
    f[1, 1] = f[0, 0]
    C, R = tensors(f)
    assert np.abs(C[0, :, 1]).max() < 1e-15
    assert np.abs(R[:, 0, 1]).max() < 1e-15
    np.testing.assert_allclose(C[0], C[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("length", [1e-300, 1e-40, 1e30, 1e300])
def test_lengths_do_not_matter_even_where_squares_overflow(length):
    scales = np.where(np.arange(16).reshape(4, 4, 1) % 2, length, 1)
    for found, expected in zip(tensors(features(4) * scales), tensors(features(4)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("length", [1e-40, 1e-30, 1e30])
def test_lengths_of_float32_vectors_do_no_harm(length):
    whole = np.random.default_rng(0).integers(0, 100, (4, 4, 5))
    whole[..., 0] += 1
    scaled = (whole * length).astype(np.float32)
    for found, expected in zip(tensors(scaled), tensors(scaled.astype(float)), strict=True):
        assert found == pytest.approx(expected, abs=1e-14)
    assert tensors(scaled)[0] == pytest.approx(tensors(whole)[0], abs=1e-3)  # as float32 has few digits at 1e-40


@pytest.mark.parametrize("dtype", ["float16", "float32", "int64", "uint8", "bool"])
def test_any_real_type_is_taken_at_its_value(dtype):
    f = np.round(100 * np.abs(features(4))).clip(1, 255).astype(dtype)
    for found, expected in zip(tensors(f), triple_loop(f.astype(float)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_near_identical_prototypes_need_float64():
    rng = np.random.default_rng(0)
    f = rng.random((3, 3, 512)) + 1e-5 * rng.standard_normal((3, 3, 512))
    f[:] = f[0, 0] + 1e-5 * rng.standard_normal((3, 3, 512))
    expected = triple_loop(f)[0]
    assert 0 < expected.max() < 1e-9
    np.testing.assert_allclose(tensors(f)[0], expected, rtol=0, atol=1e-15)
    single = (f / np.linalg.norm(f, axis=-1, keepdims=True)).astype(np.float32)
    assert np.abs(1 - np.einsum("kjd,mjd->kjm", single, single) - expected).max() > expected.max()


def test_input_is_left_alone_and_any_memory_layout_will_do():
    f = features(5)
    before = f.copy()
    expected = tensors(f)
    np.testing.assert_array_equal(f, before)
    for same in (np.asfortranarray(f), np.repeat(f, 2, axis=2)[:, :, ::2], f.tolist()):
        np.testing.assert_array_equal(tensors(same), expected)


@pytest.mark.parametrize("block", [1, 3, 7, 50, None])
def test_blocks_hold_what_the_tensors_hold(block):
    f = features(7, 30)
    np.testing.assert_array_equal(assemble(stream(f, block)), tensors(f))


def test_blocks_can_be_gone_through_twice_and_come_in_order():
    blocks = stream(features(7), 3)
    seen = [(b.tensor, b.start, len(b.values)) for b in blocks]
    assert seen == [("C", 0, 3), ("C", 3, 3), ("C", 6, 1), ("R", 0, 3), ("R", 3, 3), ("R", 6, 1)]
    assert [(b.tensor, b.start, len(b.values)) for b in blocks] == seen


class Sliced:
    """Features that are read in slices only, and say how many classes were asked for at once."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.most = array, array.shape, array.dtype, 0

    def __getitem__(self, key):
        part = self.array[key]
        self.most = max(self.most, min(part.shape[:2]))
        return part


def test_a_lazily_read_array_is_never_read_whole(tmp_path):
    f = features(12, 4)
    lazy = Sliced(f)
    np.testing.assert_array_equal(assemble(stream(lazy, 2)), tensors(f))
    assert lazy.most == 2
    np.save(tmp_path / "f.npy", f)
    mapped = np.load(tmp_path / "f.npy", mmap_mode="r")
    np.testing.assert_array_equal(assemble(stream(mapped, 5)), tensors(f))


def spoiled(value, *entries):
    f = features(4)
    for target, origin in entries:
        f[target, origin] = value
    return f


@pytest.mark.parametrize("make", [tensors, stream])
@pytest.mark.parametrize(
    ("given", "words"),
    [
        (spoiled(0, (2, 1)), ["target eel, origin dog", "zeros"]),
        (spoiled(0, (0, 3), (3, 3)), ["target cat, origin fox; target fox, origin fox"]),
        (spoiled(np.nan, (1, 0)), ["target dog, origin cat", "finite"]),
        (spoiled(-np.inf, (1, 0)), ["target dog, origin cat", "finite"]),
        (np.zeros((4, 4, 2), dtype="uint8"), ["16 in all", "zeros"]),
        (features(4)[:3], ["(3, 4, 5)", "(n, n, d)"]),
        (features(4)[0], ["(4, 5)"]),
        (np.float64(1), ["()"]),
        (features(4)[:, :, :0], ["(4, 4, 0)"]),
        (features(4)[:0, :0], ["(0, 0, 5)"]),
        (features(4) * 1j, ["complex128"]),
        (features(3), ["4 names, 3 classes"]),
    ],
)
def test_an_error_names_what_was_found(make, given, words):
    with pytest.raises(UserError) as error:
        make(given, names=NAMES)
    assert [word for word in words if word not in str(error.value)] == []


def test_problems_come_together_and_classes_without_names_are_numbered():
    f = spoiled(0, (2, 1))
    f[3, 0, 2] = np.inf
    with pytest.raises(UserError) as error:
        tensors(f)
    assert [problem.value for problem in error.value.problems] == ["target 3, origin 0", "target 2, origin 1"]


def test_one_feature_that_is_zero_is_no_error():
    f = features(4)
    f[:, :, 0] = 0
    assert np.isfinite(tensors(f)).all()


def test_quality_by_hand():
    # cosines of the three pairs: 0, sqrt(1/2), sqrt(1/2)
    found = quality([[1, 0], [0, 4], [2, 2]])
    mean = 2 * np.sqrt(0.5) / 3
    assert found.off_diagonal == pytest.approx(1 - mean, abs=1e-15)
    assert found.zero_diagonal == pytest.approx(1 - mean * 6 / 9, abs=1e-15)


def test_quality_in_the_authors_words_is_a_mean_over_a_matrix_with_zeros_on_its_diagonal():
    f = np.abs(features(8, 20)[0])
    similarity = np.array([[1 - cosine(a, b) for b in f] for a in f]) * (1 - np.eye(8))
    found = quality(f)
    assert found.zero_diagonal == pytest.approx(1 - similarity.mean(), abs=1e-12)
    assert found.off_diagonal == pytest.approx(1 - similarity.sum() / 56, abs=1e-12)
    assert found.zero_diagonal > found.off_diagonal


def test_quality_tells_orthogonal_from_equal_prototypes():
    assert quality(np.eye(5)).off_diagonal == quality(np.eye(5)).zero_diagonal == 1
    assert quality(np.ones((5, 3))).off_diagonal == pytest.approx(0, abs=1e-15)
    assert quality(np.ones((5, 3))).zero_diagonal == pytest.approx(0.2, abs=1e-15)
    alone = quality(np.ones((1, 3)))
    assert np.isnan(alone.off_diagonal)
    assert alone.zero_diagonal == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.eye(4) * [1, 0, 1, 1], ["class prototype dog", "zeros"]),
        (np.diag([np.nan, 1, 1, np.inf]), ["class prototype cat; class prototype fox", "finite"]),
        (features(4), ["(4, 4, 5)"]),
    ],
)
def test_quality_refuses_what_has_no_direction(given, words):
    with pytest.raises(UserError) as error:
        quality(given, NAMES)
    assert [word for word in words if word not in str(error.value)] == []


def test_the_tensors_load_nothing_heavy():
    script = (
        "import sys, workflow_lib.dissimilarity as d; d.tensors; d.stream;"
        "heavy = {'torch', 'pandas', 'xarray', 'zarr', 'scipy.stats'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
