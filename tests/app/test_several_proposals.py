"""The pages of a run with one, two and three proposals an image."""

import html
import re

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.data import image_navigation, photo_filter
from app.data.run_cache import view_of
from app.server import asgi, photo_routes
from comus_core.runs.run_view import open_run_view
from tests.app.test_explore import all_pages
from tests.app.test_frame import texts
from tests.app.test_image import looked_at
from tests.app.working import open_app


@pytest.fixture
def view(several):
    return open_run_view(*several[1:])


@pytest.fixture
def page(several, monkeypatch):
    """A function that opens a page of the run."""
    _, workspace, run = several
    return lambda name, **query: open_app(monkeypatch, workspace, name, run=run.id, **query)


def galleries(test) -> list[list[str]]:
    bodies = [part.proto.body for part in test.get("html") if 'class="comus-gallery"' in part.proto.body]
    return [re.findall(r'data-proposal="([^"]+)"', body) for body in bodies]


def test_the_image_page_shows_a_proposal_and_the_others_of_its_image(page, view):
    rows = next(rows for rows in view.rows_of_image.values() if len(rows) == 3)
    names = [str(view.proposals.proposal_id[row]) for row in rows]
    for name in names:
        test = page("image", proposal=name)
        assert not test.exception and looked_at(test) == name
        words = html.unescape(texts(test))
        assert "3 proposals" in words and "Other proposals in this image" in words
        assert [n for n in names if n != name] in galleries(test)


def test_the_walk_through_images_stops_once_at_each_image(page, view):
    test = page("image")
    assert "1 of 24" in texts(test)
    seen = [looked_at(test)]
    for _ in range(5):
        test.button(key="next_image").click().run()
        seen.append(looked_at(test))
    assert [name.split("#")[0] for name in seen] == [str(i) for i in view.image_ids[:6]]


def test_the_walk_through_a_cluster_comes_by_each_of_its_proposals_once(several, view):
    decided = several[1].decisions_of(several[2])
    members = set(np.flatnonzero(view.cluster == 0).tolist())
    place, seen = image_navigation.place_of(view, decided, str(view.proposals.proposal_id[min(members)]), None), []
    while (before := image_navigation.walk(view, place, "cluster", decided).before) is not None:
        place = before
    while place is not None:
        seen.append(place.row)
        place = image_navigation.walk(view, place, "cluster", decided).after
    assert len(seen) == len(members) and set(seen) == members


def test_the_map_and_its_gallery_hold_every_object(page, view):
    test = page("explore")
    assert not test.exception and "48 proposals" in html.unescape(texts(test))
    assert sorted(all_pages(test)) == sorted(map(str, view.proposals.proposal_id))


def test_the_cards_of_clusters_hold_every_object_once(page, view):
    test = page("clusters")
    assert not test.exception
    bodies = [part.proto.body for part in test.get("html") if 'class="comus-sides"' in part.proto.body]
    shown = [name for body in bodies for name in re.findall(r'data-proposal="([^"]+)"', body)]
    assert len(bodies) == view.clusters == 3 and len(shown) == len(set(shown))
    for cluster in range(3):
        members = set(view.proposals.proposal_id[view.cluster == cluster])
        assert any(set(re.findall(r'data-proposal="([^"]+)"', body)) <= members for body in bodies)
    assert f"{int(np.bincount(view.cluster).max())} proposals" in html.unescape(texts(test))


def test_a_thumbnail_of_the_image_grid_has_the_colour_of_each_object(several, monkeypatch):
    _, workspace, run = several
    monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root))
    view, client = view_of(run), TestClient(Starlette(routes=asgi.routes()))
    row = next(view.image_row_of[i] for i, r in view.rows_of_image.items() if len(r) == 3)
    decided = workspace.decisions_of(run)
    look = photo_filter.look_of(view, decided, row)
    answers = [
        client.get(photo_routes.thumbnail_url(view).format(row=row, look=look, size=320, plain=plain))
        for plain in ("", "1")
    ]
    assert [answer.status_code for answer in answers] == [200, 200] and answers[0].content != answers[1].content
