"""Landmarks: the rest joins as Nyström says, in blocks, and what is clear is found as if all had been clustered."""

import numpy as np
import pytest
from scipy.spatial.distance import cosine
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics import normalized_mutual_info_score as nmi

from comus_core.clustering import blocks, landmarks
from comus_core.clustering.assignment import assign_to_nearest
from comus_core.clustering.clusters import cluster
from comus_core.clustering.extension import nystrom
from comus_core.clustering.graph import normalise
from comus_core.clustering.landmarks import draw_landmarks, landmark_count
from comus_core.clustering.uncertainty import cluster_shapes, silhouette_beside, uncertainties
from comus_core.config import ClusteringSettings
from comus_core.errors import SettingsError
from tests.clustering.test_clusters import groups

SIZES = [500, 400, 300, 300, 250, 250]


def settings_of(count: int, **more: object) -> ClusteringSettings:
    return ClusteringSettings(**{"neighbours": 10, "features": "raw", "n_init": 3, "landmarks": count} | more)


@pytest.fixture(scope="module")
def joined():
    """Points in overlapping groups, and their clusters from a fifth of them as landmarks."""
    points, _ = groups(SIZES, noise=0.5)
    return points, cluster(points, settings_of(400), 6, seed=0)


def test_as_many_landmarks_as_points_change_nothing():
    points, _ = groups([90, 60, 60], noise=0.5)
    whole = cluster(points, settings_of(0), 4, seed=3)
    for count in (210, 5000):
        same = cluster(points, settings_of(count), 4, seed=3)
        assert same.landmarks is None
        for name in ("cluster", "distance", "embedding", "centres", "eigenvalues"):
            assert getattr(same, name).tobytes() == getattr(whole, name).tobytes()


@pytest.mark.parametrize("assignment", ["kmeans", "cluster_qr"])
def test_separate_groups_are_found_from_a_tenth_of_the_points(assignment):
    points, group = groups(SIZES)  # far apart: anything but these groups would be a fault
    found = cluster(points, settings_of(200, assignment=assignment, neighbours=6), 6, seed=0)
    assert adjusted_rand_score(group, found.cluster) == 1
    assert np.bincount(found.cluster).tolist() == sorted(SIZES, reverse=True)  # numbered by the sizes of all


def test_overlapping_groups_are_found_nearly_as_well_from_a_tenth(joined):
    points, group = groups(SIZES, noise=0.9)
    whole = nmi(group, cluster(points, settings_of(0), 6, seed=0).cluster)
    tenths = [nmi(group, cluster(points, settings_of(200), 6, seed=seed).cluster) for seed in range(3)]
    assert 0.5 < whole < 0.99  # neither trivial nor hopeless
    # Over 8 draws a tenth loses 0.012 on average, with a standard deviation of 0.007: four of these are allowed.
    assert min(tenths) > whole - 0.04


def test_a_row_is_the_nystrom_extension_and_the_cluster_what_the_nearest_landmarks_vote_for(joined):
    points, found = joined
    own = found.landmarks
    rest = np.setdiff1d(np.arange(len(points)), own)
    attached = np.flatnonzero(np.isin(own, found.attached_rows))
    expected = nystrom(points[rest], points[own], found.embedding[own], found.eigenvalues, 10, attached)
    np.testing.assert_allclose(found.embedding[rest], expected, rtol=1e-5, atol=1e-7)
    voted, _ = assign_to_nearest(points[rest], points[own], found.cluster[own])
    np.testing.assert_array_equal(found.cluster[rest], voted)
    distances = [cosine(row, found.centres[c]) for row, c in zip(found.embedding, found.cluster, strict=True)]
    np.testing.assert_allclose(found.distance, distances, atol=1e-6)


def test_landmarks_keep_what_they_have_alone_but_for_the_numbers(joined):
    points, found = joined
    alone = cluster(points[found.landmarks], settings_of(0), 6, seed=0)
    np.testing.assert_array_equal(found.embedding[found.landmarks], alone.embedding)
    np.testing.assert_array_equal(found.distance[found.landmarks], alone.distance)
    number = {(int(a), int(b)) for a, b in zip(alone.cluster, found.cluster[found.landmarks], strict=True)}
    assert len(number) == 6 == len(dict(number))
    for before, now in number:
        np.testing.assert_array_equal(alone.centres[before], found.centres[now])
    sizes = np.bincount(found.cluster).tolist()
    assert sizes == sorted(sizes, reverse=True) and sum(sizes) == len(points)
    for name, values in uncertainties(alone.embedding, alone.cluster, alone.graph).items():
        np.testing.assert_array_equal(found.measures[name][found.landmarks], values)


def test_what_the_filter_ranks_by_is_of_the_nearest_landmarks(joined):
    points, found = joined
    own = found.landmarks
    rest = np.setdiff1d(np.arange(len(points)), own)[::37]
    far = np.linalg.norm(points[rest][:, None].astype(float) - points[own], axis=2)
    near = own[np.argsort(far, axis=1, kind="stable")[:, :10]]
    other = (found.cluster[near] != found.cluster[rest][:, None]).mean(axis=1)
    np.testing.assert_allclose(found.measures["agreement"][rest], other, atol=1e-6)
    step = np.linalg.norm(found.embedding[near].astype(float) - found.embedding[rest][:, None], axis=2).mean(axis=1)
    np.testing.assert_allclose(found.measures["density"][rest], step, rtol=1e-5)
    square = np.square(found.embedding[rest][:, None].astype(float) - found.embedding[own][None]).sum(axis=2)
    mean = np.stack([square[:, found.cluster[own] == c].mean(axis=1) for c in range(6)], axis=1)
    inside = mean[np.arange(len(rest)), found.cluster[rest]]
    mean[np.arange(len(rest)), found.cluster[rest]] = np.inf
    value = (mean.min(axis=1) - inside) / np.maximum(mean.min(axis=1), inside)
    np.testing.assert_allclose(found.measures["silhouette"][rest], 1 - value, atol=1e-5)


def test_one_cluster_has_no_silhouette():
    rows = np.eye(3)
    assert silhouette_beside(rows, np.zeros(3, int), *cluster_shapes(rows, np.zeros(3, int))).tolist() == [0, 0, 0]


def test_identical_points_share_everything_also_with_a_landmark():
    points, _ = groups([200, 200, 200], noise=0.5)
    points = np.concatenate([points, points[:300], points[:50]])
    found = cluster(points, settings_of(150), 3, seed=1)
    for copies in (slice(600, 900), slice(900, 950)):
        of = slice(0, copies.stop - copies.start)
        np.testing.assert_array_equal(found.cluster[copies], found.cluster[of])
        np.testing.assert_array_equal(found.embedding[copies], found.embedding[of])


def test_what_is_identical_to_a_landmark_gets_all_from_it():
    points, _ = groups(SIZES, noise=0.9)
    points = np.concatenate([points, points[:700]])
    found = cluster(points, settings_of(500), 6, seed=1)
    first = {points[own].tobytes(): own for own in found.landmarks[::-1]}
    copies = np.setdiff1d([at for at, row in enumerate(points) if row.tobytes() in first], found.landmarks)
    own = [first[points[at].tobytes()] for at in copies]
    assert len(copies) > 100
    for values in (found.cluster, found.distance, found.embedding, *found.measures.values()):
        assert len(np.unique(values[own])) > 5
        np.testing.assert_array_equal(values[copies], values[own])


def test_neither_blocks_nor_threads_nor_a_file_change_a_bit(monkeypatch, tmp_path, joined):
    points, found = joined
    np.save(tmp_path / "vectors.npy", points)
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 97)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    again = cluster(np.load(tmp_path / "vectors.npy", mmap_mode="r"), settings_of(400), 6, seed=0)
    for name in ("cluster", "distance", "embedding", "centres"):
        assert getattr(again, name).tobytes() == getattr(found, name).tobytes()
    assert {name: values.tobytes() for name, values in again.measures.items()} == {
        name: values.tobytes() for name, values in found.measures.items()
    }


def test_more_clusters_merged_and_small_components_attached_work_with_landmarks():
    points, group = groups([400, 300, 300, 60], noise=0.3)
    found = cluster(points, settings_of(250, over_clusters=8, neighbours=5), 3, seed=0)
    assert set(found.cluster.tolist()) == {0, 1, 2} and len(found.centres) == 3
    assert set(found.attached_rows.tolist()) <= set(found.landmarks.tolist()) and len(found.attached_rows) > 0
    assert adjusted_rand_score(group[group < 3], found.cluster[group < 3]) == 1


def test_landmarks_are_drawn_by_the_seed_each_once():
    rows = draw_landmarks(1000, 100, seed=4)
    assert len(set(rows.tolist())) == 100 and (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, draw_landmarks(1000, 100, seed=4))
    assert not np.array_equal(rows, draw_landmarks(1000, 100, seed=5))


def test_above_the_stated_number_so_many_are_drawn(monkeypatch):
    assert landmark_count(1_000_000, settings_of(0), 20) == 1_000_000 == landmark_count(10**8, settings_of(0), 20)
    assert landmark_count(10**7, settings_of(5000), 20) == 5000
    assert landmark_count(10**7, settings_of(0, method="kmeans"), 20) == 10**7
    assert landmark_count(10**7, settings_of(0), 20, one_view=False) == 10**7
    points, _ = groups([150, 150], noise=0.3)
    monkeypatch.setattr(landmarks, "MOST_POINTS", 100)
    assert len(cluster(points, settings_of(0), 2, seed=0).landmarks) == 100
    assert len(cluster(points, settings_of(120), 2, seed=0).landmarks) == 120
    assert cluster(points, settings_of(300), 2, seed=0).landmarks is None


def test_too_few_landmarks_and_what_cannot_be_joined_are_told():
    points, _ = groups([100, 100], noise=0.3)
    with pytest.raises(SettingsError, match=r"landmarks 6: too few for 6 clusters.*clustering.landmarks"):
        cluster(points, settings_of(6), 6, seed=0)
    with pytest.raises(SettingsError, match="landmarks 20: too few for 30 clusters"):
        cluster(points, settings_of(20, over_clusters=30), 6, seed=0)
    few = np.repeat(points[:3], 70, axis=0)
    with pytest.raises(SettingsError, match=r"no more than 3 of 100 landmarks are distinct.*clustering.landmarks"):
        cluster(few, settings_of(100), 3, seed=0)
    row = int(np.setdiff1d(np.arange(200), draw_landmarks(200, 50, seed=0))[-1])
    bad = points.copy()
    bad[row, 2] = np.nan
    with pytest.raises(SettingsError, match=f"1 of .* NaN or infinite values, first row {row}:"):
        cluster(bad, settings_of(50), 2, seed=0)
    with pytest.raises(SettingsError, match=r"landmarks 50: a second view \(surroundings 1.2\) has none"):
        settings_of(50, surroundings=1.2)
    for method in ("kmeans", "consensus"):
        with pytest.raises(SettingsError, match=f"landmarks 50: {method} clusters all proposals.*clustering.method"):
            settings_of(50, method=method)


def test_unit_length_is_the_same_for_landmarks_and_the_rest():
    points, group = groups(SIZES, noise=0.1)
    scaled = points * np.random.default_rng(0).uniform(0.1, 9, (len(points), 1)).astype(np.float32)
    found = cluster(scaled, settings_of(300, features="l2"), 6, seed=0)
    assert adjusted_rand_score(group, found.cluster) == 1
    raw = cluster(normalise(scaled, "l2"), settings_of(300), 6, seed=0)
    assert raw.embedding.tobytes() == found.embedding.tobytes()
