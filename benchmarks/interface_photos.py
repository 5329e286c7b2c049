"""The grid of all images of a run: the first screen, what its list weighs, its nodes, and what a scroll step takes."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from playwright.sync_api import Page, Response

from benchmarks.browsing import PATIENCE, Server, rest
from benchmarks.interface_budgets import PHOTOS_FIRST, PHOTOS_LIST, PHOTOS_NODES, PHOTOS_STEP, PHOTOS_STEP_IMAGES
from benchmarks.report import Report
from comus_core.workspace import Run

GRID = ".grid .scroller"  # in the shadow root of the component, which Playwright's locators enter
SCREEN = """scroller => {
  const box = scroller.getBoundingClientRect()
  const seen = [...scroller.querySelectorAll(".cell")].filter(cell => {
    const { top, bottom } = cell.getBoundingClientRect()
    return bottom > box.top && top < box.bottom })
  return seen.length > 0 && seen.every(cell => { const image = cell.querySelector("img")
    return image && image.complete && image.naturalWidth > 0 }) }"""
# One step of a screen: milliseconds until its cells are laid out, and until all its images are there.
STEP = f"""async scroller => {{
  const seen = {SCREEN}, start = performance.now()
  scroller.scrollTop += scroller.clientHeight
  await new Promise(requestAnimationFrame)
  scroller.getBoundingClientRect()
  const cells = performance.now() - start, cell = scroller.querySelectorAll(".cell").length
  await new Promise(done => setTimeout(done, 0))
  while (!seen(scroller)) {{
    if (performance.now() - start > LIMIT) throw new Error("the images of a scroll step did not come")
    await new Promise(done => setTimeout(done, 5)) }}
  return [cells, performance.now() - start, cell] }}""".replace("LIMIT", str(PATIENCE))
FLING = """async scroller => {
  const height = scroller.scrollHeight
  let most = 0
  for (let k = 1; k <= 100; k++) {
    scroller.scrollTop = height * k / 100
    await new Promise(requestAnimationFrame)
    most = Math.max(most, scroller.querySelectorAll("*").length)
  }
  return most }"""


@dataclass(frozen=True)
class Grid:
    """Seconds until the first screen; bytes of the first list; most nodes; milliseconds of a step: cells, images."""

    first: float
    list_bytes: int
    nodes: int
    step: float
    step_images: float


def grid_seen(page: Page, server: Server, run: Run, steps: int) -> Grid:
    """Open the grid, scroll down so many screens one by one, then through all images."""
    lists: list[Response] = []
    page.on("response", lambda answer: lists.append(answer) if "/photos?" in answer.url and "&at=" in answer.url else 0)
    start = time.perf_counter()
    page.goto(f"{server.url}photos?run={run.id}")
    scroller = page.locator(GRID)
    scroller.wait_for(timeout=PATIENCE)
    page.wait_for_function(SCREEN, arg=scroller.element_handle(), timeout=PATIENCE)
    first = time.perf_counter() - start
    rest(page)
    weight = len(lists[0].body())
    walked = [scroller.evaluate(STEP) for _ in range(steps)]
    nodes = max(int(scroller.evaluate("s => s.querySelectorAll('*').length")), int(scroller.evaluate(FLING)))
    cells, images, _ = zip(*walked, strict=True)
    return Grid(first, weight, nodes, statistics.median(cells), statistics.median(images))


def report_grid(report: Report, grid: Grid, images: int, steps: int) -> None:
    """Print and keep the figures of one look."""
    at, median = f"of {images:,} images", f"(median of {steps})"
    report.add("photos_images", images, "images in the grid", "")
    report.add("photos_first_seconds", grid.first, f"grid {at}: all images of the first screen", "s", PHOTOS_FIRST)
    report.add("photos_list_bytes", grid.list_bytes, f"grid {at}: the first part of its list", "B", PHOTOS_LIST)
    report.add("photos_nodes", grid.nodes, f"grid {at}: most DOM nodes, scrolled to the end", "", PHOTOS_NODES)
    report.add("photos_step_ms", grid.step, f"scroll step to its cells {median}", "ms", PHOTOS_STEP)
    words = f"scroll step to all its images {median}"
    report.add("photos_step_images_ms", grid.step_images, words, "ms", PHOTOS_STEP_IMAGES)
