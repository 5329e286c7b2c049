"""Repair a mask on the Image page: what is drawn, what an edit answers, and where the saved mask is seen."""

import io

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.data import urls
from app.data.colouring import colouring, colouring_version
from app.data.mask_drafts import drafted
from app.server import asgi, pictures
from comus_core import curation
from comus_core.proposals.mask_edits import from_runs, grown, to_runs
from comus_core.runs.run_view import open_run_view
from tests.app.test_frame import texts


@pytest.fixture
def view(changeable):
    return open_run_view(*changeable)


def name_of(view, row) -> str:
    return str(view.proposals.proposal_id[row])


def edit(view, op, amount=0.0, mask=None, row=4):
    """The answer to an edit as the browser sends it: the mask, or the fault."""
    mask = view.proposals.mask(row) if mask is None else mask
    request = {"op": op, "amount": amount, "runs": to_runs(mask)}
    draft = drafted(view, name_of(view, row), curation.decided_in(view), request, 7)
    assert draft.number == 7 and draft.op == op
    return draft.fault or from_runs(draft.runs, mask.shape), draft.words


def test_the_button_opens_the_editor_and_the_address_keeps_it(app_test, view):
    name = name_of(view, 4)
    test = app_test("image", workspace=view.workspace, proposal=name)
    assert not test.get("bidi_component") or "Repair mask" not in [s.value for s in test.subheader]
    test.button(key="repair_mask").click().run()
    assert not test.exception and test.subheader[0].value.startswith("Repair mask")
    assert test.query_params["repair"] == name and len(test.get("bidi_component")) >= 1
    assert "judgement_accept" not in [b.key for b in test.button]  # its key would be pressed while one draws
    again = app_test("image", workspace=view.workspace, proposal=name, repair=name)
    assert again.subheader[0].value.startswith("Repair mask")
    other = app_test("image", workspace=view.workspace, proposal=name_of(view, 5), repair=name)
    assert not other.exception and not other.subheader


def test_a_mask_that_is_saved_is_said_to_be_drawn_and_undo_brings_the_old_one(app_test, view):
    name = name_of(view, 4)
    curation.redraw(view, name, grown(view.proposals.mask(4), 5))
    test = app_test("image", workspace=view.workspace, proposal=name)
    assert "drawn manually" in texts(test) and f"{int(grown(view.proposals.mask(4), 5).sum()):,} pixels" in texts(test)
    assert test.button(key="judgement_undo").label.startswith("Undo repair of mask")
    test.button(key="judgement_undo").click().run()
    assert "of the detector" in texts(test) and f"{int(view.proposals.area[4]):,} pixels" in texts(test)
    assert curation.decided_in(view).layout.redrawn == {}


def test_each_edit_answers_with_the_mask_of_the_core(view):
    mask = view.proposals.mask(4)
    assert np.array_equal(edit(view, "grow", 3)[0], grown(mask, 3))
    assert np.array_equal(edit(view, "shrink", 2)[0], grown(mask, -2))
    drawn = np.zeros_like(mask)
    drawn[1:4, 1:9] = drawn[8:10, 2:6] = True
    top = np.zeros_like(mask)
    top[1:4, 1:9] = True
    for number, expected, words in [(1, top, "Part 1 of 2"), (2, drawn & ~top, "Part 2 of 2"), (3, top, "Part 1 of 2")]:
        found, said = edit(view, "part", number, drawn)
        assert np.array_equal(found, expected) and said == words
    assert np.array_equal(edit(view, "original", mask=drawn)[0], mask)
    found, words = edit(view, "threshold", 0.5, drawn)
    assert np.array_equal(found, mask) and words == "Threshold 0.50"


def test_an_edit_that_leaves_nothing_or_is_none_is_a_fault_and_no_exception(view):
    mask = view.proposals.mask(4)
    assert "Nothing would be left" in edit(view, "shrink", 90)[0]
    assert "has no part" in edit(view, "part", 1, np.zeros_like(mask))[0]
    assert "at most 500" in edit(view, "grow", 1e9)[0]
    assert "choose one of grow" in edit(view, "explode")[0]
    assert "cannot be read" in edit(view, "grow", "much")[0]
    decided, name = curation.decided_in(view), name_of(view, 4)
    for request in ({"op": "grow", "amount": 1, "runs": "zz"}, {"op": "grow", "amount": float("nan"), "runs": "1"}, {}):
        assert drafted(view, name, decided, request, 1).fault


def test_crops_layers_and_colours_change_with_the_mask_and_their_addresses_too(view, monkeypatch):
    monkeypatch.setenv("COMUS_WORKSPACE", str(view.workspace.root))
    client = TestClient(Starlette(routes=asgi.routes()))
    row, decided = 4, curation.decided_in(view)
    at = view.image_row_of[view.proposals.image_id[row]]
    before, other, template = urls.crop(view, row), urls.crop(view, 5), urls.crop(view, "{i}")
    old, size = client.get(before), colouring_version(view, "size", decided)
    mask = np.zeros_like(view.proposals.mask(row))
    mask[1:7, 2:12] = True
    drawn = curation.redraw(view, name_of(view, row), mask)
    assert urls.crop(view, row) != before and urls.crop(view, 5) == other and urls.crop(view, "{i}") != template
    new = client.get(urls.crop(view, row))
    assert "immutable" in new.headers["cache-control"] and new.content != old.content
    assert new.content == pictures.crop(view, row, 160, "#ffffff", drawn)
    assert "immutable" not in client.get(before).headers["cache-control"]  # of the old mask, which is gone
    for name in ("proposal", "pseudo_mask"):
        layer = client.get(urls.layer(view, at, name, decided=drawn)).content
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(layer)))[..., 3] > 0, mask) or name == "pseudo_mask"
    assert colouring_version(view, "size", drawn) != size
    assert colouring(view, "truth", drawn).index[row] == view.truth_class_of(drawn)[row]
    curation.undo(view)
    assert urls.crop(view, row) == before and client.get(before).content == old.content
