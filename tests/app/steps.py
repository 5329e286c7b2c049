"""What a person does on the pages, in a browser: draw on the map, slide, fill a form; and what the page then shows."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np

from comus_core.runs.run_view import open_run_view
from tests.app.map_browser import READY, drag, inside
from tests.app.serving import settle

MAP_READY = ".map[data-state=ready]"
SELECTED = ".st-key-selection_head"
THUMB = "[class*=st-key-filter_slider] input[type=range]"


def open_explore(page, address, query="") -> None:
    page.goto(f"{address}explore{query}")
    page.wait_for_selector(MAP_READY, timeout=60_000)
    settle(page, "proposals")


def draw(page, path, **keys) -> str:
    """Draw on the map; the words above the gallery when it has answered."""
    before = page.url
    page.locator("button[data-tool=lasso]").click()
    drag(page, path, **keys)
    page.wait_for_url(lambda url: url != before)
    page.get_by_text("proposals selected").wait_for()
    settle(page)
    return head(page)


def head(page) -> str:
    return page.locator(f"{SELECTED} strong").inner_text()


def ids_of_gallery(page) -> list[str]:
    """The proposal ids of all pages of the gallery."""
    found: list[str] = []
    while True:
        page.wait_for_selector(READY)
        links = page.locator(".st-key-selection_gallery a.comus-link")
        found += links.evaluate_all("links => links.map(link => link.dataset.proposal)")
        onwards = page.get_by_test_id("stPaginationNext")
        if not onwards.count() or onwards.is_disabled():
            return found
        onwards.click()
        page.wait_for_function(
            "first => document.querySelector('.comus-gallery a').dataset.proposal !== first", arg=found[-60]
        )


def recomputed(shown, url) -> set[str]:
    """What lies inside the polygons named in the address, by another rule than the core's."""
    workspace, run = shown
    selection = workspace.selections.read(parse_qs(urlsplit(url).query)["selection"][0])
    view = open_run_view(workspace, run)
    table = workspace.artifact(run, "projection").table().to_pandas().set_index("proposal_id")
    place = table.loc[list(view.proposals.proposal_id), [f"{selection.method}_x", f"{selection.method}_y"]].to_numpy()
    chosen = np.zeros(len(view), bool)
    for gesture in selection.gestures:
        within = inside(place, list(gesture.polygon))
        chosen = {"replace": within, "add": chosen | within, "subtract": chosen & ~within}[gesture.mode]
    return set(view.proposals.proposal_id[chosen])


def figures(page) -> dict[str, str]:
    metrics = page.locator(".st-key-filter_figures [data-testid=stMetric]")
    return {
        m.get_by_test_id("stMetricLabel").inner_text(): m.get_by_test_id("stMetricValue").inner_text()
        for m in metrics.all()
    }


def slide(page, percent: int) -> None:
    """Move the slider with the keyboard, as one who cannot use a mouse does."""
    thumb = page.locator(THUMB)
    thumb.focus()
    thumb.press("Home")
    for _ in range(percent):
        thumb.press("ArrowRight")
    page.wait_for_function(
        "([s, v]) => Number(document.querySelector(s).ariaValueNow ?? document.querySelector(s).value) === v",
        arg=[THUMB, percent],
    )


def fill(page, key: str, text: str) -> None:
    field = page.locator(f".st-key-{key} input").first
    field.fill(text)
    field.press("Enter")
    settle(page)


def choose(page, key: str, words: str) -> None:
    page.locator(f".st-key-{key} [role=combobox]").first.click()
    page.get_by_role("option", name=words).first.click()
    settle(page)


def await_state(page, state: str, milliseconds: int) -> None:
    """Wait until the card of job 1 shows the state; its badge also holds the name of an icon."""
    badge = page.locator(".st-key-job_head_1 .stMarkdownBadge").filter(has_text=re.compile(rf" {state}$"))
    badge.wait_for(timeout=milliseconds)
