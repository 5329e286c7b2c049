"""Clusters, filter, scores and photographs in a real browser, over the real server."""

from __future__ import annotations

import csv
import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from comus_core.runs.run_view import open_run_view
from comus_core.workspace.decisions import Decisions
from tests.app.map_browser import READY
from tests.app.serving import PATIENCE, serving, settle
from tests.app.steps import figures, reruns_asked, slide
from tests.builders import score_run

pytestmark = pytest.mark.browser
PHOTO = ".st-key-photo"


@pytest.fixture
def view(shown):
    return open_run_view(*shown)


@pytest.mark.parametrize("percent", [0, 40])
def test_the_slider_shows_the_kept_counts_and_the_miou_of_the_core(page, address, shown, view, percent):
    page.goto(f"{address}filter")
    settle(page, "Pixel accuracy")
    slide(page, percent)
    draft = Decisions(filter_percent=percent)
    kept, scores = int(view.kept(draft).sum()), score_run(*shown, draft)
    page.locator(".st-key-filter_figures").get_by_text(f"{scores.filtered.miou:.2f} %").wait_for()
    settle(page)
    found = figures(page)
    assert (found["Kept"], found["Dropped"]) == (str(kept), str(len(view) - kept))
    assert found["mIoU"] == f"{scores.filtered.miou:.2f} %"
    assert found["Coverage"] == f"{100 * scores.coverage:.1f} %"
    links = page.locator(".st-key-filter_gallery a.comus-link")
    assert links.count() == min(len(view) - kept, 48)


def test_a_cluster_renamed_is_called_so_after_the_app_was_started_anew(page, changeable, tmp_path):
    workspace, run = changeable
    with serving(workspace.root, tmp_path) as url:
        page.goto(f"{url}clusters")
        settle(page, "Core")
        field = page.locator(".st-key-name_2 input")
        field.fill("Fluffy <b>things</b>")
        field.press("Enter")
        page.get_by_text("Renamed: Fluffy").wait_for()
        page.goto("about:blank")  # the page must not ask a server that is gone
    with serving(workspace.root, tmp_path) as url:
        page.goto(f"{url}clusters")
        settle(page, "Core")
        expect(page.locator(".st-key-name_2 input")).to_have_value("Fluffy <b>things</b>", timeout=PATIENCE)
        view = open_run_view(workspace, run)
        page.goto(
            f"{url}image?proposal=" + quote(str(view.proposals.proposal_id[view.categories(Decisions()).rows[2][0]]))
        )
        settle(page)
        page.locator(".comus-proposal a", has_text="Fluffy <b>things</b>").wait_for()
        page.goto("about:blank")


def test_a_card_leads_to_its_cluster_and_a_crop_to_its_photograph_without_loading_anew(page, address, view):
    page.goto(f"{address}clusters")
    settle(page, "Show all")
    page.evaluate("window.sameDocument = true")
    page.locator(".st-key-card_1").get_by_text("Show all").click()
    page.wait_for_url(re.compile("cluster=1"))
    page.get_by_text("All clusters").wait_for()
    settle(page)
    crop = page.locator("[data-side=core] a.comus-link").first
    name = crop.get_attribute("data-proposal")
    assert name == view.proposals.proposal_id[view.categories(Decisions()).rows[1][0]]
    crop.click()
    page.locator(f'.comus-proposal[data-proposal="{name}"]').wait_for()
    settle(page)
    assert page.evaluate("window.sameDocument") is True


def test_layers_are_switched_and_faded_without_a_rerun(page, address, view):
    row, asked = next(row for row in range(len(view)) if view.cluster[row] >= 0), reruns_asked(page)
    page.goto(f"{address}image?proposal=" + quote(str(view.proposals.proposal_id[row])))
    settle(page)
    photo = page.locator(PHOTO)
    photo.locator(".frame > .image").wait_for()
    layer = photo.locator('img[data-layer="truth"]')
    assert layer.get_attribute("src") is None  # not fetched before it is looked at
    before = len(asked)
    photo.get_by_label("Ground truth", exact=False).first.check()
    photo.get_by_label("Opacity of Ground truth").fill("35")
    assert layer.evaluate("e => e.style.opacity") == "0.35"
    page.keyboard.press("4")
    assert layer.evaluate("e => e.style.opacity") == "0"
    page.keyboard.press("4")
    layer.evaluate("e => e.decode()")
    assert layer.evaluate("e => e.naturalWidth") > 0
    page.keyboard.down("h")
    assert "bare" in photo.locator(".frame").get_attribute("class")
    page.keyboard.up("h")
    assert "bare" not in photo.locator(".frame").get_attribute("class")
    page.wait_for_timeout(500)
    assert len(asked) == before > 0


def test_layers_stay_as_they_were_set_on_the_next_photograph(page, address, view):
    page.goto(f"{address}image")
    settle(page)
    photo = page.locator(PHOTO)
    photo.get_by_label("Saliency", exact=False).first.check()
    photo.get_by_label("Opacity of Saliency").fill("80")
    page.get_by_role("button", name="Next").click()
    page.get_by_text(f"2 of {len(view.image_ids)}").wait_for()
    settle(page)
    layer = photo.locator('img[data-layer="saliency"]')
    page.wait_for_function("e => e.naturalWidth > 0", arg=layer.element_handle())
    assert layer.evaluate("e => e.style.opacity") == "0.8"


def test_the_table_of_classes_is_downloaded_as_csv(page, address, shown):
    page.goto(f"{address}scores")
    settle(page, "Matching")
    with page.expect_download() as download:
        page.locator(".st-key-download_classes button").click()
    with open(download.value.path(), newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    per_class = shown[1].result["evaluation"]["per_class"]
    assert {row["Class"]: float(row["IoU"]) for row in rows} == per_class


@pytest.mark.parametrize(
    ("name", "scheme"), [("clusters", "light"), ("filter", "dark"), ("scores", "light"), ("image", "dark")]
)
def test_on_a_narrow_screen_no_page_is_wider_than_the_screen(open_page, address, name, scheme):
    page = open_page(width=390, height=844, scheme=scheme)
    page.goto(f"{address}{name}")
    page.wait_for_selector(READY, timeout=60_000)
    settle(page)
    page.wait_for_selector("[data-testid=stMainBlockContainer] h1")
    scrolls = "[data-testid=stDataFrame], .comus-path"  # by themselves, within the screen
    wide = f"""() => [...document.querySelectorAll('[data-testid=stMainBlockContainer] *')].filter(
        e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('{scrolls}')
    ).map(e => e.className)"""
    assert page.evaluate(wide) == []
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [390, 720, 1280])
def test_without_the_sidebar_the_logo_lies_above_the_title_and_hides_what_is_scrolled(open_page, address, width):
    page = open_page(width=width, height=844)
    page.goto(f"{address}filter")
    settle(page)
    page.wait_for_selector("[data-testid=stMainBlockContainer] h1")
    if width > 768:  # below it Streamlit closes the sidebar by itself
        page.get_by_test_id("stSidebarHeader").hover()
        page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    page.get_by_test_id("stHeaderLogo").wait_for()
    header, title = page.get_by_test_id("stHeader"), page.locator("[data-testid=stMainBlockContainer] h1").first
    behind = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    expect(header).to_have_css("background-color", behind)
    box = header.bounding_box()
    assert title.bounding_box()["y"] >= box["y"] + box["height"]


def test_every_picture_on_the_pages_has_words_for_those_who_cannot_see_it(page, address):
    for name in ("clusters", "filter", "image"):
        page.goto(f"{address}{name}")
        settle(page)
        page.locator(".comus-gallery img").first.wait_for()
        missing = "[...document.querySelectorAll('.comus-gallery img, .comus-proposal img')].filter(i => !i.alt).length"
        assert page.evaluate(missing) == 0
