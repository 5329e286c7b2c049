"""The bar of actions on a selection, wherever it is: what each button writes, and what the page shows after it."""

import base64
import json

import numpy as np
import pytest

from app.components.shared import crop_drag
from app.data import similar_query
from comus_core import curation
from comus_core.curation.likely_categories import likely_categories
from comus_core.runs.proposal_table import chosen_rows
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.cell_proposals import cell_proposals, rows_of_images
from comus_core.scoring.round_scores import score_clusters
from comus_core.workspace.selections import Selection
from tests.app.test_explore import half
from tests.app.working import by_key

pytestmark = pytest.mark.thorough


@pytest.fixture
def view(changeable):
    return open_run_view(*changeable)


@pytest.fixture
def explore(app_test, view):
    """The Explore page with the left half of the map selected, and the ids of what is in it."""
    gesture = half(view)
    key = view.workspace.selections.keep("tsne", (gesture,)).key
    rows = chosen_rows(view, Selection(key, "tsne", (gesture,)), curation.decided_in(view))
    test = app_test("explore", workspace=view.workspace, selection=key)
    assert not test.exception
    return test, [str(p) for p in view.proposals.proposal_id[rows]]


def toast(test) -> str:
    return " ".join(t.value for t in test.toast)


def events(view) -> list[str]:
    return [e.kind for e in view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"])][1:]


def test_a_selection_on_the_map_becomes_a_new_category_and_one_undo_takes_it_back(explore, view):
    test, ids = explore
    test.text_input(key="map_selection_new").set_value("  vehicles ").run()
    decided = curation.decided_in(view)
    assert not test.exception and decided.names == {5: "vehicles"} and events(view) == ["create"]
    assert {p for p, k in decided.layout.moved.items() if k == 5} == set(ids)
    assert f"Made the category vehicles of {len(ids)} proposals. Press u to undo." in toast(test)
    assert by_key(test.text_input, "map_selection_new").value == ""
    assert f"{len(ids)} of {len(view)} proposals selected" in "".join(m.value for m in test.markdown)
    test.button(key="map_selection_undo").click().run()
    assert not test.exception and not curation.decided_in(view).layout.moved and events(view) == ["create", "undo"]


def test_a_selection_moves_to_the_most_likely_category_or_the_one_chosen(explore, view):
    test, ids = explore
    rows = np.array([view.row_of[p] for p in ids])
    expected = likely_categories(view, curation.decided_in(view), rows)
    assert by_key(test.selectbox, "map_selection_to").options == [f"cluster {k}" for k in expected]
    test.button(key="map_selection_move").click().run()
    assert set(curation.decided_in(view).layout.moved.values()) == {expected[0]}
    assert f"Moved {len(ids)} proposals to cluster {expected[0]}. Press u to undo." in toast(test)
    again = likely_categories(view, curation.decided_in(view), rows)
    assert again[-1] == expected[0] and by_key(test.selectbox, "map_selection_to").value == again[0]
    by_key(test.selectbox, "map_selection_to").set_value(again[2]).run()
    test.button(key="map_selection_move").click().run()
    assert set(curation.decided_in(view).layout.moved.values()) == {again[2]} and events(view) == ["move", "move"]


def test_reject_restore_accept_and_erase_are_one_step_each(explore, view):
    test, ids = explore
    assert by_key(test.button, "map_selection_put_back").disabled
    test.button(key="map_selection_reject").click().run()
    assert set(curation.decided_in(view).layout.moved.values()) == {-1}
    test.button(key="map_selection_put_back").click().run()
    layout = curation.decided_in(view).layout
    assert not layout.moved and not layout.accepted and by_key(test.button, "map_selection_put_back").disabled
    test.button(key="map_selection_accept").click().run()
    assert set(curation.decided_in(view).layout.accepted) == set(ids)
    test.button(key="map_selection_erase").click().run()
    assert set(curation.decided_in(view).layout.erased) == set(ids)
    assert not test.exception and events(view) == ["move", "put_back", "accept", "erase"]


def test_the_images_of_a_selection_are_excluded_and_included_again(explore, view):
    test, ids = explore
    images = {p.rpartition("#")[0] for p in ids}
    button = by_key(test.button, "map_selection_exclude")
    assert button.label == f"Exclude {len(images)} images"
    button.click().run()
    assert set(curation.decided_in(view).layout.excluded) == images
    button = by_key(test.button, "map_selection_exclude")
    assert button.label == f"Include {len(images)} images"
    button.click().run()
    assert not test.exception and not curation.decided_in(view).layout.excluded


def test_without_a_selection_only_the_point_that_was_clicked_is_acted_on(app_test, view):
    name = str(view.proposals.proposal_id[7])
    test = app_test("explore", workspace=view.workspace)
    assert not [b for b in test.button if str(b.key).startswith("map_selection_move")]
    test = app_test("explore", workspace=view.workspace, proposal=name)
    test.button(key="map_selection_accept").click().run()
    assert not test.exception and set(curation.decided_in(view).layout.accepted) == {name}


def test_more_like_these_opens_the_ranking_of_all_proposals_by_them(explore):
    test, ids = explore
    test.button(key="map_selection_more").click().run()
    assert not test.exception and similar_query.like_ids(test.query_params["like"]) == similar_query.like_ids(
        similar_query.like_value(ids)
    )


def test_without_the_embedding_the_categories_are_offered_by_number(explore, view):
    test, ids = explore
    view.workspace.artifact(view.run, "clustering").file("embedding.npy").unlink()
    test.button(key="map_selection_accept").click().run()  # another version, of which nothing is held
    assert not test.exception
    assert by_key(test.selectbox, "map_selection_to").options == [f"cluster {k}" for k in range(view.clusters)]
    test.button(key="map_selection_move").click().run()
    assert set(curation.decided_in(view).layout.moved) == set(ids)


def test_picked_crops_of_a_cluster_stay_picked_while_they_stay_in_it(app_test, view):
    test = app_test("clusters", workspace=view.workspace, cluster="1")
    crops = tuple(str(p) for p in view.proposals.proposal_id[view.cluster == 1][:2])
    name = f"comus.setting-picked-crops-{view.run.id}"
    test.session_state[name] = crops
    test.run()
    test.button(key="crops_accept").click().run()
    assert not test.exception and set(curation.decided_in(view).layout.accepted) == set(crops)
    assert test.session_state[name] == crops
    test.text_input(key="crops_new").set_value("pair").run()
    assert not test.exception and curation.decided_in(view).name_of(5) == "pair"
    assert test.session_state[name] == ()
    test.button(key="undo_decision").click().run()
    assert curation.decided_in(view).layout.accepted == set(crops)


def test_what_the_filter_drops_is_acted_on_as_a_whole(app_test, view):
    test = app_test("filter", workspace=view.workspace)
    dropped = {str(p) for p in view.proposals.proposal_id[~view.kept(curation.decided_in(view))]}
    assert not [b for b in test.button if b.key == "filter_selection_accept"]  # what is only shown is not selected
    by_key(test.checkbox, "filter_selection_all").check().run()
    test.button(key="filter_selection_accept").click().run()
    assert not test.exception and set(curation.decided_in(view).layout.accepted) == dropped
    assert view.kept(curation.decided_in(view)).all()
    test.button(key="filter_selection_undo").click().run()
    assert not test.exception and not curation.decided_in(view).layout.accepted


def test_a_confusion_cell_holds_its_proposals_to_be_moved(app_test, view):
    decided = curation.decided_in(view)
    scored = score_clusters(view, decided)
    cells = [(p, t) for p in range(4) for t in range(1, 4) if p != t]
    predicted, true = next(c for c in cells if len(cell_proposals(view, decided, scored, *c)))
    rows = cell_proposals(view, decided, scored, predicted, true)
    test = app_test("scores", workspace=view.workspace, cell=f"{predicted}-{true}")
    test.button(key="cell_selection_move").click().run()
    assert not test.exception
    assert set(curation.decided_in(view).layout.moved) == {str(p) for p in view.proposals.proposal_id[rows]}


def test_the_worst_images_are_excluded_from_the_score_all_that_are_shown_or_some(app_test, view):
    scored = score_clusters(view, curation.decided_in(view))
    order = np.argsort(scored.pixels.ious, kind="stable")
    worst = [str(scored.rows.image_ids[k]) for k in order[np.isfinite(scored.pixels.ious[order])][:12]]
    test = app_test("scores", workspace=view.workspace)
    assert not [b for b in test.button if b.key == "extremes_selection_exclude"]
    by_key(test.checkbox, "extremes_all").check().run()
    assert by_key(test.button, "extremes_selection_exclude").label == "Exclude 12 images"
    by_key(test.checkbox, "extremes_all").uncheck().run()
    by_key(test.multiselect, "extremes_chosen").set_value(worst[:2]).run()
    number = len(rows_of_images(view, curation.decided_in(view), worst[:2]))
    assert f"**{number} proposal{'s' * (number != 1)}**" in [m.value for m in test.markdown]
    test.button(key="extremes_selection_exclude").click().run()
    assert not test.exception and set(curation.decided_in(view).layout.excluded) == set(worst[:2])
    images = next(m for m in test.metric if m.label == "Images")
    assert images.value == f"{len(scored.rows.image_ids) - 2}"


def test_a_read_only_run_has_no_bar(app_test, view):
    with view.workspace.database.writing() as connection:
        connection.execute("UPDATE runs SET provenance = json_set(provenance, '$.bundle', json('{}'))")
    for page, address in (
        ("explore", {"proposal": str(view.proposals.proposal_id[0])}),
        ("scores", {}),
        ("filter", {}),
    ):
        test = app_test(page, workspace=view.workspace, **address)
        assert not test.exception
        assert not [b for b in test.button if str(b.key).endswith(("_accept", "_exclude", "_undo"))]


def dragged(test) -> dict:
    """What the part that lets crops be dragged is given."""
    (one,) = [json.loads(part.proto.json) for part in test.get("bidi_component") if '"strip"' in part.proto.json]
    return one


def test_a_drag_knows_what_is_selected_and_where_it_may_go(explore, view, app_test):
    test, ids = explore
    given, rows = dragged(test), np.array([view.row_of[p] for p in ids])
    bits = np.unpackbits(np.frombuffer(base64.b64decode(given["bits"]), np.uint8))[: len(view)]
    assert np.flatnonzero(bits).tolist() == sorted(rows) and given["count"] == len(ids)
    decided = curation.decided_in(view)
    expected = likely_categories(view, decided, rows)
    assert [(k, name) for k, name, _ in given["strip"]] == [(k, decided.name_of(k)) for k in expected]
    given = dragged(app_test("clusters", workspace=view.workspace))
    assert (given["bits"], given["count"]) == ("", 0) and [k for k, *_ in given["strip"]] == [0, 1, 2, 3, 4]


def test_picked_crops_among_all_cards_are_acted_on_and_then_no_longer_picked(app_test, view):
    test = app_test("clusters", workspace=view.workspace)
    assert not [b for b in test.button if b.key == "crops_move"]
    crops = tuple(str(p) for p in view.proposals.proposal_id[[0, 7]])
    name = f"comus.setting-picked-crops-{view.run.id}"
    test.session_state[name] = crops
    test.run()
    test.button(key="crops_erase").click().run()
    assert not test.exception and set(curation.decided_in(view).layout.erased) == set(crops)
    assert test.session_state[name] == () and not [b for b in test.button if b.key == "crops_move"]


def test_what_would_change_nothing_cannot_be_pressed(app_test, view):
    name = str(view.proposals.proposal_id[0])

    def enabled() -> set[str]:
        test = app_test("explore", workspace=view.workspace, proposal=name)
        parts = ("accept", "reject", "erase", "put_back")
        return {part for part in parts if not test.button(key=f"map_selection_{part}").disabled}

    assert enabled() == {"accept", "reject", "erase"}
    curation.accept(view, [name])
    assert enabled() == {"reject", "erase"}
    curation.move(view, [name], None)
    assert enabled() == {"accept", "erase", "put_back"}
    curation.erase(view, [name])
    assert enabled() == {"accept", "put_back"}


def test_a_crop_dropped_where_it_is_moves_nothing_and_elsewhere_it_moves(app_test, view):
    decided = curation.decided_in(view)
    rows = np.flatnonzero(view.cluster == 1)[:3]
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crop_drag.notices, "say", lambda words, *_: said.append(words))
        patch.setattr(crop_drag.deciding, "act", lambda view, words, version, deed, then: said.append(words))
        crop_drag.drop(view, decided, rows, 1)
        crop_drag.drop(view, decided, rows, 2)
    assert said == ["Nothing moved: 3 proposals already in cluster 1", "Moved 3 proposals to cluster 2"]
