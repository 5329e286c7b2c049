"""Clusters to categories: identity at first, then merges, rejections and names."""

import subprocess
import sys
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from comus_core.errors import SettingsError
from comus_core.runs.label_map import LabelMap


def identity(clusters):
    return LabelMap(np.arange(clusters), tuple(f"cluster {k}" for k in range(clusters)))


def test_the_identity_maps_every_cluster_to_the_category_of_its_number():
    labels = identity(3)
    assert labels.C == 3
    assert labels.names == ("cluster 0", "cluster 1", "cluster 2")
    assert labels.ids == (0, 1, 2)
    assert labels.categories(np.array([2, 0, 1])).tolist() == [2, 0, 1]


def test_unassigned_proposals_and_rejected_clusters_have_no_category():
    labels = LabelMap(np.array([1, -1, 0]), ("wheels", "fur"))
    categories = labels.categories(np.array([0, 1, 2, -1], np.int32))
    assert categories.tolist() == [1, -1, 0, -1]
    assert categories.dtype == np.int32


def test_merged_clusters_share_a_category():
    labels = LabelMap(np.array([0, 1, 0, 1]), ("a", "b"))
    assert labels.C == 2
    assert labels.categories(np.array([0, 1, 2, 3])).tolist() == [0, 1, 0, 1]


def test_the_id_of_a_category_stays_while_others_are_merged_or_rejected():
    before = identity(5)
    merged = LabelMap(np.array([0, 1, 0, 2, 3]), ("a", "b", "c", "d"))
    rejected = LabelMap(np.array([-1, 0, -1, 1, 2]), ("b", "c", "d"))
    assert before.ids == (0, 1, 2, 3, 4)
    assert merged.ids == (0, 1, 3, 4)
    assert rejected.ids == (1, 3, 4)


def test_renaming_changes_nothing_but_the_name_and_makes_a_new_map():
    labels = identity(2)
    renamed = replace(labels, names=("bird", "bird"))
    assert renamed.names == ("bird", "bird")
    assert labels.names == ("cluster 0", "cluster 1")
    assert renamed.categories(np.array([0, 1])).tolist() == [0, 1]
    with pytest.raises(FrozenInstanceError):
        labels.names = ("x", "y")


def test_no_proposals_have_no_categories():
    assert identity(4).categories(np.zeros(0, np.int32)).shape == (0,)


@pytest.mark.parametrize(
    ("category_of", "names", "message"),
    [
        ([0, 2], ("a", "b"), "category 2 has no name"),
        ([0, -2], ("a",), "category -2 has no name"),
        ([0, 0], ("a", "b"), "category 1 has no cluster"),
        ([0, 1], ("a", " "), "category 1 has an empty name"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused_with_its_category(category_of, names, message):
    with pytest.raises(SettingsError, match=message):
        LabelMap(np.array(category_of), names)


@pytest.mark.parametrize("cluster", [3, -2])
def test_a_cluster_of_another_clustering_is_refused(cluster):
    with pytest.raises(SettingsError, match=f"3 clusters: given cluster {cluster}"):
        identity(3).categories(np.array([0, cluster]))


def test_the_rooms_that_score_and_decide_import_neither_torch_nor_scikit_learn():
    rooms = "runs.label_map proposals.pseudo_masks evaluation evaluation.counts evaluation.matching evaluation.report"
    imports = "; ".join(f"import comus_core.{room}" for room in rooms.split())
    check = f"{imports}; import sys; print(sorted({{'torch', 'sklearn', 'timm', 'umap'}} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
