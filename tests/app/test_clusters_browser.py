"""Deciding on clusters by keyboard and mouse in a real browser, and finding it all after a reload."""

from __future__ import annotations

import pytest

from comus_core import curation
from comus_core.runs.run_view import open_run_view
from tests.app.serving import serving, settle
from tests.app.steps import decided_when, fill

pytestmark = pytest.mark.browser


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(300)
        settle(page)


def test_by_keys_clusters_are_merged_undone_and_split_and_a_crop_is_moved_by_mouse(page, changeable, tmp_path):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    with serving(workspace.root, tmp_path) as url:
        page.goto(f"{url}clusters")
        settle(page, "Core")
        page.locator(".st-key-cluster_order").wait_for()
        order = page.evaluate(
            """() => [...document.querySelectorAll("[class*='st-key-card_']")].map(
                c => Number([...c.classList].find(n => n.startsWith('st-key-card_')).slice(12)))"""
        )
        page.wait_for_selector("html[data-cluster-keys]", state="attached")
        press(page, "j", "x", "j", "j", "k", "x")
        page.get_by_text("2 selected").wait_for()
        press(page, "m")
        decided_when(view, page, lambda d: set(d.layout.into) == {max(order[:2])})
        press(page, "u")
        decided_when(view, page, lambda d: not d.layout.into)
        page.reload()
        settle(page, "Core")
        press(page, "j", "x", "s")
        page.locator("[data-part='1'] img").first.wait_for(timeout=60_000)
        settle(page)
        page.keyboard.press("Enter")
        decided_when(view, page, lambda d: list(d.layout.made) == [view.clusters])
        page.reload()
        settle(page, "Core")
        assert page.locator("[class*=st-key-card_]").count() == view.clusters + 1
        page.goto(f"{url}clusters?cluster=1")
        settle(page, "All clusters")
        mark = page.locator("[data-pick]").last
        crop = mark.get_attribute("data-pick")
        mark.click()
        page.locator(".st-key-crops_bar").get_by_text("1 proposal").first.wait_for()
        page.locator(".st-key-crops_to [role=combobox]").first.click()
        page.get_by_role("option", name="cluster 2").first.click()
        settle(page)
        page.locator(".st-key-crops_move button").first.click()
        decided_when(view, page, lambda d: d.layout.moved.get(crop) == 2 and crop in d.layout.by_hand)
        page.goto(f"{url}clusters?cluster=2")
        settle(page, "All clusters")
        assert page.locator("[data-side=core] a.comus-link").first.get_attribute("data-proposal") == crop
        page.goto("about:blank")


def test_one_window_shows_what_another_decided(open_page, changeable, tmp_path):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    with serving(workspace.root, tmp_path) as url:
        one = open_page()
        one.goto(f"{url}clusters")
        settle(one, "Core")
        curation.reject(view, [2])
        one.locator(".st-key-rejected_2").wait_for(timeout=60_000)
        one.goto("about:blank")


def test_without_a_mouse_clusters_are_opened_named_compared_and_a_crop_is_moved(page, changeable, tmp_path):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    with serving(workspace.root, tmp_path) as url:
        page.goto(f"{url}clusters")
        settle(page, "Core")
        page.wait_for_selector("html[data-cluster-keys]", state="attached")
        press(page, "j", "n")
        page.keyboard.type("pebble")
        page.keyboard.press("Enter")
        decided_when(view, page, lambda d: "pebble" in d.names.values())
        named = next(iter(curation.decided_in(view).names))
        press(page, "Escape", "o")
        page.wait_for_url(f"**cluster={named}*", timeout=60_000)
        settle(page, "All clusters")
        press(page, "Escape")
        page.locator(f".st-key-card_{named}").wait_for(timeout=60_000)
        settle(page)
        press(page, "c")
        page.wait_for_url("**beside=*", timeout=60_000)
        settle(page, "All clusters")
        assert page.locator("[class*=st-key-pair_]").count() == 2
        press(page, "j", "j", "x")
        page.locator(".st-key-crops_bar").get_by_text("1 proposal").first.wait_for(timeout=60_000)
        crop = page.locator("[data-pick][aria-pressed=true]").first.get_attribute("data-pick")
        press(page, "v", "ArrowDown", "ArrowDown", "Enter")
        settle(page)
        page.keyboard.press("Escape")
        press(page, "Shift+V")
        decided_when(view, page, lambda d: crop in d.layout.by_hand)
        press(page, "u")
        decided_when(view, page, lambda d: crop not in d.layout.by_hand)
        page.goto("about:blank")


def written(view) -> list[tuple[str, object]]:
    """What the log holds after the filter that the run began with."""
    events = view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"])
    return [(e.kind, e.payload.get("name") or e.payload.get("categories")) for e in events[1:]]


def click(page, selector: str, then: str) -> None:
    page.locator(selector).first.click()
    page.get_by_text(then).filter(visible=True).first.wait_for(timeout=60_000)
    settle(page)


def name_fields(page) -> list[str]:
    return page.locator("[class*='st-key-name_'] input").evaluate_all("fields => fields.map(field => field.value)")


def test_a_name_outlives_opening_and_closing_clusters_and_a_merge_its_undo_and_redo(open_page, changeable, tmp_path):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    names = {f"cluster {k}" for k in (0, 1, 3, 4)} | {"pebble"}
    with serving(workspace.root, tmp_path) as url:
        page, other = open_page(), open_page()
        other.goto(f"{url}clusters?cluster=2")
        page.goto(f"{url}clusters")
        settle(page, "Core")
        fill(page, "name_2", "pebble")
        decided_when(view, page, lambda d: d.names == {2: "pebble"})
        click(page, ".st-key-card_0 a[data-open]", "All clusters")
        click(page, ".st-key-all_clusters button", "Most often confused")
        assert set(name_fields(page)) == names
        press(page, "j", "o")
        page.get_by_text("All clusters").wait_for()
        press(page, "Escape")
        page.get_by_text("Most often confused").first.wait_for()
        settle(page)
        assert set(name_fields(page)) == names
        click(page, ".st-key-select_confused button", "2 selected")
        click(page, ".st-key-merge_clusters button", "Undo merge")
        pair = list(curation.history(view).undoable.event.payload["categories"])
        click(page, ".st-key-undo_decision button", "Redo merge")
        assert set(name_fields(page)) == names
        click(page, ".st-key-redo_decision button", "Undo merge")
        click(page, ".st-key-undo_decision button", "Redo merge")
        assert set(name_fields(page)) == names
        click(page, "a[href*='filter']", "Ranked by")
        click(page, "a[href*='clusters']", "Most often confused")
        page.reload()
        settle(page, "Most often confused")
        click(other, ".st-key-all_clusters button", "Most often confused")
        other.locator(".st-key-card_0 .stCheckbox").click()
        other.get_by_text("1 selected").wait_for()
        assert set(name_fields(page)) == set(name_fields(other)) == names
        other.goto("about:blank")
        assert written(view) == [("rename", "pebble"), ("merge", pair), ("undo", None), ("redo", None), ("undo", None)]
        click(page, ".st-key-reset_name_2 button", "Undo reset")
        assert written(view)[-1] == ("reset_name", None) and "cluster 2" in name_fields(page)
        page.goto("about:blank")
