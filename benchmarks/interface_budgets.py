"""Budgets of the interface: limits of moves and of the grid; what a rerun fetches, a slider sends, sessions take."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Page, Request

from benchmarks.browsing import PATIENCE, Server, open_map, opened, rest
from comus_core.workspace import Run

MOVE = 1.0  # seconds to move 10,000 proposals, and to undo it
PHOTOS_FIRST = 5.0  # seconds to the first screen of the grid of 100,000 images, its run not opened before
PHOTOS_LIST = 20_000  # bytes of the first part of its list
PHOTOS_NODES = 600  # DOM nodes of the grid, however many images it has
PHOTOS_STEP = 100.0  # milliseconds from a scroll step of one screen to its cells
PHOTOS_STEP_IMAGES = 1_000.0  # milliseconds from a scroll step to all its images
OPACITY = "input[type=range][aria-label^='Opacity']:enabled"


def crops_fetched_by_a_rerun(page: Page) -> int:
    """Requests for crops while the script of the page with the map runs again with another colouring."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/crops/" in request.url:
            asked.append(request.url)

    page.on("request", note)
    page.locator(".st-key-colour_by [role=combobox]").click()
    page.get_by_role("option", name="Confidence").click()
    page.locator(".legend .scale .within").filter(has_text="shown").wait_for(timeout=PATIENCE)
    rest(page)
    page.wait_for_timeout(500)
    page.remove_listener("request", note)
    return len(asked)


def sent_by_opacity(page: Page, server: Server, run: Run, sent: list[int]) -> int:
    """Bytes that go up while a layer's opacity is moved on the page of a photograph."""
    page.goto(f"{server.url}image?run={run.id}")
    rest(page)
    slider = page.locator(OPACITY).first
    slider.wait_for(timeout=PATIENCE)
    page.wait_for_timeout(1000)
    before = sum(sent)
    for _ in range(10):
        slider.press("ArrowLeft")
    page.wait_for_timeout(1000)
    return sum(sent) - before


def memory_of_sessions(browser: Any, server: Server, run: Run, count: int) -> float:
    """MiB that so many sessions open at once on the map take beside what the server had before."""
    before, held = server.memory(), []
    try:
        for _ in range(count):
            session = opened(browser, [])
            held.append((session, session.__enter__()))
            open_map(held[-1][1], server, run)
        time.sleep(1)
        return server.memory() - before
    finally:
        for session, _ in held:
            session.__exit__(None, None, None)
