"""Drawn objects in the bar of every page whose selection can hold them, and which of several bars the keys act on."""

import base64
import json
from types import SimpleNamespace

import numpy as np
import pytest

from app.components.shared import crop_drag, selection_keys
from app.data import photo_filter
from app.data.selection_data import digest_of
from comus_core import curation, objects
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.cell_proposals import cell_proposals
from comus_core.scoring.round_scores import score_clusters
from tests.app.test_objects_page import _ticked
from tests.app.test_selection_bar import dragged, events, toast
from tests.app.working import by_key
from tests.app.working import texts as said


@pytest.fixture
def view(changeable):
    return open_run_view(*changeable)


def draw(view, row=0, category=1) -> str:
    """The id of an object of 3 × 4 pixels in the corner of the image of a proposal."""
    image_id = str(view.proposals.image_id[row])
    mask = np.zeros(tuple(view.proposals.size_hw[row]), bool)
    mask[:3, :4] = True
    curation.draw(view, image_id, [curation.NewObject(mask, category)])
    return f"{image_id}#d1"


def selected_words(test) -> list[str]:
    return [m.value for m in test.markdown if "drawn object" in m.value or "proposal" in m.value]


def test_ticked_rows_of_both_kinds_are_one_selection_on_the_objects_page(app_test, view):
    drawn, one = draw(view), str(view.proposals.proposal_id[7])
    objects(view.run, view.workspace)
    test = app_test("objects", workspace=view.workspace, run=view.run.id)

    def tick(*names) -> None:
        ids = test.dataframe[0].value["id"].tolist()
        _ticked(test, [ids.index(name) for name in names])
        assert not test.exception

    tick(drawn, one)
    assert "**1 proposal and 1 drawn object**" in selected_words(test) and "not included" not in said(test)
    test.button(key="objects_selection_accept").click().run()
    assert "Accepted 1 proposal. Press u to undo." in toast(test)
    assert set(curation.decided_in(view).layout.accepted) == {one}
    tick(drawn, one)
    test.text_input(key="objects_selection_new").set_value("wheel").run()
    assert "Made the category wheel of 1 proposal and 1 drawn object. Press u to undo." in toast(test)
    assert dict(curation.decided_in(view).layout.moved) == {drawn: 5, one: 5}
    test.button(key="objects_selection_undo").click().run()
    assert not test.exception and not curation.decided_in(view).layout.moved
    assert events(view) == ["draw", "accept", "create", "undo"]
    tick(drawn)
    accept = test.button(key="objects_selection_accept")
    assert accept.disabled and accept.help == "A drawn object is always core, so there is nothing to accept"
    assert not [b for b in test.button if b.key == "objects_selection_more"]  # it has no feature to compare
    test.button(key="objects_selection_export").click().run()
    key = test.query_params["these"]
    assert not test.exception and list(view.workspace.image_lists.read(key)) == [drawn]
    assert f"--proposals '{drawn}'" in said(test)


def test_drawn_crops_of_a_card_are_picked_with_others_and_stay_picked_while_they_are_there(app_test, view):
    drawn, one = draw(view), str(view.proposals.proposal_id[np.flatnonzero(view.cluster == 1)[2]])
    test = app_test("clusters", workspace=view.workspace, cluster="1")
    grids = said(test)
    assert f'data-pick="{drawn}" aria-pressed="false"' in grids
    assert f'data-proposal="{drawn}" data-row="{len(view)}"' in grids  # so it can be dragged
    name = f"comus.setting-picked-crops-{view.run.id}"
    test.session_state[name] = (one, drawn, "gone#d1")
    test.run()
    assert f'data-pick="{drawn}" aria-pressed="true"' in said(test)
    given = dragged(test)
    bits = np.unpackbits(np.frombuffer(base64.b64decode(given["bits"]), np.uint8))[: len(view) + 1]
    assert np.flatnonzero(bits).tolist() == [view.row_of[one], len(view)]
    assert given["words"] == "1 proposal and 1 drawn object"
    test.button(key="crops_accept").click().run()
    assert not test.exception and set(test.session_state[name]) == {one, drawn}  # both are still in it
    by_key(test.selectbox, "crops_to").set_value(3).run()
    test.button(key="crops_move").click().run()
    assert not test.exception and dict(curation.decided_in(view).layout.moved) == {one: 3, drawn: 3}
    assert "Moved 1 proposal and 1 drawn object to cluster 3. Press u to undo." in toast(test)
    assert test.session_state[name] == ()
    test.button(key="undo_decision").click().run()
    assert not curation.decided_in(view).layout.moved


def test_a_drawn_crop_is_dropped_alone_or_with_what_is_selected(app_test, view, monkeypatch):
    drawn, one = draw(view), str(view.proposals.proposal_id[7])
    monkeypatch.setattr(crop_drag.deciding, "act", lambda view, words, version, deed, then: deed(based_on=version))
    decided, rows = curation.decided_in(view), np.array([7, len(view)])
    crop_drag._receive(view, decided, rows, None, {"dropped": {"proposal": drawn, "whole": True, "to": 2}})
    assert dict(curation.decided_in(view).layout.moved) == {one: 2, drawn: 2}
    decided = curation.decided_in(view)
    crop_drag._receive(view, decided, rows[:0], None, {"dropped": {"proposal": drawn, "whole": False, "to": 0}})
    assert dict(curation.decided_in(view).layout.moved) == {one: 2, drawn: 0}
    crop_drag._receive(view, decided, rows[:0], None, {"dropped": {"proposal": "gone#d1", "whole": False, "to": 0}})
    assert events(view) == ["draw", "move", "move"]


def test_selected_images_bring_their_drawn_objects_that_meet_the_conditions(app_test, view):
    drawn = draw(view, row=7)
    at, count = int(view.image_row[7]), len(view.rows_of_image[str(view.proposals.image_id[7])])
    decided = curation.decided_in(view)
    rows = [int(r) for r in view.rows_of_image[str(view.proposals.image_id[7])]]
    found = photo_filter.filtered(view, decided, {})
    assert found.objects_in(view, decided, [at]).tolist() == [*rows, len(view)]
    assert (
        found.objects_in(view, decided, [at + 1, at + 2]).tolist()
        == found.proposals_in(view, [at + 1, at + 2]).tolist()
    )
    by_score = photo_filter.filtered(view, decided, {"confidence": "0-99"})
    assert not (by_score.objects_in(view, decided, [at]) >= len(view)).any()
    test = app_test("photos", workspace=view.workspace, picked=str(at))
    words = f"{count} proposal{'s' * (count != 1)} and 1 drawn object"
    assert not test.exception and f"**1 image with {words} selected**" in selected_words(test)
    assert f'data-proposal="{drawn}"' in said(test)
    test.button(key="photos_erase").click().run()
    assert not test.exception and set(curation.decided_in(view).layout.erased) == {
        drawn,
        *(str(view.proposals.proposal_id[r]) for r in rows),
    }
    test.button(key="photos_put_back").click().run()
    assert not test.exception and not curation.decided_in(view).layout.erased
    assert events(view) == ["draw", "erase", "put_back"]


def test_images_by_score_bring_their_drawn_objects(app_test, view):
    scored = score_clusters(view, curation.decided_in(view))
    order = np.argsort(scored.pixels.ious, kind="stable")
    worst = str(scored.rows.image_ids[order[np.isfinite(scored.pixels.ious[order])][0]])
    number = len(view.rows_of_image.get(worst, []))
    drawn = draw(view, row=view.rows_of_image[worst][0])
    test = app_test("scores", workspace=view.workspace)
    chosen = by_key(test.multiselect, "extremes_chosen")
    assert worst in chosen.options
    chosen.set_value([worst]).run()
    assert f"**{number} proposal{'s' * (number != 1)} and 1 drawn object**" in selected_words(test)
    test.button(key="extremes_selection_reject").click().run()
    assert not test.exception and curation.decided_in(view).layout.moved[drawn] == -1


def turns(test) -> dict[str, int]:
    """Key of each bar on the page -> how recently its selection changed."""
    given = [json.loads(part.proto.json) for part in test.get("bidi_component") if '"changed"' in part.proto.json]
    return {one["bar"]: one["changed"] for one in given}


def test_the_selection_that_a_person_changed_last_has_the_keys(app_test, view):
    decided = curation.decided_in(view)
    scored = score_clusters(view, decided)
    cells = [f"{p}-{t}" for p in range(4) for t in range(1, 4) if len(cell_proposals(view, decided, scored, p, t))]
    test = app_test("scores", workspace=view.workspace, cell=cells[0])
    assert turns(test) == {"cell_selection": 1, "extremes_selection": 0}  # nothing is selected in the other
    shown = by_key(test.multiselect, "extremes_chosen")
    shown.set_value(shown.options[:1]).run()
    assert turns(test) == {"cell_selection": 1, "extremes_selection": 2}
    test.button(key="extremes_selection_reject").click().run()  # which changes what is in the cell, but nobody chose it
    assert not test.exception and turns(test) == {"cell_selection": 1, "extremes_selection": 2}
    test.query_params["cell"] = cells[1]
    test.run()
    assert not test.exception and turns(test) == {"cell_selection": 3, "extremes_selection": 2}


def test_an_emptied_selection_keeps_its_turn_and_a_new_one_is_the_last(monkeypatch):
    kept: dict = {}
    monkeypatch.setattr(
        selection_keys,
        "state",
        SimpleNamespace(setting=lambda name, default: kept.get(name, default), set_setting=kept.__setitem__),
    )
    changed = selection_keys._changed
    assert [changed("a", "", 5), changed("b", "x", 5), changed("a", "y", 5), changed("b", "x", 5)] == [0, 1, 2, 1]
    assert changed("b", "z", 6) == 1  # by a decision
    assert changed("b", "", 6) == 1 and changed("b", "z", 6) == 3
    assert changed("a", "", 7) == 2 and changed("a", "q", 8) == 4  # selected anew, though something was decided too


def test_a_selection_of_a_drawn_object_is_another_once_its_row_holds_another(view):
    last = int(view.proposals.image_id.argmax())
    draw(view, last)
    rows = np.array([0, len(view)])
    before, ids = digest_of(view, curation.decided_in(view), rows), curation.decided_in(view)
    assert digest_of(view, ids, rows) == before != digest_of(view, ids, rows[:1])
    draw(view, int(view.proposals.image_id.argmin()))  # in an earlier image: in another window, say
    assert digest_of(view, curation.decided_in(view), rows) != before
    assert digest_of(view, curation.decided_in(view), np.array([0, len(view) + 1])) == before


def test_the_number_on_an_image_counts_drawn_objects_that_meet_the_conditions(view):
    image = view.image_row_of[str(view.proposals.image_id[0])]

    def number(**conditions) -> int:
        decided = curation.decided_in(view)
        found = photo_filter.filtered(view, decided, conditions)
        return {entry[0]: entry[4] for entry in photo_filter.page_json(view, decided, found, 0, 1000)}.get(image, 0)

    before = number(), number(category="1")
    draw(view)
    assert (number(), number(category="1")) == (before[0] + 1, before[1] + 1)
    assert number(category="2") <= before[0]
