"""Crops dragged with a real mouse: onto a card, an entry of the map's legend, and the strip of categories."""

from __future__ import annotations

import pytest

from comus_core import curation
from comus_core.runs.run_view import open_run_view
from tests.app.dragging import STRIP, hold_over, let_go, take
from tests.app.map_browser import flower
from tests.app.serving import serving, settle
from tests.app.steps import decided_when, draw, ids_of_gallery, open_explore, written

pytestmark = pytest.mark.browser


def ids_of(crops) -> list[str]:
    return crops.evaluate_all("all => all.map(crop => crop.dataset.proposal)")


def test_crops_are_dragged_onto_another_card_one_or_all_that_are_selected(page, changeable, tmp_path):
    view = open_run_view(*changeable)
    page.set_viewport_size({"width": 1440, "height": 1400})  # two cards in view
    with serving(view.workspace.root, tmp_path) as url:
        page.goto(f"{url}clusters")
        settle(page, "Core")
        cards = page.locator("[class*='st-key-card_']")
        of, to = cards.nth(0), cards.nth(1)
        one, other = (
            int(next(n for n in c.get_attribute("class").split() if n.startswith("st-key-card_"))[12:])
            for c in (of, to)
        )
        crop = of.locator("a[data-proposal]").first
        name = crop.get_attribute("data-proposal")

        take(page, crop)
        page.locator(STRIP).get_by_text("Move 1 proposal to a category").wait_for()
        hold_over(page, to)
        page.keyboard.press("Escape")
        page.locator(STRIP).wait_for(state="detached")
        assert not page.locator("[data-drop-over]").count()
        page.mouse.up()
        settle(page)
        assert written(view) == []

        take(page, crop)
        hold_over(page, to)
        let_go(page)
        page.get_by_text(f"Moved 1 proposal to cluster {other}. Press u to undo.").first.wait_for()
        decided = decided_when(view, page, lambda d: d.layout.moved == {name: other})
        assert name in decided.layout.by_hand and written(view) == ["move"]
        page.keyboard.press("u")
        decided_when(view, page, lambda d: not d.layout.moved)

        marks = of.locator("[data-pick]")
        chosen = marks.evaluate_all("all => all.slice(0, 3).map(mark => mark.dataset.pick)")
        marks.nth(0).click()
        page.locator(".st-key-crops_bar").get_by_text("1 proposal").first.wait_for()
        settle(page)
        marks.nth(2).click(modifiers=["Shift"])
        page.locator(".st-key-crops_bar").get_by_text("3 proposals").first.wait_for()
        settle(page)
        take(page, of.locator("a[data-proposal]").nth(1))
        page.locator(STRIP).get_by_text("Move 3 proposals to a category").wait_for()
        hold_over(page, to)
        let_go(page)
        decided_when(view, page, lambda d: d.layout.moved == dict.fromkeys(chosen, other))
        assert written(view) == ["move", "undo", "move"]
        page.locator(".st-key-crops_bar").wait_for(state="detached")
        page.goto("about:blank")
    assert one != other


def test_a_lasso_is_dragged_from_its_gallery_onto_an_entry_of_the_legend(page, changeable, tmp_path):
    view = open_run_view(*changeable)
    with serving(view.workspace.root, tmp_path) as url:
        open_explore(page, url)
        draw(page, flower(size=0.35))
        chosen = ids_of_gallery(page)
        assert len(chosen) > 1
        take(page, page.locator(".st-key-selection_gallery a[data-proposal]").first)
        page.locator(STRIP).get_by_text(f"Move {len(chosen)} proposals to a category").wait_for()
        hold_over(page, page.locator(".legend li[data-drop='3']"))
        let_go(page)
        decided_when(view, page, lambda d: d.layout.moved == dict.fromkeys(chosen, 3))
        assert written(view) == ["move"]
        page.keyboard.press("u")
        decided_when(view, page, lambda d: not d.layout.moved)

        take(page, page.locator(".st-key-selection_gallery a[data-proposal]").last)
        hold_over(page, page.locator(f"{STRIP} li[data-drop='1']"))
        let_go(page)
        decided_when(view, page, lambda d: d.layout.moved == dict.fromkeys(chosen, 1))
        assert written(view) == ["move", "undo", "move"]

        take(page, page.locator(".st-key-selection_gallery a[data-proposal]").first)
        hold_over(page, page.locator(f"{STRIP} li[data-drop='1']"))
        let_go(page)
        page.get_by_text("Nothing moved").first.wait_for()
        assert written(view) == ["move", "undo", "move"]
        page.goto("about:blank")


def test_an_open_cluster_drops_its_crops_on_the_strip(page, changeable, tmp_path):
    view = open_run_view(*changeable)
    with serving(view.workspace.root, tmp_path) as url:
        page.goto(f"{url}clusters?cluster=1")
        settle(page, "All clusters")
        crop = page.locator("[data-side=filtered] a[data-proposal]").first
        name = crop.get_attribute("data-proposal")
        take(page, crop)
        assert sorted(ids_of_strip(page)) == [0, 1, 2, 3, 4]
        hold_over(page, page.locator(f"{STRIP} li[data-drop='2']"))
        let_go(page)
        decided_when(view, page, lambda d: d.layout.moved == {name: 2})
        page.goto("about:blank")
    assert curation.decided_in(view).layout.by_hand == {name}


def ids_of_strip(page) -> list[int]:
    return page.locator(f"{STRIP} li").evaluate_all("all => all.map(entry => Number(entry.dataset.drop))")
