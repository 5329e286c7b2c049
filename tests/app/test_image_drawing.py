"""Drawn objects on the pages: the Image page, the editor's answers, crops, layers, the grid and the cards."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.components.photo import object_category, repair_panel
from app.data import photo_filter, urls
from app.data.colouring import category_colours
from app.data.image_navigation import Place, place_of
from app.data.mask_drafts import drafted, new_in
from app.server import asgi, photo_routes, pictures
from comus_core import curation
from comus_core.curation import NewObject
from comus_core.proposals.mask_edits import from_runs, grown, to_runs
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.cluster_summary import summaries
from comus_core.workspace.decisions import Decisions
from tests.app.test_frame import texts
from tests.app.working import by_key


@pytest.fixture
def view(changeable):
    return open_run_view(*changeable)


def box(view, image_row, height=12, width=15):
    mask = np.zeros(tuple(view.image_sizes[image_row]), bool)
    mask[2 : 2 + height, 3 : 3 + width] = True
    return mask


def draw(view, image_row=0, category=1):
    """(decisions, id of the drawn object)."""
    image_id = str(view.image_ids[image_row])
    decided = curation.draw(view, image_id, [NewObject(box(view, image_row), category)])
    return decided, f"{image_id}#d1"


def test_the_page_of_a_drawn_object_says_what_it_is_moves_removes_and_undoes_it(app_test, view):
    _, name = draw(view)
    test = app_test("image", workspace=view.workspace, proposal=name)
    assert not test.exception and "drawn as a new object" in texts(test) and f"{12 * 15:,} pixels" in texts(test)
    assert test.query_params["proposal"] == name and "1 drawn object" in texts(test)
    assert "**1 drawn object**" in [m.value for m in test.markdown]
    assert by_key(test.button, "judgement_accept").disabled
    by_key(test.selectbox, "judgement_to").set_value(2).run()
    test.button(key="judgement_move").click().run()
    assert curation.decided_in(view).layout.moved[name] == 2
    test.button(key="judgement_erase").click().run()
    assert "its pixels are background" in texts(test) and name in curation.decided_in(view).layout.erased
    test.button(key="judgement_put_back").click().run()
    assert name not in curation.decided_in(view).layout.erased
    for _ in range(4):
        assert not test.exception
        test.button(key="judgement_undo").click().run()
    assert curation.decided_in(view).layout.drawn == {}
    assert not test.exception and "drawn as a new object" not in texts(test)  # its image is open now


def test_the_button_opens_the_editor_for_a_new_object_with_a_list_of_categories(app_test, view):
    name, image_id = str(view.proposals.proposal_id[4]), str(view.proposals.image_id[4])
    test = app_test("image", workspace=view.workspace, proposal=name)
    test.button(key="draw_object").click().run()
    assert not test.exception and test.subheader[0].value.startswith("Draw an object in")
    assert test.query_params["repair"] == new_in(image_id)
    chosen = next(s for s in test.selectbox if s.label == "Category of the new object")
    assert chosen.value is None  # a person chooses: nothing tells what is drawn
    next(t for t in test.text_input if t.label == "Or a new category").set_value("wheel").run()
    chosen = next(s for s in test.selectbox if s.label == "Category of the new object")
    assert "new: wheel" in chosen.options and chosen.format_func(chosen.value) == "new: wheel"
    again = app_test("image", workspace=view.workspace, proposal=str(view.proposals.proposal_id[5]), repair="x#new")
    assert not again.exception and not again.subheader


def test_an_image_without_a_proposal_opens_and_offers_to_draw(app_test, view, monkeypatch):
    image_id = str(view.proposals.image_id[3])
    only = [row for row in range(len(view)) if view.proposals.image_id[row] == image_id]
    monkeypatch.setitem(view.rows_of_image, image_id, [])
    place = place_of(view, Decisions(), None, image_id)
    assert only and place == Place(view.image_row_of[image_id], None)
    decided = curation.draw(view, image_id, [NewObject(box(view, place.image_row), 1)])
    assert place_of(view, decided, None, image_id).drawn == f"{image_id}#d1"
    assert place_of(view, decided, f"{image_id}#d1", None) == Place(place.image_row, None, f"{image_id}#d1")
    assert place_of(view, curation.undo(view), f"{image_id}#d1", None) == place
    assert place_of(view, decided, "gone#d1", None) is None


@pytest.fixture
def editor(view, monkeypatch):
    """The editor's panel without a page: `session` is what it remembers, `send` what the browser sends."""
    session = {"repair": "", "settings": {}}
    monkeypatch.setattr(repair_panel.state, "parameter", lambda name: session["repair"])
    monkeypatch.setattr(repair_panel.state, "set_parameter", lambda name, value: session.update(repair=value))
    monkeypatch.setattr(repair_panel.state, "setting", lambda name, default: session["settings"].get(name, default))
    monkeypatch.setattr(repair_panel.state, "set_setting", session["settings"].__setitem__)
    monkeypatch.setattr(repair_panel.state, "entered", lambda name, default, among: default)
    monkeypatch.setattr(repair_panel.state, "pick", lambda name: session.update(picked=name))
    monkeypatch.setattr(repair_panel.notices, "fault", lambda fault: session.update(fault=str(fault)))

    def act(view, words, version, deed, then):
        try:
            deed(based_on=version)
        except Exception as fault:
            session["fault"] = str(fault)
        else:
            then()

    monkeypatch.setattr(repair_panel, "act", act)
    at = Place(int(view.image_row[4]), 4)

    def open_for(name):
        session["repair"] = name
        return repair_panel._kept_as(view, name, curation.decided_in(view))

    def choose(name, category):
        """A person chooses a category that is there, or types the name of a new one."""
        if isinstance(category, str):
            object_category._type(view, name, category)
        else:
            session["settings"][f"{object_category.LIST}-{view.run.id}-{name}"] = category

    def send(name, kept, number, drawn, how="separate"):
        runs = drawn if isinstance(drawn, str) else to_runs(drawn)
        deed = {"separate": repair_panel._separate, "save": repair_panel._save}[how]
        deed(view, at, name, curation.decided_in(view), {"name": kept, "number": number, "runs": runs})
        return curation.decided_in(view)

    def answer():
        return session["settings"][repair_panel.DRAFT][1]

    return SimpleNamespace(session=session, open_for=open_for, choose=choose, send=send, answer=answer)


def halves(view):
    """(name, image id, upper half, lower half) of the mask of proposal 4."""
    mask = view.proposals.mask(4)
    part = mask & (np.arange(len(mask)) < np.flatnonzero(mask.any(axis=1)).mean())[:, None]
    return str(view.proposals.proposal_id[4]), str(view.proposals.image_id[4]), part, mask & ~part


def test_parts_that_the_editor_sends_are_one_decision_each_until_nothing_is_left(view, editor):
    name, image_id, part, rest = halves(view)
    kept = editor.open_for(name)
    editor.choose(name, "top")
    decided = editor.send(name, kept, 10, part)
    assert editor.session["repair"] == name  # the editor stays open, for the next part
    assert np.array_equal(curation.mask_of(view, f"{image_id}#d1", decided), part)
    assert np.array_equal(curation.mask_of(view, name, decided), rest)
    assert decided.layout.parent == {f"{image_id}#d1": name}
    top = decided.layout.drawn[f"{image_id}#d1"]
    assert decided.name_of(top) == "top" and editor.session["settings"][repair_panel.SAVED] == 10
    assert editor.send(name, kept, 10, part).version == decided.version  # it was sent again
    assert editor.send(name, kept, 11, np.zeros_like(part)).version == decided.version
    assert "empty" in editor.session["fault"]
    assert (editor.answer().fault, editor.answer().number) == ("Not saved.", 11)
    decided = editor.send(name, kept, 12, rest)  # all that is left of it
    assert editor.session["repair"] == "" and editor.session["picked"] == f"{image_id}#d2"
    assert name in decided.layout.erased and decided.layout.drawn[f"{image_id}#d2"] == top  # as the one before


def test_a_part_that_takes_nothing_of_the_mask_is_refused_so_the_same_part_is_not_saved_twice(view, editor):
    name, _, part, _ = halves(view)
    kept = editor.open_for(name)
    editor.choose(name, 1)
    decided = editor.send(name, kept, 10, part)
    assert editor.send(name, kept, 11, part).version == decided.version
    assert "no pixel of the mask" in editor.session["fault"] and editor.answer().number == 11
    assert editor.answer().op == "save" and len(decided.layout.drawn) == 1


def test_what_cannot_be_read_is_answered_and_may_be_sent_anew(view, editor):
    name, image_id, part, _ = halves(view)
    kept = editor.open_for(name)
    version = editor.send(name, kept, 10, "zz").version
    assert editor.answer().fault == "Not saved." and editor.answer().number == 10 and editor.session["fault"]
    assert repair_panel.SAVED not in editor.session["settings"]
    assert editor.send(name, "of another editor", 11, part).version == version
    assert f"{image_id}#d1" in editor.send(name, kept, 12, part).layout.drawn
    kept = editor.open_for(name)
    repaired = editor.send(name, kept, 13, grown(view.proposals.mask(4), 2), "save")
    assert name in repaired.layout.redrawn and editor.session["repair"] == ""
    assert editor.session["settings"][repair_panel.SAVED] == 13


def test_a_new_object_needs_a_category_and_the_next_begins_empty_under_another_name(view, editor):
    image_id = str(view.proposals.image_id[4])
    name, mask = new_in(image_id), box(view, int(view.image_row[4]))
    kept = editor.open_for(name)
    assert kept == f"{view.run.id}-{image_id}#d1#new"
    version = editor.send(name, kept, 10, mask, "save").version
    assert "choose a category" in editor.answer().fault and not curation.decided_in(view).layout.drawn
    editor.choose(name, 2)
    other = curation.draw(view, image_id, [NewObject(~box(view, int(view.image_row[4]), 30, 30), 1)])  # in another tab
    assert other.version > version and editor.open_for(name) == kept  # what is drawn is not lost
    decided = editor.send(name, kept, 11, mask, "save")
    assert decided.layout.drawn == {f"{image_id}#d1": 1, f"{image_id}#d2": 2}
    assert editor.session["repair"] == "" and editor.session["picked"] == f"{image_id}#d2"
    assert editor.send(name, kept, 12, mask, "save").version == decided.version  # it is closed
    assert editor.open_for(name) == f"{view.run.id}-{image_id}#d3#new"


def test_a_refusal_is_told_though_another_window_drew_in_the_meantime(view, editor, monkeypatch):
    name, image_id, part, _ = halves(view)
    kept = editor.open_for(name)
    editor.choose(name, 1)
    acts = repair_panel.act

    def act(view, words, version, deed, then):
        curation.draw(view, image_id, [NewObject(part, 2)])
        acts(view, words, version, deed, then)

    monkeypatch.setattr(repair_panel, "act", act)
    assert editor.send(name, kept, 10, part).layout.drawn == {f"{image_id}#d1": 2}
    assert editor.answer().fault == "Not saved." and "picked" not in editor.session


def test_the_category_is_that_of_the_mask_and_then_the_one_just_made_and_none_where_all_are_rejected(view, editor):
    decided, (name, image_id, part, _) = curation.decided_in(view), halves(view)
    first, other = curation.category_of(view, name, decided), str(view.proposals.proposal_id[5])
    assert object_category.chosen_now(view, name, decided, first) == first
    editor.choose(name, "dog")
    assert object_category.chosen_now(view, name, decided, first) == "dog"
    assert object_category.chosen_now(view, other, decided, 0) == 0  # of another mask
    decided = editor.send(name, editor.open_for(name), 10, part)
    dog = decided.layout.drawn[f"{image_id}#d1"]
    assert object_category.chosen_now(view, name, decided, first) == dog and decided.name_of(dog) == "dog"
    rejected = curation.reject(view, view.categories(decided).ids)
    assert object_category.chosen_now(view, other, rejected, 0) is None
    editor.choose(other, "cat")
    assert object_category.chosen_now(view, other, rejected, 0) == "cat"


def test_where_every_category_is_rejected_the_editor_opens_and_takes_a_typed_name(app_test, view):
    curation.reject(view, view.categories(curation.decided_in(view)).ids)
    image_id, name = str(view.proposals.image_id[4]), str(view.proposals.proposal_id[4])
    test = app_test("image", workspace=view.workspace, proposal=name, repair=new_in(image_id))
    assert not test.exception and test.subheader[0].value.startswith("Draw an object in")
    chosen = next(s for s in test.selectbox if s.label == "Category of the new object")
    assert chosen.value is None and not chosen.options
    next(t for t in test.text_input if t.label == "Or a new category").set_value("wheel").run()
    chosen = next(s for s in test.selectbox if s.label == "Category of the new object")
    assert not test.exception and chosen.options == ["new: wheel"] and chosen.format_func(chosen.value) == "new: wheel"


def test_edits_of_a_new_object_answer_as_those_of_a_mask(view):
    image_row = int(view.image_row[4])
    name, mask, decided = new_in(str(view.image_ids[image_row])), box(view, image_row), curation.decided_in(view)

    def edit(op, amount=0.0, drawn=mask):
        draft = drafted(view, name, decided, {"op": op, "amount": amount, "runs": to_runs(drawn)}, 1)
        return draft.fault or from_runs(draft.runs, mask.shape)

    assert np.array_equal(edit("grow", 2), grown(mask, 2)) and np.array_equal(edit("part", 1), mask)
    assert "no drawn object" in edit("original") or "no proposal" in edit("original")
    assert "Paint on the object first" in edit("threshold", 0.5, np.zeros_like(mask))
    found = view.proposals.mask(4)
    assert "choose a lower one" in edit("threshold", 0.5, found)  # all of its pixels are another's
    rows = np.flatnonzero(found.any(axis=1))
    left = found & (np.arange(len(found)) < rows[len(rows) // 2])[:, None]
    decided = curation.redraw(view, str(view.proposals.proposal_id[4]), left)
    assert np.array_equal(edit("threshold", 0.5, found), found & ~left)  # what the detector's mask had and is free now
    assert "no image" in drafted(view, new_in("gone"), decided, {"op": "grow", "amount": 1, "runs": "0"}, 1).fault


def test_crops_layers_grid_and_filter_show_a_drawn_object(view, monkeypatch):
    monkeypatch.setenv("COMUS_WORKSPACE", str(view.workspace.root))
    client = TestClient(Starlette(routes=asgi.routes()))
    before = photo_filter.look_of(view, curation.decided_in(view), 0)
    decided, name = draw(view)
    crop = client.get(urls.drawn_crop(view, decided, name))
    assert "immutable" in crop.headers["cache-control"]
    assert crop.content == pictures.drawn_crop(view, 0, 160, "#ffffff", decided)
    assert client.get(urls.drawn_crop(view, decided, name).replace("/0/1?", "/0/2?")).status_code == 404
    layer = np.asarray(Image.open(io.BytesIO(client.get(urls.layer(view, 0, "proposal", decided=decided)).content)))
    ids = view.categories(decided).ids
    colour = category_colours(ids)[view.drawn(decided).category[0]]
    inside = box(view, 0)
    assert (layer[inside][:, 3] > 0).all()
    assert {"#{:02x}{:02x}{:02x}".format(*pixel[:3]) for pixel in layer[inside]} == {colour.lower()}
    look = photo_filter.look_of(view, decided, 0)
    assert look != before and photo_filter.look_of(view, decided, 1) == photo_filter.look_of(view, Decisions(), 1)
    plain = np.asarray(photo_routes.drawn(view, decided, 0, 320, plain=True), int)
    assert np.abs(np.asarray(photo_routes.drawn(view, decided, 0, 320), int) - plain).max() > 20
    moved = curation.create(view, "own", [name])
    own = str(view.clusters)
    assert photo_filter.filtered(view, moved, {"category": own}).images.tolist() == [0]
    assert photo_filter.filtered(view, moved, {"category": own, "side": "core"}).images.tolist() == [0]
    gone = curation.exclude(view, [str(view.image_ids[0])])
    assert 0 not in photo_filter.filtered(view, gone, {"category": photo_filter.NONE}).images
    curation.undo(view)
    for values in ({"category": own, "side": "filtered"}, {"category": own, "confidence": "0-90"}):
        assert not len(photo_filter.filtered(view, moved, values).images)


def test_the_card_of_its_category_counts_and_shows_it(app_test, view):
    decided, name = draw(view)
    summary = next(s for s in summaries(view, decided) if s.cluster == 1)
    assert summary.drawn == (name,) and summary.size == len(view.categories(decided).rows[1])
    test = app_test("clusters", workspace=view.workspace)
    assert not test.exception and f'data-proposal="{name}"' in texts(test) and "1 drawn" in texts(test)
