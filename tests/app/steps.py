"""What a person does on the pages, in a browser: draw on the map, slide, fill a form; and what the page then shows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import numpy as np
from playwright.sync_api import TimeoutError
from streamlit.proto.BackMsg_pb2 import BackMsg

from comus_core import curation
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.workspace.decisions import Decisions
from tests.app.map_browser import READY, drag, inside
from tests.app.serving import settle

MAP_READY = ".map[data-state=ready]"
SELECTED = ".st-key-selection_head"
THUMB = "[class*=st-key-filter_slider] input[type=range]"


def reruns_asked(page) -> list[BackMsg]:
    """Grows with each run of the script that the page asks for, but for those by the clock; call it before `goto`."""
    asked: list[BackMsg] = []

    def sent(payload: bytes | str) -> None:
        message = BackMsg.FromString(payload) if isinstance(payload, bytes) else BackMsg()
        if message.WhichOneof("type") == "rerun_script" and not message.rerun_script.is_auto_rerun:
            asked.append(message)

    page.on("websocket", lambda socket: socket.on("framesent", sent))
    return asked


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
    page.locator(
        ".st-key-selection_gallery a.comus-link"
    ).first.wait_for()  # the script rests before its parts are drawn
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


def unfold_settings(page) -> None:
    """Open what the Discover page folds."""
    page.locator(".st-key-new_settings summary").click()
    page.locator(".st-key-new_preset").get_by_role("combobox").wait_for()


def choose(page, key: str, words: str) -> None:
    """Choose from a list; one that a late rerun of the script closes is opened again."""
    option = page.get_by_role("option", name=words).first
    for tries_left in reversed(range(5)):
        settle(page)
        page.locator(f".st-key-{key} [role=combobox]").first.click()
        try:
            option.click(timeout=10_000)
            break
        except TimeoutError:
            if not tries_left:
                raise
            page.keyboard.press("Escape")
    settle(page)


def editor_open(page) -> None:
    """Wait until the mask editor has taken the place of the image."""
    page.locator(".repair .frame").wait_for(timeout=60_000)
    settle(page)


def open_editor(page) -> None:
    """Open the mask editor by its key, once the button that the key presses is there."""
    page.get_by_role("button", name="Repair mask").wait_for(timeout=60_000)
    settle(page)
    page.keyboard.press("m")
    editor_open(page)


def steady_box(part) -> dict[str, float]:
    """Where a part of the page is, in pixels, once it has stopped moving."""
    part.scroll_into_view_if_needed()
    box = None
    while box != (box := part.bounding_box()):
        part.page.wait_for_timeout(300)
    return box


def await_state(page, state: str, milliseconds: int) -> None:
    """Wait until the card of job 1 shows the state; its badge also holds the name of an icon."""
    badge = page.locator(".st-key-job_head_1 .stMarkdownBadge").filter(has_text=re.compile(rf" {state}$"))
    badge.wait_for(timeout=milliseconds)


def written(view: RunView) -> list[str]:
    """The kinds of the events after the one that every log opens with, oldest first."""
    events = view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"])
    return [event.kind for event in events[1:]]


def decided_when(view: RunView, page, true: Callable[[Decisions], bool]) -> Decisions:
    """The decisions as soon as this is true of them."""
    end = time.monotonic() + 60
    while not true(decided := curation.decided_in(view)):
        assert time.monotonic() < end, f"never decided: {written(view)} {decided}"
        page.wait_for_timeout(100)
    settle(page)
    return decided
