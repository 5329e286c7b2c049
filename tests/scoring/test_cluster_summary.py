"""What cards of clusters tell: the nearest, the most confused, means of a category, and the order of crops."""

import numpy as np
import pytest

from comus_core import curation
from comus_core.curation.merge_suggestions import (
    ConfusedPair,
    affinity_between,
    confused_pair,
    most_confused,
    nearest_categories,
)
from comus_core.errors import SettingsError
from comus_core.scoring.cluster_summary import crop_order, ordered, summaries, uncertainty_of
from comus_core.scoring.round_scores import score_clusters
from comus_core.workspace.decisions import Decisions


@pytest.fixture
def view(curated_view):
    return curated_view


def test_the_nearest_categories_are_those_of_highest_cosine_between_mean_rows(view):
    decided = curation.merge(view, [0, 4])
    found, embedding = view.categories(decided), view.embedding()
    means = {k: embedding[found.id_of == k].astype(float).mean(axis=0) for k in found.ids}

    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    for category, near in nearest_categories(view, decided).items():
        others = [k for k in found.ids if k != category]
        assert near == sorted(others, key=lambda k: -cosine(means[category], means[k]))[:2]


def test_the_two_most_confused_share_most_pixels_of_foreground_classes():
    table = np.array([[9, 9, 9], [50, 10, 3], [50, 4, 0], [0, 8, 2]])
    assert most_confused(table) == (0, 2, 8 + 2)
    assert most_confused(np.array([[9, 9, 9], [50, 10, 0], [50, 0, 7]])) is None


def test_affinity_between_categories_is_that_of_the_runs_own_graph(view):
    decided = curation.reject(view, [3])
    found, rows = view.categories(decided), np.flatnonzero(view.categories(decided).category >= 0)
    vectors = np.asarray(view.vectors()[rows], np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    away = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    names = np.zeros(away.shape)
    np.put_along_axis(names, np.argsort(away, axis=1, kind="stable")[:, :8], 1.0, axis=1)
    affinity = (names + names.T) / 2
    np.fill_diagonal(affinity, 0)
    own = np.eye(len(found.ids))[found.category[rows]]
    assert np.allclose(affinity_between(view, decided, rows), own.T @ affinity @ own, atol=1e-6)
    between = own.T @ affinity @ own
    volume = between.sum(axis=1)
    pairs = [(a, b) for a in range(len(found.ids)) for b in range(a)]
    b, a = max(pairs, key=lambda p: between[p] / min(volume[list(p)]))
    pair = confused_pair(view, decided)
    assert (pair.one, pair.other, pair.by) == (found.ids[a], found.ids[b], "neighbours")
    assert pair.shared == pytest.approx(between[a, b] / min(volume[a], volume[b])) and pair.asked == len(rows)


def test_with_ground_truth_the_confused_pair_is_told_by_id_and_pixels(view):
    decided = curation.reject(view, [0])
    table = score_clusters(view, decided, "majority", filtered=False).rows.contingency
    one, other, pixels = most_confused(table)
    ids = view.categories(decided).ids
    assert confused_pair(view, decided, table) == ConfusedPair(ids[one], ids[other], "ground truth", pixels)


def test_a_summary_tells_mean_saliency_and_uncertainty_and_both_order_the_cards(view):
    decided = curation.merge(view, [0, 4])
    found, id_of = summaries(view, decided), view.categories(decided).id_of
    for s in found:
        inside = id_of == s.cluster
        assert s.confidence == pytest.approx(view.proposals.score[inside].mean())
        assert s.uncertainty == pytest.approx(view.alternatives["silhouette"][inside].mean())
    by = {s.cluster: s for s in found}
    assert [s.cluster for s in ordered(found, "uncertainty")] == sorted(by, key=lambda k: (-by[k].uncertainty, k))
    assert [s.cluster for s in ordered(found, "confidence")] == sorted(by, key=lambda k: (by[k].confidence, k))


def test_crops_are_ordered_nearest_farthest_and_least_certain_first(view):
    rows = summaries(view, Decisions())[1].core
    unsure = uncertainty_of(view)
    assert np.array_equal(crop_order(view, rows, "near"), rows)
    assert np.array_equal(crop_order(view, rows, "far"), rows[::-1])
    wanted = sorted(rows, key=lambda r: (-unsure[r], list(rows).index(r)))
    assert list(crop_order(view, rows, "uncertain")) == wanted != list(rows)
    with pytest.raises(SettingsError, match="order of the crops 'best'"):
        crop_order(view, rows, "best")
