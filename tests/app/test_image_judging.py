"""Accept, reject, erase, undo and redo on the Image page; the layers that show what is wrong."""

import io

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.data import urls
from app.server import asgi
from app.server.error_layer import errors_of
from app.server.training_routes import ERROR_COLOURS
from comus_core import curation
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.demo.drawing import rgb
from comus_core.evaluation.error_map import IGNORED, RIGHT
from comus_core.runs.run_view import open_run_view
from comus_core.workspace.decisions import Decisions
from tests.app.test_frame import texts
from tests.builders import score_run


@pytest.fixture
def view(changeable):
    return open_run_view(*changeable)


def dropped(view) -> str:
    """A proposal that the filter drops."""
    return str(view.proposals.proposal_id[np.flatnonzero(~view.kept(curation.decided_in(view)))[3]])


def pressed(test, key: str):
    test.button(key=key).click().run()
    assert not test.exception
    return test


def test_a_mask_is_accepted_rejected_and_erased_and_each_is_taken_back(app_test, view):
    name = dropped(view)
    test = app_test("image", workspace=view.workspace, proposal=name)
    assert 'data-kept="false"' in texts(test) and test.button(key="judgement_redo").disabled
    pressed(test, "judgement_accept")
    assert 'data-kept="true"' in texts(test) and "You accepted it" in texts(test)
    assert curation.decided_in(view).layout.accepted == {name} and test.button(key="judgement_accept").disabled
    pressed(test, "judgement_erase")
    assert "You erased its mask" in texts(test) and curation.decided_in(view).layout.erased == {name}
    assert test.button(key="judgement_undo").label.startswith("Undo erasure of mask")
    pressed(test, "judgement_undo")
    assert "You accepted it" in texts(test)
    pressed(test, "judgement_undo")
    assert curation.decided_in(view).layout.accepted == frozenset() and 'data-kept="false"' in texts(test)
    pressed(test, "judgement_redo")
    pressed(test, "judgement_reject")
    assert "in no cluster" in texts(test) and test.button(key="judgement_reject").disabled
    pressed(test, "judgement_accept")
    assert view.kept(curation.decided_in(view))[view.row_of[name]]


def test_what_another_window_decided_on_the_mask_is_told_and_not_overwritten(app_test, view):
    name = dropped(view)
    test = app_test("image", workspace=view.workspace, proposal=name)
    curation.erase(view, [name])
    test.button(key="judgement_accept").click().run()
    assert not test.exception and "someone else has changed" in " ".join(t.value for t in test.toast)
    assert curation.decided_in(view).layout.erased == {name} and "You erased its mask" in texts(test)


def test_an_erased_mask_leaves_the_layers_and_a_rejected_one_the_pseudo_mask(view, monkeypatch):
    monkeypatch.setenv("COMUS_WORKSPACE", str(view.workspace.root))
    client = TestClient(Starlette(routes=asgi.routes()))
    row = int(np.flatnonzero(view.kept(curation.decided_in(view)))[0])
    at = view.image_row_of[view.proposals.image_id[row]]

    def painted(name) -> int:
        decided = curation.decided_in(view)
        layer = Image.open(io.BytesIO(client.get(urls.layer(view, at, name, decided=decided)).content))
        return int((np.asarray(layer)[..., 3] > 0).sum())

    area = int(view.proposals.area[row])
    assert (painted("proposal"), painted("pseudo_mask")) == (area, area)
    curation.erase(view, [str(view.proposals.proposal_id[row])])
    assert (painted("proposal"), painted("pseudo_mask")) == (0, 0)


def test_the_error_layer_is_where_the_matched_class_differs_from_the_truth(view, monkeypatch):
    monkeypatch.setenv("COMUS_WORKSPACE", str(view.workspace.root))
    client = TestClient(Starlette(routes=asgi.routes()))
    class_of = score_run(view.workspace, view.run, decided=Decisions()).matched.class_of
    truth = open_dataset(view.run.config.dataset, view.workspace.drawings).truth
    wrong = 0
    for at in range(0, 40, 7):
        image_id = str(view.image_ids[at])
        predicted = np.full(tuple(view.image_sizes[at]), class_of[0])
        for row in view.rows_of_image.get(image_id, []):
            predicted[view.proposals.mask(row)] = class_of[view.cluster[row] + 1]
        mask = truth.mask(image_id)
        errors = errors_of(view, at, Decisions())
        assert np.array_equal((errors != RIGHT) & (errors != IGNORED), (predicted != mask) & (mask != 255))
        layer = np.asarray(Image.open(io.BytesIO(client.get(urls.layer(view, at, "errors")).content)))
        for kind, colour in ERROR_COLOURS.items():
            assert (layer[errors == kind][:, :3] == rgb([colour])[0]).all()
            wrong += int((errors == kind).sum())
        assert (layer[errors == RIGHT][:, 3] == 0).all()
    assert wrong > 0


def test_a_run_on_vectors_of_ones_own_says_that_no_picture_can_be_compared(app_test, view):
    test = app_test("image", workspace=view.workspace)
    assert not test.exception and "an image of your own" not in "".join(part.proto.body for part in test.get("html"))
    test = app_test("similar", workspace=view.workspace)
    assert not test.exception and "cannot be compared with it" in " ".join(c.value for c in test.caption)


def test_an_image_without_a_proposal_is_excluded_and_included_and_says_so(app_test, view):
    empty = next(str(i) for i in view.image_ids if not view.rows_of_image.get(str(i)))
    test = app_test("image", workspace=view.workspace, image=empty)
    keys = [b.key for b in test.button]
    assert "judgement_accept" not in keys and "repair_mask" not in keys and "excluded" not in texts(test)
    pressed(test, "judgement_exclude")
    assert curation.decided_in(view).layout.excluded == {empty} and "0 proposals · excluded" in texts(test)
    assert test.button(key="judgement_exclude").label == "Include 1 image"
    pressed(test, "judgement_exclude")
    assert not curation.decided_in(view).layout.excluded


def test_the_open_proposal_has_the_actions_of_every_selection(app_test, view):
    name = dropped(view)
    test = app_test("image", workspace=view.workspace, proposal=name)
    labels = {b.key: b.label for b in test.button if str(b.key).startswith("judgement_")}
    test = app_test("explore", workspace=view.workspace, proposal=name)
    prefix = "map_selection_"
    assert labels == {
        b.key.replace(prefix, "judgement_"): b.label for b in test.button if str(b.key).startswith(prefix)
    }
    assert {"judgement_move", "judgement_accept", "judgement_put_back", "judgement_exclude"} < labels.keys()
