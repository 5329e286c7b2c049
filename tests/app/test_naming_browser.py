"""Naming clusters in a real browser by keyboard alone, and finding it all in the log and after a reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from comus_core import curation
from comus_core.curation.naming import naming_order
from comus_core.runs.run_view import open_run_view
from tests.app.serving import serving, settle
from tests.app.steps import decided_when

pytestmark = pytest.mark.browser
READY = """label => { const field = document.activeElement
  return field.ariaLabel === label && !field.readOnly && !field.disabled }"""


def in_field(page, cluster: int) -> None:
    """Wait until the field of a cluster has the keyboard."""
    try:
        page.wait_for_function(READY, arg=f"Name of cluster {cluster}", timeout=60_000)
    except PlaywrightTimeout as late:
        shown = page.evaluate("""() => [
            document.activeElement.outerHTML.slice(0, 200), location.href,
            ...[...document.querySelectorAll("[class*='st-key-naming_name'] input")].map(e => e.outerHTML.slice(0, 300))
        ]""")
        raise AssertionError(f"the field of cluster {cluster} has not the keyboard: {shown}") from late


def out_of_field(page, cluster: int) -> None:
    """Wait until a cluster is open while no field has the keyboard."""
    page.locator(f"[data-cluster='{cluster}']").wait_for(timeout=60_000)
    settle(page)
    page.wait_for_function("() => document.activeElement.tagName !== 'INPUT'", timeout=60_000)


def written(view) -> list[tuple[str, dict[str, object]]]:
    events = view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"])
    return [(e.kind, {k: v for k, v in e.payload.items() if k != "members"}) for e in events[1:]]


def test_all_clusters_are_named_by_keyboard_alone(page, changeable, tmp_path):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    workspace.name_lists.keep(run.id, ["bar", "rhombus"])
    one, two, three, four, five = naming_order(view, curation.decided_in(view))
    typed: list[tuple[str, dict[str, object]]] = []

    def expect(kind: str, **payload: object) -> None:
        typed.append((kind, payload))
        decided_when(view, page, lambda _: written(view) == typed)

    keys = page.keyboard
    with serving(workspace.root, tmp_path) as url:
        page.goto(f"{url}name")
        in_field(page, one)
        keys.type("disc ")
        keys.press("Enter")
        expect("rename", cluster=one, name="disc")
        in_field(page, two)
        page.get_by_test_id("stProgress").get_by_text("1 of 5 named").wait_for()
        page.get_by_text(f"disc is cluster {one}").wait_for()
        keys.type("not to be saved")
        keys.press("Escape")
        keys.press("r")
        expect("reject", categories=[two])
        in_field(page, three)
        page.get_by_test_id("stProgress").get_by_text("1 of 4 named, 1 rejected").wait_for()
        keys.type("DISC")
        page.get_by_text("Another cluster has the name disc").wait_for()
        keys.press("Enter")
        expect("rename", cluster=three, name="DISC")
        page.get_by_text(f"Cluster {one} is called disc too").wait_for()
        in_field(page, three)
        keys.press("Control+Enter")
        expect("merge", categories=sorted([one, three]))
        in_field(page, four)
        keys.type("ba")
        page.get_by_role("option", name="bar").wait_for()
        keys.press("ArrowDown")
        keys.press("Enter")
        expect("rename", cluster=four, name="bar")
        in_field(page, five)
        keys.type("square")
        keys.press("Enter")
        expect("rename", cluster=five, name="square")
        page.get_by_text("All 3 clusters have a name").wait_for()
        in_field(page, five)
        keys.press("Control+z")
        expect("undo")
        in_field(page, five)
        page.get_by_test_id("stProgress").get_by_text("2 of 3 named").wait_for()
        keys.type("bar")
        keys.press("Enter")
        expect("rename", cluster=five, name="bar")
        page.get_by_text(f"Cluster {four} is called bar too").wait_for()
        keys.press("Escape")
        keys.press("m")
        expect("merge", categories=sorted([four, five]))
        in_field(page, min(four, five))
        keys.press("Escape")
        keys.press("u")
        expect("undo")
        out_of_field(page, min(four, five))
        keys.press("u")
        expect("undo")
        out_of_field(page, five)
        page.reload()
        in_field(page, five)
        page.get_by_test_id("stProgress").get_by_text("2 of 3 named, 1 rejected").wait_for()
        keys.press("Escape")
        keys.press("p")
        order = naming_order(view, curation.decided_in(view))
        out_of_field(page, order[order.index(five) - 1])
        keys.press("n")
        out_of_field(page, five)
        keys.press("Enter")
        in_field(page, five)
        keys.type("square")
        keys.press("Enter")
        expect("rename", cluster=five, name="square")
        page.goto("about:blank")
    decided = curation.decided_in(view)
    assert decided.names == {min(one, three): "disc", four: "bar", five: "square"} and decided.layout.rejected == {two}


def test_a_name_typed_and_left_by_mouse_is_saved_and_back_opens_the_cluster_before(page, changeable, tmp_path):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    one, two, three, *_ = naming_order(view, curation.decided_in(view))
    with serving(workspace.root, tmp_path) as url:
        page.goto(f"{url}name")
        in_field(page, one)
        page.keyboard.type("disc")
        page.locator("[class*='st-key-naming_next-of-'] button").first.click()
        decided_when(view, page, lambda decided: decided.names == {one: "disc"})
        out_of_field(page, two)
        page.locator("[class*='st-key-naming_next-of-'] button").first.click()
        out_of_field(page, three)
        page.go_back()
        out_of_field(page, two)
        page.reload()
        in_field(page, two)
        page.get_by_role("option", name="disc").click()
        page.keyboard.press("Enter")
        decided_when(view, page, lambda decided: decided.names == {one: "disc", two: "disc"})
        page.goto("about:blank")
