"""The Explore page in a real browser, over the real server: what is drawn is what the gallery holds."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from comus_core.run_view import open_run_view
from tests.app.map_browser import drag, flower
from tests.app.serving import settle
from tests.app.steps import MAP_READY, choose, draw, head, ids_of_gallery, open_explore, recomputed

pytestmark = pytest.mark.browser
TURNED = "first => document.querySelector('.comus-gallery a').dataset.proposal !== first"
ARRIVED = "[...document.querySelectorAll('.comus-gallery img')].slice(0, 6).every(i => i.naturalWidth > 0)"


def test_the_gallery_holds_exactly_what_a_lasso_is_drawn_around(page, address, shown):
    open_explore(page, address)
    words = draw(page, flower(size=0.35))
    expected = recomputed(shown, page.url)
    assert 0.05 < len(expected) / 86 < 0.95
    assert words == f"{len(expected)} of 86 proposals selected"
    assert sorted(ids_of_gallery(page)) == sorted(expected)


def test_the_selection_stays_after_recolouring_a_page_change_and_a_reload(page, address, shown):
    open_explore(page, address)
    words = draw(page, flower(size=0.3))
    expected = recomputed(shown, page.url)
    key = parse_qs(urlsplit(page.url).query)["selection"]

    def unchanged() -> None:
        settle(page, words)
        assert sorted(ids_of_gallery(page)) == sorted(expected)
        assert parse_qs(urlsplit(page.url).query)["selection"] == key

    choose(page, "colour_by", "Ground truth")
    page.wait_for_url("**colour=truth**")
    unchanged()
    page.get_by_test_id("stSidebarNav").get_by_text("Scores").click()
    page.wait_for_url("**/scores**")
    settle(page)
    page.get_by_test_id("stSidebarNav").get_by_text("Explore").click()
    page.wait_for_selector(MAP_READY)
    unchanged()
    page.reload()
    page.wait_for_selector(MAP_READY)
    unchanged()
    assert page.locator(".readout span").inner_text() == f"{len(expected)} of 86 selected"


def test_an_address_can_be_shared(open_page, address, shown):
    first = open_page()
    open_explore(first, address)
    words = draw(first, flower(size=0.3))
    second = open_page()
    second.goto(first.url)
    settle(second, words)
    assert sorted(ids_of_gallery(second)) == sorted(recomputed(shown, first.url))


def test_shift_adds_alt_subtracts_and_clear_brings_everything_back(page, address, shown):
    open_explore(page, address)
    draw(page, flower(x=0.35, size=0.2))
    draw(page, flower(x=0.6, size=0.2), keys=["Shift"])
    words = draw(page, flower(x=0.5, y=0.5, size=0.15), keys=["Alt"])
    expected = recomputed(shown, page.url)
    assert words == f"{len(expected)} of 86 proposals selected"
    assert sorted(ids_of_gallery(page)) == sorted(expected)
    page.locator(".st-key-clear_selection button").click()
    settle(page, "All 86 proposals")
    assert "selection=" not in page.url


def test_the_selection_is_kept_on_the_other_projection_until_something_is_drawn_there(page, address, shown):
    open_explore(page, address)
    words = draw(page, flower(size=0.3))
    expected = recomputed(shown, page.url)
    page.locator(".st-key-map_method").get_by_text("UMAP").click()
    settle(page, "Chosen on the t-SNE map")
    assert head(page) == words and sorted(ids_of_gallery(page)) == sorted(expected)
    page.wait_for_selector(MAP_READY)
    draw(page, flower(size=0.35))
    assert shown[0].selections.read(parse_qs(urlsplit(page.url).query)["selection"][0]).method == "umap"
    assert sorted(ids_of_gallery(page)) == sorted(recomputed(shown, page.url))


def test_a_lasso_sends_little_and_a_picture_leads_to_its_photograph_without_a_reload(page, address):
    sent: list[int] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(len(frame))))
    open_explore(page, address)
    before = sum(sent)
    draw(page, flower(size=0.3))
    assert 0 < sum(sent) - before < 50_000
    page.evaluate("window.stillHere = true")
    link = page.locator(".st-key-selection_gallery a.comus-link").nth(3)
    name = link.get_attribute("data-proposal")
    link.click()
    page.wait_for_url("**/image?**")
    settle(page, "Image")
    assert page.evaluate("window.stillHere") and parse_qs(urlsplit(page.url).query)["proposal"] == [name]
    page.get_by_test_id("stSidebarNav").get_by_text("Explore").click()
    settle(page, "proposals selected")


def test_a_click_shows_the_very_point_that_was_clicked(page, address, shown):
    open_explore(page, address)
    page.locator("button[data-tool=box]").click()
    before = page.url
    drag(page, [(0.3, 0.3), (0.7, 0.8)])
    page.wait_for_url(lambda url: url != before)
    settle(page, "proposals selected")
    drawn = shown[0].selections.read(parse_qs(urlsplit(page.url).query)["selection"][0]).gestures[0].polygon
    (x0, y0), (x1, y1) = drawn[0], drawn[2]  # what the plot's 30 % and 70 %, 30 % and 80 % mean in the map
    view = open_run_view(*shown)
    place = view.points("tsne").astype(float)
    within = np.flatnonzero((place[:, 0] > x0) & (place[:, 0] < x1) & (place[:, 1] > y1) & (place[:, 1] < y0))
    away = np.linalg.norm(place[within][:, None] - place[None], axis=2)
    lonely = within[np.sort(away, axis=1)[:, 1].argmax()]
    box = page.locator(".plot").bounding_box()
    across, down = (place[lonely, 0] - x0) / (x1 - x0), (place[lonely, 1] - y0) / (y1 - y0)
    page.mouse.click(box["x"] + (0.3 + 0.4 * across) * box["width"], box["y"] + (0.3 + 0.5 * down) * box["height"])
    name = view.proposals.proposal_id[lonely]
    page.locator(f'.comus-picked[data-proposal="{name}"]').wait_for(timeout=30_000)


def test_every_picture_says_what_it_is_and_arrives(page, address):
    open_explore(page, address)
    pictures = page.locator(".st-key-selection_gallery img")
    assert pictures.count() == 60
    assert all(pictures.evaluate_all("all => all.map(img => img.alt.includes('#'))"))
    page.locator(".st-key-selection_gallery").scroll_into_view_if_needed()
    page.wait_for_function(
        "[...document.querySelectorAll('.comus-gallery img')].slice(0, 6).every(i => i.naturalWidth > 0)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_holds_the_page_without_sideways_scrolling(open_page, address, scheme):
    page = open_page(width=390, height=844, scheme=scheme)
    open_explore(page, address)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    assert page.locator(".plot").bounding_box()["width"] > 280
