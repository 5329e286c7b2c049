"""What stands around every page, in a real browser: the way back, headings, contrast, focus, notices."""

from __future__ import annotations

import itertools
import re

import pytest
from playwright.sync_api import expect

from tests.app.serving import serving, settle
from tests.jobs.watching import until

pytestmark = pytest.mark.browser

ABOUT_A_RUN = ("explore", "clusters", "name", "filter", "scores", "image", "training", "predict")
HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
    .filter(e => e.checkVisibility()).map(e => Number(e.tagName[1]))"""
CONTRAST = """all => all.map(e => {
    const numbers = (text) => text.match(/[\\d.]+/g).map(Number)
    const rgb = (text) => text.startsWith('color(') ? numbers(text).map((v, k) => k < 3 ? 255 * v : v) : numbers(text)
    const light = (c) => c.slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0)
    const layers = []
    for (let at = e; at; at = at.parentElement) layers.unshift(rgb(getComputedStyle(at).backgroundColor))
    const under = layers.reduce((below, [r, g, b, a = 1]) => [r, g, b].map((v, k) => a * v + (1 - a) * below[k]),
        [255, 255, 255])
    const [one, two] = [light(rgb(getComputedStyle(e.querySelector('p')).color)), light(under)]
    return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05)
})"""
# How far the focus frame of a picture reaches beyond its box, and how far below the box its words begin.
FRAME = """e => {
    e.focus({focusVisible: true})
    const style = getComputedStyle(e), box = e.getBoundingClientRect()
    const words = e.parentElement.querySelector('figcaption').getBoundingClientRect()
    return [parseFloat(style.outlineWidth) + parseFloat(style.outlineOffset), words.top - box.bottom]
}"""


def test_back_and_forward_change_the_page_with_the_address(page, address):
    page.goto(f"{address}explore")
    settle(page, "Explore")
    page.locator(".st-key-pages a").filter(has_text="Clusters").first.click()
    settle(page, "Show all")
    page.locator(".st-key-card_1").get_by_text("Show all").click()
    page.get_by_text("All clusters").wait_for()
    settle(page)
    assert "cluster=1" in page.url
    page.go_back()
    page.locator(".st-key-card_1").wait_for()
    settle(page)
    assert "/clusters" in page.url and "cluster=1" not in page.url
    page.go_back()  # one step a page: no entry whose only news is that the address was completed
    expect(page.get_by_role("heading", name="Explore")).to_be_visible()
    settle(page)
    assert "/explore" in page.url
    page.go_forward()
    page.locator(".st-key-card_1").wait_for()
    settle(page)
    page.go_forward()
    page.get_by_text("All clusters").wait_for()
    settle(page)
    assert "cluster=1" in page.url


def test_no_page_skips_a_level_of_headings(page, address):
    for name in ABOUT_A_RUN:
        page.goto(f"{address}{name}")
        page.locator("[data-testid=stMainBlockContainer] h1").wait_for()
        settle(page)
        levels = page.evaluate(HEADINGS)
        assert levels[0] == 1 and levels.count(1) == 1, (name, levels)
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), (name, levels)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_button_that_is_down_can_be_read(open_page, address, scheme):
    page = open_page(scheme=scheme)
    page.goto(f"{address}scores")
    settle(page, "Classes")
    page.locator(".st-key-matching [aria-checked=true]").wait_for()
    down = page.locator('[data-testid=stButtonGroup] [role=radio][aria-checked="true"]')
    until(lambda: min(down.evaluate_all(CONTRAST), default=0) >= 4.5)  # its colour changes over some frames


def test_the_frame_of_a_focused_picture_leaves_its_words_alone(page, address):
    page.goto(f"{address}clusters")
    settle(page, "Show all")
    reach, distance = page.locator(".comus-gallery figure a").first.evaluate(FRAME)
    assert 0 < reach < distance


def test_a_notice_covers_no_button_of_the_page(page, changeable, tmp_path):
    workspace, _ = changeable
    with serving(workspace.root, tmp_path) as url:
        page.goto(f"{url}clusters")
        settle(page, "Show all")
        page.locator(".st-key-name_2 input").fill("Fluffy things")
        page.locator(".st-key-name_2 input").press("Enter")
        notice = page.get_by_test_id("stToast").filter(has_text=re.compile("Renamed: Fluffy things"))
        notice.wait_for()
        right = notice.bounding_box()["x"] + notice.bounding_box()["width"]
        buttons = page.locator("[data-testid=stMainBlockContainer] button:visible")
        assert all(box["x"] >= right for box in buttons.evaluate_all("all => all.map(e => e.getBoundingClientRect())"))
        page.goto("about:blank")


def test_a_folder_that_is_taken_closes_the_list_that_lies_over_the_form(page, address, shown):
    page.goto(f"{address}new")
    settle(page, "Preview")
    page.get_by_role("radio", name="Folder", exact=True).click()
    settle(page, "Browse")
    page.locator(".st-key-new_folder_browse button").click()
    settle(page, "Use this folder")
    page.get_by_role("button", name="Use this folder").click()
    expect(page.get_by_role("button", name="Use this folder")).to_be_hidden()
    settle(page)
    expect(page.get_by_label("Folder on the server").last).not_to_have_value("")
