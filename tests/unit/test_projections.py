"""Maps: what they must keep, that they are reproducible, and that awkward features do no harm."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from workflow_lib.errors import UserError
from workflow_lib.kstar.projections import METHODS, principal_components, project

GENERATOR = np.random.default_rng(0)


def blobs(n=120, d=60, classes=4, spread=0.3):
    labels = np.arange(n) % classes
    centres = np.random.default_rng(1).normal(size=(classes, d))
    return (centres[labels] + spread * np.random.default_rng(2).normal(size=(n, d))).astype("float32"), labels


def share_beside_their_like(points, labels):
    nearest = NearestNeighbors(n_neighbors=1).fit(points).kneighbors(return_distance=False)[:, 0]
    return (labels[nearest] == labels).mean()


@pytest.mark.parametrize("method", METHODS)
def test_separate_classes_stay_separate_and_shuffled_ones_do_not(method):
    features, labels = blobs()
    points = project(features, method, 0)
    threshold = 0.95
    assert points.shape == (120, 2)
    assert points.dtype == np.float64
    assert share_beside_their_like(points, labels) > threshold
    assert share_beside_their_like(points, GENERATOR.permutation(labels)) < threshold


@pytest.mark.parametrize("method", METHODS)
def test_equal_seeds_give_equal_maps(method):
    features, _ = blobs(n=40)
    first = project(features, method, 5)
    np.testing.assert_array_equal(first, project(features, method, 5))
    assert (method in ("tsne", "umap")) == (not np.array_equal(first, project(features, method, 6)))


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_another_process_with_one_thread_draws_the_same_map(method):
    features = np.random.default_rng(0).normal(size=(150, 70))
    code = (
        "import hashlib, numpy as np; from workflow_lib.kstar.projections import project;"
        "x = np.random.default_rng(0).normal(size=(150, 70));"
        f"print(hashlib.sha256(project(x, '{method}', 0).tobytes()).hexdigest())"
    )
    environment = {**os.environ, **{f"{kind}_NUM_THREADS": "1" for kind in ("OMP", "OPENBLAS", "NUMBA")}}
    other = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == hashlib.sha256(project(features, method, 0).tobytes()).hexdigest()


@pytest.mark.parametrize(("n", "d"), [(50, 8), (12, 30), (20, 20)])
def test_components_are_those_of_scikit_learn_up_to_sign(n, d):
    features = GENERATOR.normal(size=(n, d)) * np.linspace(3, 1, d)
    centred = features - features.mean(axis=0)
    ours, theirs = principal_components(centred, 4), PCA(4, svd_solver="full").fit_transform(features)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-8)
    assert (ours.max(axis=0) >= -ours.min(axis=0)).all()


def test_missing_components_are_zero():
    assert (principal_components(np.array([[1.0], [-1.0], [0.0]]), 3)[:, 1:] == 0).all()


def test_permuted_samples_give_a_permuted_pca():
    features, _ = blobs(n=60)
    order = GENERATOR.permutation(60)
    np.testing.assert_allclose(project(features, "pca", 0)[order], project(features[order], "pca", 0), atol=1e-6)


def test_isomap_unrolls_a_spiral_which_pca_cannot():
    turn = np.linspace(1.5 * np.pi, 4.5 * np.pi, 400)
    spiral = np.column_stack([turn * np.cos(turn), turn * np.sin(turn), np.zeros_like(turn)])

    def disorder(method):
        steps = np.diff(project(spiral, method, 0)[:, 0])
        return min((steps <= 0).mean(), (steps >= 0).mean())

    assert disorder("isomap") == 0
    assert disorder("pca") > 0.3


AWKWARD = {
    "five samples": GENERATOR.normal(size=(5, 3)),
    "one feature": GENERATOR.normal(size=(12, 1)),
    "more features than samples": GENERATOR.normal(size=(6, 80)),
    "far pieces": np.vstack([GENERATOR.normal(size=(12, 3)), GENERATOR.normal(size=(12, 3)) + 1e4]),
    "many duplicates": np.repeat(GENERATOR.normal(size=(4, 3)), 6, axis=0),
    "offset": GENERATOR.normal(size=(10, 3)) + 1e8,
    "tiny": GENERATOR.normal(size=(10, 3)) * 1e-30,
    "huge": GENERATOR.normal(size=(10, 3)) * 1e30,
    "whole numbers": GENERATOR.integers(0, 3, size=(20, 4)),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", AWKWARD)
def test_awkward_features_give_a_finite_map_without_a_warning(case, method):
    points = project(AWKWARD[case], method, 0)
    assert np.isfinite(points).all()
    assert points.std() > 0


@pytest.mark.parametrize("method", METHODS)
def test_samples_that_all_coincide_lie_at_the_origin(method):
    assert (project(np.full((8, 3), 0.1), method, 0) == 0).all()


def test_unknown_method_and_too_few_samples_are_named():
    with pytest.raises(UserError, match=r"lda\s+must be one of tsne, isomap, pca, umap"):
        project(np.zeros((9, 2)), "lda", 0)
    with pytest.raises(UserError, match="4 samples"):
        project(np.zeros((4, 2)), "pca", 0)
