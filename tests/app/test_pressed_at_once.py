"""A button that is pressed before the page was drawn with what was entered last acts on what was entered."""

import numpy as np
import pytest

from comus_core import curation
from comus_core.curation.likely_categories import likely_categories
from comus_core.runs.run_view import open_run_view


@pytest.fixture
def view(changeable):
    return open_run_view(*changeable)


def test_crops_go_to_the_cluster_that_stands_in_the_list(app_test, view):
    test = app_test("clusters", workspace=view.workspace, cluster="0")
    crop = str(view.proposals.proposal_id[view.cluster == 0][0])
    test.session_state[f"comus.setting-picked-crops-{view.run.id}"] = (crop,)
    test.run()
    first, *others, _ = likely_categories(view, curation.decided_in(view), np.array([view.row_of[crop]]))
    other = others[-1]
    assert test.selectbox(key="crops_to").value == first
    test.selectbox(key="crops_to").set_value(other)
    test.button(key="crops_move").click().run()
    assert not test.exception and curation.decided_in(view).layout.moved == {crop: other}
    assert f"Moved 1 proposal to cluster {other}" in " ".join(t.value for t in test.toast)


@pytest.mark.parametrize("button", ["merge_clusters", "reject_clusters"])
def test_the_cards_ticked_last_are_of_those_that_are_merged_or_rejected(app_test, view, button):
    test = app_test("clusters", workspace=view.workspace)
    for cluster in (1, 3):
        test.checkbox(key=f"pick_{cluster}").check().run()
    test.checkbox(key="pick_0").check()
    test.button(key=button).click().run()
    layout = curation.decided_in(view).layout
    assert not test.exception and (layout.into == {1: 0, 3: 0} or layout.rejected == {0, 1, 3})


def test_the_filter_that_the_slider_shows_is_applied_by_the_ranking_chosen_last(app_test, view):
    test = app_test("filter", workspace=view.workspace)
    test.selectbox(key="filter_by").set_value("silhouette")
    test.slider(key="filter_slider_-1").set_value(45.0).run()
    test.slider(key="filter_slider_-1").set_value(60.0)
    test.button(key="apply_filter").click().run()
    decided = curation.decided_in(view)
    assert not test.exception and (decided.filter_percent, decided.filter_by) == (60.0, "silhouette")
