"""The image grid's page and routes, and the pages before a run with the images chosen for it."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.data import photo_filter
from app.data.colouring import category_colours
from app.data.run_cache import view_of
from app.server import asgi, photo_routes
from comus_core import curation, exclude_from_dataset
from comus_core.config import RunConfig
from comus_core.datasets.demo.drawing import rgb
from comus_core.jobs import list_jobs
from comus_core.pipelines.verb_settings import DatasetExclusionSettings
from tests.app.working import by_key, open_app, texts


@pytest.fixture
def opened(changeable, monkeypatch):
    """(view, client) of a run of which a test may decide."""
    workspace, run = changeable
    monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root))
    return view_of(run), TestClient(Starlette(routes=asgi.routes()))


def decisions(view):
    return view.workspace.decisions_of(view.run)


def thumbnail(view, row: int, size: int = 320, plain: str = "") -> str:
    look = photo_filter.look_of(view, decisions(view), row)
    return photo_routes.thumbnail_url(view).format(row=row, look=look, size=size, plain=plain)


def test_the_list_comes_in_parts_with_row_id_shape_and_look(opened):
    view, client = opened
    url = photo_routes.list_url(view, decisions(view), {"category": "1"})
    found = photo_filter.filtered(view, decisions(view), {"category": "1"})
    answer = client.get(f"{url}&at=2&n=3")
    assert answer.status_code == 200 and "immutable" in answer.headers["Cache-Control"]
    page = answer.json()
    assert page["count"] == len(found.images) and [entry[0] for entry in page["images"]] == found.images[2:5].tolist()
    row, image_id, ratio, look, proposals, _ = page["images"][0]
    height, width = view.image_sizes[row]
    assert (image_id, proposals) == (view.image_ids[row], 1) and ratio == pytest.approx(width / height, abs=1e-3)
    assert look == photo_filter.look_of(view, decisions(view), row)
    assert len(client.get(f"{url}&at=0&n=99999").json()["images"]) <= photo_routes.MOST
    assert client.get(f"{url}&at=x&n=-1").json()["images"] == []


def test_the_list_says_which_images_are_excluded(opened):
    view, client = opened
    gone = str(view.image_ids[3])
    curation.exclude(view, [gone])
    images = client.get(f"{photo_routes.list_url(view, decisions(view), {})}&at=0&n=90").json()["images"]
    assert {image_id for _, image_id, *_, excluded in images if excluded} == {gone}


def test_a_thumbnail_has_its_shape_and_its_masks_in_the_colour_of_the_category(opened):
    view, client = opened
    kept = view.kept(decisions(view))
    for core in (True, False):
        row = int(np.flatnonzero(kept == core)[0])
        image_row = int(view.image_row[row])
        pictures = []
        for plain in ("", "1"):
            answer = client.get(thumbnail(view, image_row, plain=plain))
            assert answer.headers["Content-Type"] == "image/jpeg" and "immutable" in answer.headers["Cache-Control"]
            pictures.append(np.asarray(Image.open(io.BytesIO(answer.content)), float))
        drawn, bare = pictures
        assert drawn.shape[:2] == tuple(view.image_sizes[image_row])
        mask = view.proposals.mask(row)
        colour = rgb(category_colours(view.categories(decisions(view)).ids))[view.cluster[row]]
        share = (photo_routes.CORE if core else photo_routes.DROPPED) / 255
        mixed = (1 - share) * bare[mask].mean(axis=0) + share * colour
        assert np.abs(drawn[mask].mean(axis=0) - mixed).max() < 8
        assert np.abs(drawn[~mask].mean(axis=0) - bare[~mask].mean(axis=0)).max() < 4


def test_another_address_for_what_a_decision_changed_and_no_other_sizes(opened):
    view, client = opened
    before, other = thumbnail(view, int(view.image_row[0])), thumbnail(view, int(view.image_row[60]))
    drawn = client.get(before).content
    curation.erase(view, [str(view.proposals.proposal_id[0])])
    after = thumbnail(view, int(view.image_row[0]))
    assert after != before and client.get(after).content != drawn
    assert "immutable" not in client.get(before).headers["Cache-Control"]
    assert view.cluster[0] == view.cluster[60] or thumbnail(view, int(view.image_row[60])) == other
    assert client.get(after.replace("size=320", "size=321")).status_code == 400
    assert client.get(after.replace("/photos/", "/photos/9999")).status_code == 404


def grid_of(test) -> dict:
    (one,) = [json.loads(part.proto.json) for part in test.get("bidi_component") if "listUrl" in part.proto.json]
    return one


def test_the_page_shows_all_and_the_address_filters_and_selects(app_test, shown):
    test = app_test("photos")
    assert not test.exception and "**90 images**" in texts(test)
    assert grid_of(test)["count"] == 90 and grid_of(test)["picked"] == ""
    view = view_of(shown[1])
    first = photo_filter.filtered(view, decisions(view), {"category": "1"}).images
    test = app_test("photos", filter="category_1", picked=f"{first[0]}.{first[2]}.{first[-1] + 1}")
    assert not test.exception and grid_of(test)["count"] == len(first) and grid_of(test)["picked"] == "0.2"
    assert "**2 images with 2 proposals selected**" in texts(test)
    assert by_key(test.selectbox, "photo_category").value == "1"
    by_key(test.selectbox, "photo_side").set_value("filtered").run()
    assert not test.exception and test.query_params["filter"] == "category_1~side_filtered"
    by_key(test.button, "photo_all").click().run()
    assert grid_of(test)["count"] == 90 and "filter" not in test.query_params


def test_a_long_selection_is_under_a_key_and_comes_back(opened, monkeypatch):
    view, _ = opened
    ranges = photo_filter.to_ranges(range(0, 90, 2))
    key = view.workspace.image_lists.keep_text(ranges)
    test = open_app(monkeypatch, view.workspace, "photos", run=view.run.id, picked=f"k{key}")
    assert not test.exception and grid_of(test)["picked"] == ranges
    test = open_app(monkeypatch, view.workspace, "photos", run=view.run.id, picked="kunknown")
    assert not test.exception and grid_of(test)["picked"] == ""


def test_no_match_says_so_and_a_run_without_training_has_no_student(app_test):
    test = app_test("photos", filter="category_99")
    assert not test.exception and "No matching image" in texts(test)
    assert by_key(test.selectbox, "photo_images").options == ["All images", "Without a proposal", "Excluded"]


def test_the_selected_images_proposals_go_to_the_bar(opened, monkeypatch):
    view, _ = opened
    test = open_app(monkeypatch, view.workspace, "photos", run=view.run.id, picked="0-2")
    assert not test.exception and "**3 images with 3 proposals selected**" in texts(test)
    by_key(test.button, "photos_erase").click().run()
    names = {str(view.proposals.proposal_id[r]) for r in range(len(view)) if view.image_row[r] < 3}
    assert not test.exception and set(decisions(view).layout.erased) == names


def test_a_run_is_started_from_the_selected_images_without_the_excluded_ones(opened, monkeypatch, tmp_path):
    view, _ = opened
    spec = view.run.config.dataset
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", spec)
    ids = [str(i) for i in view.image_ids]
    exclude_from_dataset(spec, view.workspace, DatasetExclusionSettings((ids[1],)))
    key = view.workspace.image_lists.keep([*ids[:4], "images/gone.png"])
    test = open_app(monkeypatch, view.workspace, "new_run", data=spec, only=key)
    words = texts(test)
    assert not test.exception and "**Only 5 selected images**" in words
    assert "1 image named in the settings is not in the data set: images/gone.png; a run ignores it." in words
    monkeypatch.setattr("app.forms.verb_form.ensure_supervisor", lambda *_: None, raising=False)
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    by_key(test.button, "new_start").click().run()
    config = list_jobs(view.workspace)[0].subject
    assert (config["only"], config["exclude"]) == ([*ids[:4], "images/gone.png"], [ids[1]])
    test = open_app(monkeypatch, view.workspace, "new_run", data=spec, only=key)
    by_key(test.button, "new_use_all").click().run()
    assert not test.exception and "Only 5" not in texts(test) and "only" not in test.query_params


def test_discover_says_what_is_excluded_and_refuses_a_run_without_images(opened, monkeypatch):
    view, _ = opened
    spec = view.run.config.dataset
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", spec)
    exclude_from_dataset(spec, view.workspace, DatasetExclusionSettings(tuple(map(str, view.image_ids[:7]))))
    test = open_app(monkeypatch, view.workspace, "new_run", data=spec)
    assert not test.exception and next(link.proto.label for link in test.get("page_link")) == "7 images excluded"
    assert not by_key(test.button, "new_start").disabled
    exclude_from_dataset(spec, view.workspace, DatasetExclusionSettings(tuple(map(str, view.image_ids))))
    test = open_app(monkeypatch, view.workspace, "new_run", data=spec)
    assert "all images are excluded: include at least one" in test.error[0].value
    assert by_key(test.button, "new_start").disabled


def test_many_excluded_images_are_in_a_file_and_not_in_the_command(opened, monkeypatch):
    view, _ = opened
    spec = view.run.config.dataset
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", spec)
    exclude_from_dataset(spec, view.workspace, DatasetExclusionSettings(tuple(map(str, view.image_ids[:30]))))
    test = open_app(monkeypatch, view.workspace, "new_run", data=spec)
    assert not test.exception
    assert test.code[0].value == f"comus run --config settings.json --workspace {view.workspace.root}"


def test_settings_of_older_runs_choose_all_images():
    assert (RunConfig("demo").exclude, RunConfig("demo").only) == ((), ())
