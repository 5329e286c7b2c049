"""The map keeps neighbours together, is repeatable, and exists for any number of vectors."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from comus_core.clustering.projection import project
from comus_core.errors import SettingsError

METHODS = pytest.mark.parametrize("method", ["tsne", "umap", "pca"])


def three_groups(n: int = 90) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    group = rng.permutation(np.arange(n) % 3)
    return (rng.normal(size=(3, 64))[group] + 0.1 * rng.normal(size=(n, 64))).astype(np.float32), group


@METHODS
@pytest.mark.filterwarnings("ignore")
def test_groups_of_vectors_stay_groups_on_the_map_and_the_map_is_repeatable(method):
    vectors, group = three_groups()
    flat = project(vectors, method, seed=3)
    assert flat.shape == (90, 2)
    assert flat.dtype == np.float32
    nearest = NearestNeighbors(n_neighbors=6).fit(flat).kneighbors(return_distance=False)
    assert (group[nearest] == group[:, None]).mean() > 0.95
    assert flat.tobytes() == project(vectors, method, seed=3).tobytes()


@METHODS
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("n", [5, 6, 17])
def test_a_handful_of_vectors_gets_finite_distinct_places(method, n):
    flat = project(three_groups(n)[0], method, seed=0)
    assert np.isfinite(flat).all()
    assert len(np.unique(flat, axis=0)) == n


@METHODS
def test_fewer_than_five_distinct_vectors_keep_their_distances_as_far_as_the_plane_can(method):
    points = np.array([[0, 0, 7], [3, 0, 7], [0, 4, 7]], np.float32)[[0, 1, 2, 1, 1, 0]]
    flat = project(points, method, seed=0)
    distances = [np.linalg.norm(p[:, None] - p[None], axis=2) for p in (points, flat)]
    np.testing.assert_allclose(distances[0], distances[1], atol=1e-5)


@METHODS
def test_two_vectors_lie_on_a_line_and_identical_ones_at_the_origin(method):
    two = project(np.array([[0, 0], [6, 8]], np.float32), method, seed=0)
    np.testing.assert_allclose(np.abs(two), [[5, 0], [5, 0]], atol=1e-6)
    np.testing.assert_array_equal(project(np.ones((40, 3), np.float32), method, seed=0), np.zeros((40, 2)))
    np.testing.assert_array_equal(project(np.ones((1, 3), np.float32), method, seed=0), [[0, 0]])
    assert project(np.ones((0, 3), np.float32), method, seed=0).shape == (0, 2)


@METHODS
@pytest.mark.filterwarnings("ignore")
def test_many_duplicates_of_few_vectors_get_finite_places(method):
    points = np.repeat(three_groups(6)[0], 10, axis=0)
    assert np.isfinite(project(points, method, seed=0)).all()


def test_an_unknown_method_and_nan_vectors_are_refused():
    with pytest.raises(SettingsError, match=r"'mds'.*tsne, umap, pca"):
        project(np.ones((9, 3), np.float32), "mds", seed=0)
    with pytest.raises(SettingsError, match="9 of 9 rows"):
        project(np.full((9, 3), np.inf, np.float32), "tsne", seed=0)


@pytest.mark.filterwarnings("ignore")
def test_what_umap_compiles_is_kept_for_the_next_process():
    from umap import umap_

    project(three_groups()[0], "umap", seed=0)
    slow = (umap_.fast_knn_indices, umap_.smooth_knn_dist, umap_.compute_membership_strengths)
    for function in slow:
        stats = function.stats
        assert stats.cache_path and sum(stats.cache_hits.values()) + sum(stats.cache_misses.values()) == 1


def test_importing_the_projection_imports_no_torch_umap_or_scikit_learn():
    code = (
        "import sys, comus_core.clustering.projection; sys.exit(bool({'torch', 'umap', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("n", [90, 700, 40_000])  # by singular values, by the covariance, in several parts
def test_the_two_principal_components_are_those_of_scikit_learn_signs_included(n):
    rng = np.random.default_rng(1)
    vectors = (rng.normal(size=(n, 24)) * np.linspace(3, 0.5, 24) + rng.normal(size=24) * 5).astype(np.float32)
    expected = PCA(2, svd_solver="full").fit_transform(vectors.astype(np.float64))
    np.testing.assert_allclose(project(vectors, "pca", seed=0), expected, rtol=1e-5, atol=1e-5)
    assert project(vectors, "pca", seed=0).tobytes() == project(vectors, "pca", seed=9).tobytes()
