"""k-means against scikit-learn's Lloyd from the same starts, its invariants, and its restarts."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.cluster import KMeans

from comus_core.clustering.k_means import _Restart, k_means


def mixture(n: int, centres: int, noise: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(centres, 6))[rng.integers(0, centres, n)] + noise * rng.normal(size=(n, 6))).astype("f")


def test_a_run_from_one_start_ends_where_scikit_learn_s_ends():
    points = mixture(700, 9, 0.5)
    points -= points.mean(axis=0)
    run = _Restart(points, 9, (0, 0))
    theirs = KMeans(9, init=_Restart(points, 9, (0, 0))._start(), n_init=1).fit(points.astype(float))
    run.run()
    np.testing.assert_array_equal(run.labels, theirs.labels_)
    np.testing.assert_allclose(run.centres, theirs.cluster_centers_, atol=1e-5)
    np.testing.assert_allclose(run.inertia, theirs.inertia_, rtol=1e-5)


def test_the_inertia_of_ten_restarts_is_as_low_as_scikit_learn_s():
    points = mixture(900, 14, 0.35)
    ours = [k_means(points, 14, 10, seed)[2] for seed in range(5)]
    theirs = [KMeans(14, n_init=10, random_state=seed).fit(points.astype(float)).inertia_ for seed in range(5)]
    assert np.mean(ours) < 1.01 * np.mean(theirs)


def test_of_all_restarts_the_best_wins():
    points = mixture(300, 12, 0.7)
    inertias = [k_means(points, 12, restarts, seed=3)[2] for restarts in range(1, 11)]
    assert inertias == sorted(inertias, reverse=True)
    assert inertias[-1] < 0.999 * inertias[0]


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 30), st.integers(1, 3)), elements=st.integers(-3, 3)), st.data())
@settings(max_examples=80, deadline=None)
def test_every_point_is_with_its_nearest_centre_and_no_cluster_is_empty_without_need(points, choice):
    clusters = choice.draw(st.integers(1, len(points)))
    labels, centres, inertia = k_means(points, clusters, 2, seed=0)
    square = ((points[:, None].astype(float) - centres[None]) ** 2).sum(axis=2)
    own = square[np.arange(len(points)), labels]
    np.testing.assert_allclose(own, square.min(axis=1), atol=1e-9)
    np.testing.assert_allclose(inertia, own.sum(), atol=1e-9)
    assert len(set(labels.tolist())) == min(clusters, len(np.unique(points, axis=0)))


def test_shifted_scaled_and_tiny_points_are_grouped_alike():
    points = mixture(400, 5, 0.1)
    labels = k_means(points, 5, 3, seed=0)[0]
    for other in (points * np.float32(1e-20), points + np.float32(8), points * np.float32(1e15)):
        np.testing.assert_array_equal(k_means(other, 5, 3, seed=0)[0], labels)


def test_the_bytes_do_not_depend_on_the_number_of_threads(monkeypatch):
    points, found = mixture(3000, 8, 0.6), set()
    for count in ("1", "2", "5"):
        monkeypatch.setenv("OMP_NUM_THREADS", count)
        labels, centres, _ = k_means(points, 8, 4, seed=1)
        found.add(labels.tobytes() + centres.tobytes())
    assert len(found) == 1
