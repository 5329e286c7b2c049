"""A lasso on the map becomes a category without the mouse, and is taken back: in a real browser."""

from __future__ import annotations

import pytest

from comus_core.runs.run_view import open_run_view
from tests.app.map_browser import flower
from tests.app.serving import serving, settle
from tests.app.steps import decided_when, draw, head, ids_of_gallery, open_explore

pytestmark = pytest.mark.browser
CAPTIONS = "[...document.querySelectorAll('.st-key-selection_gallery figcaption')].map(c => c.textContent)"


def test_a_lasso_becomes_the_category_vehicles_and_u_takes_it_back(page, changeable, tmp_path):
    view = open_run_view(*changeable)
    with serving(view.workspace.root, tmp_path) as url:
        open_explore(page, url)
        words = draw(page, flower(size=0.35))
        chosen = ids_of_gallery(page)
        before = page.evaluate(CAPTIONS)
        page.keyboard.press("Shift+N")
        page.keyboard.type("REX BAAL V")  # letters that are keys of the bar: they go into the field
        page.keyboard.press("Control+a")
        page.keyboard.type("vehicles")
        page.keyboard.press("Enter")
        decided = decided_when(view, page, lambda d: d.names == {view.clusters: "vehicles"})
        assert sorted(decided.layout.moved) == sorted(chosen)
        assert [e.kind for e in view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"])][1:] == [
            "create"
        ]
        page.get_by_text(f"Made the category vehicles of {len(chosen)} proposals. Press u to undo.").first.wait_for()
        page.wait_for_function(f"{CAPTIONS}.every(words => words === 'vehicles')")
        page.locator(".legend, [class*=legend]").get_by_text("vehicles").first.wait_for()
        assert head(page) == words and sorted(ids_of_gallery(page)) == sorted(chosen)

        page.keyboard.press("Escape")  # out of the field
        page.keyboard.press("u")
        decided_when(view, page, lambda d: not d.layout.made and not d.layout.moved)
        page.wait_for_function(f"before => {CAPTIONS}.join() === before", arg=",".join(before))

        page.keyboard.press("Shift+V")  # to the most likely category, which the list shows
        decided = decided_when(view, page, lambda d: set(d.layout.moved) == set(chosen))
        page.reload()
        settle(page, words)
        assert len(set(page.evaluate(CAPTIONS))) == len(set(decided.layout.moved.values())) == 1
        page.wait_for_selector("[data-selection-bar]", state="attached")  # the bar hears keys
        page.wait_for_selector("[class*='_undo'] button:not(:disabled)")
        page.keyboard.press("u")
        decided_when(view, page, lambda d: not d.layout.moved)
        page.goto("about:blank")
