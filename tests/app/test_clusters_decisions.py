"""Merging, splitting, rejecting and taking back on the Clusters page."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from comus_core import curation, open_workspace
from comus_core.curation.merge_suggestions import confused_pair
from comus_core.runs.run_view import open_run_view
from tests.app.test_clusters import name_fields, sides
from tests.app.test_frame import texts

pytestmark = pytest.mark.thorough


@pytest.fixture
def view(changeable):
    return open_run_view(*changeable)


def pressed(test, *picked: int, key: str):
    for cluster in picked:
        test.checkbox(key=f"pick_{cluster}").check().run()
    test.button(key=key).click().run()
    assert not test.exception
    return test


def toasts(test) -> str:
    return " ".join(t.value for t in test.toast)


def test_two_selected_cards_are_merged_and_taken_apart_again(app_test, view):
    test = app_test("clusters", workspace=view.workspace)
    assert test.button(key="merge_clusters").disabled and test.button(key="undo_decision").disabled
    pressed(test, 1, 3, key="merge_clusters")
    assert "Merged 2 clusters" in toasts(test) and set(name_fields(test)) == {
        f"cluster {k}" for k in range(view.clusters)
    } - {"cluster 3"}
    decided = curation.decided_in(view)
    assert decided.layout.into == {3: 1}
    card = sides(test)["core"][name_fields(test).index("cluster 1")]
    found = view.categories(decided)
    kept = [r for r in found.rows[1] if found.kept(decided)[r]]
    assert card == [view.proposals.proposal_id[r] for r in kept][:12]
    undo = test.button(key="undo_decision")
    assert undo.label == "Undo merge of cluster 1 and cluster 3"
    undo.click().run()
    assert len(name_fields(test)) == view.clusters and not curation.decided_in(view).layout.into
    assert test.button(key="redo_decision").label == "Redo merge of cluster 1 and cluster 3"
    test.button(key="redo_decision").click().run()
    assert not test.exception and len(name_fields(test)) == view.clusters - 1


def test_a_rejected_cluster_leaves_the_cards_and_is_restored_below(app_test, view):
    test = pressed(app_test("clusters", workspace=view.workspace), 2, key="reject_clusters")
    assert "cluster 2" not in name_fields(test) and [s.value for s in test.header] == ["Rejected"]
    test.button(key="restore_2").click().run()
    assert not test.exception and "cluster 2" in name_fields(test)


def test_a_split_shows_its_parts_before_anything_is_decided(app_test, view):
    test = pressed(app_test("clusters", workspace=view.workspace), 0, key="split_cluster")
    bodies = "".join(part.proto.body for part in test.get("html") if "comus-parts" in part.proto.body)
    proposed = curation.propose_split(view, 0, 2)
    for part in range(2):
        shown = re.findall(r'data-proposal="([^"]+)"', bodies.split(f'data-part="{part}"')[1].split("</section>")[0])
        assert shown == list(view.proposals.proposal_id[proposed.rows_of(part)][:10])
    assert curation.decided_in(view).layout.made == {}
    test.button(key="confirm_split").click().run()
    assert not test.exception
    decided = curation.decided_in(view)
    assert decided.layout.made == {view.clusters: "cluster 0 · 2"} and "cluster 0 · 2" in name_fields(test)
    assert np.array_equal(np.flatnonzero(view.categories(decided).id_of == view.clusters), np.sort(proposed.rows_of(1)))


def test_what_another_window_merged_is_told_and_shown(app_test, view):
    test = app_test("clusters", workspace=view.workspace)
    test.checkbox(key="pick_1").check().run()
    curation.merge(view, [1, 4])
    test.button(key="reject_clusters").click().run()
    assert not test.exception and "someone else decided in the meantime (merge)" in toasts(test)
    assert set(name_fields(test)) == {f"cluster {k}" for k in range(view.clusters)} - {"cluster 4"}
    assert curation.decided_in(view).layout.rejected == frozenset()


def test_a_card_names_its_nearest_and_the_page_the_two_most_confused(app_test, view):
    test = app_test("clusters", workspace=view.workspace)
    bodies = "".join(part.proto.body for part in test.get("html"))
    assert bodies.count("nearest: <a") == view.clusters and "of the same classes" in texts(test)
    assert bodies.count("purity ") == bodies.count("IoU ") == bodies.count("uncertainty 0.") > 0
    assert bodies.count(">saliency ") == view.clusters
    test.button(key="select_confused").click().run()
    assert not test.exception and sum(box.value for box in test.checkbox) == 2
    assert not test.button(key="merge_clusters").disabled


def test_the_two_most_confused_are_opened_beside_each_other_and_merged_there(app_test, view):
    test = app_test("clusters", workspace=view.workspace)
    test.button(key="open_confused").click().run()
    assert not test.exception
    cards = sides(test)
    opened = [int(str(f.key).removeprefix("name_")) for f in test.text_input if str(f.key).startswith("name_")]
    assert len(opened) == len(cards["core"]) == 2 and test.query_params["beside"] == str(opened[1])
    id_of = view.categories(curation.decided_in(view)).id_of
    for k, core, dropped in zip(opened, cards["core"], cards["filtered"], strict=True):
        assert {view.row_of[p] for p in core + dropped} <= set(np.flatnonzero(id_of == k))
    test.button(key="merge_clusters").click().run()
    assert not test.exception and curation.decided_in(view).layout.into == {max(opened): min(opened)}
    test.run()
    assert len(sides(test)["core"]) == 1 and test.button(key="all_clusters")


def test_without_ground_truth_the_most_confused_are_told_by_their_neighbours(app_test, shown, tmp_path):
    workspace, run = shown
    shutil.copytree(workspace.root, tmp_path / "w")
    copy = open_workspace(tmp_path / "w")
    blind = {kind: fingerprint for kind, fingerprint in run.artifacts.items() if kind != "counts"}
    copy.runs.save(replace(run, artifacts=blind))
    test = app_test("clusters", workspace=copy)
    assert not test.exception and "of the affinity in the neighbour graph lies between them" in texts(test)
    pair = confused_pair(open_run_view(copy, copy.runs.get(run.id)), copy.decisions_of(run))
    test.button(key="open_confused").click().run()
    names = [str(f.key) for f in test.text_input if str(f.key).startswith("name_")]
    assert names == [f"name_{pair.one}", f"name_{pair.other}"]


def test_decisions_reach_the_other_pages(app_test, view):
    curation.split(view, curation.propose_split(view, 0, 2))
    curation.merge(view, [1, 2])
    curation.reject(view, [3])
    test = app_test("filter", workspace=view.workspace)
    others = [f"cluster {k}" for k in range(view.clusters) if k not in (2, 3)]
    assert not test.exception and list(test.dataframe[0].value["Cluster"]) == [*others, "cluster 0 · 2"]
    for page in ("explore", "scores", "image"):
        test = app_test(page, workspace=view.workspace)
        assert not test.exception
