"""One run started from the page and taken through all that can befall it, on the demo and on the VOC photographs.

Long, so it is done once a session; its finished run is what other tests look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from comus_core import Run, Workspace, open_workspace
from comus_core.jobs import get, read_log
from tests.app.map_browser import CHROMIUM, CHROMIUM_ARGS
from tests.app.serving import PATIENCE as PAGE_PATIENCE
from tests.app.serving import serving, settle
from tests.app.steps import await_state, choose, fill, unfold_settings
from tests.jobs.watching import end_all, until

PATIENCE = 900  # seconds for a stage over hundreds of photographs on a busy machine


@dataclass(frozen=True)
class Journey:
    """The finished run, and what was seen on the way to it.

    Attributes:
        pids: the job's process as the first browser left, and as the second came.
        attempts: the attempts at those times.
        cancelled_at, total: images the saliency stage had done of all when the job had stopped.
        shards: shards that were finished then, by name, and when each was written.
        kept: the same shards as seen last while the resumed job went on.
        log: what the job wrote.
    """

    workspace: Workspace
    run: Run
    pids: tuple[int | None, int | None]
    attempts: tuple[int, int]
    cancelled_at: int
    total: int
    shards: dict[str, int]
    kept: dict[str, int]
    log: str


@pytest.fixture(scope="session")
def browser():
    """Chromium; a test that needs it fails where it is missing, it never skips."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def demo_journey(browser, tmp_path_factory) -> Iterator[Journey]:
    """The demo, as the Discover page proposes it but for the two networks that are at hand everywhere."""
    yield from _journey(browser, tmp_path_factory.mktemp("demo"), None)


@pytest.fixture(scope="session")
def voc_journey(browser, tmp_path_factory, photographs) -> Iterator[Journey]:
    """The 725 VOC photographs."""
    yield from _journey(browser, tmp_path_factory.mktemp("voc"), photographs)


def _journey(browser, place: Path, photographs: Path | None) -> Iterator[Journey]:
    workspace = open_workspace(place / "workspace")
    try:
        yield _travel(browser, workspace, place, photographs)
    finally:
        end_all(workspace)


def _travel(browser, workspace: Workspace, place: Path, photographs: Path | None) -> Journey:
    def served():
        return serving(workspace.root, place, COMUS_IMAGE_ROOTS=str(photographs or place))

    with served() as address, watched(browser) as page:
        _start(page, address, photographs)
        left = until(lambda: (job := get(workspace, 1)).stage == "saliency" and job.step > 0 and job, PATIENCE)
    # Browser and server are gone here; the job goes on.
    half_way = until(
        lambda: (job := get(workspace, 1)).stage == "saliency" and job.step >= job.total // 2 and job, PATIENCE
    )
    with served() as address, watched(browser) as page:
        page.goto(f"{address}jobs")
        await_state(page, "running", 60_000)
        came = get(workspace, 1)
        page.get_by_role("button", name="Cancel").click()
        await_state(page, "cancelled", 90_000)
        stopped, shards = get(workspace, 1), _shards(workspace)
        page.get_by_role("button", name="Resume").click()
        page.locator(".st-key-job_1").get_by_text("attempt 2").wait_for(timeout=60_000)
        kept = _shards_while_saliency_lasts(workspace)
        await_state(page, "done", 1000 * PATIENCE)
        page.locator(".st-key-job_1").get_by_role("link", name="Explore").click()
        settle(page, "proposals")
        job = get(workspace, 1)
        assert f"run={job.run}" in page.url
    assert half_way.pid == came.pid
    pids, attempts = (left.pid, came.pid), (left.attempt, came.attempt)
    run = workspace.runs.get(str(job.run))
    return Journey(workspace, run, pids, attempts, stopped.step, stopped.total, shards, kept, read_log(job))


@contextmanager
def watched(browser):
    """A fresh page that may not log an error; it leaves its server before that goes."""
    errors: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PAGE_PATIENCE)
    page = context.new_page()
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        yield page
    finally:
        context.close()
    assert errors == []


def _start(page, address: str, photographs: Path | None) -> None:
    page.goto(f"{address}new")
    settle(page, "Preview")
    if photographs:
        page.get_by_role("radio", name="PASCAL VOC", exact=True).click()
        settle(page, "The folder that contains VOCdevkit")
        fill(page, "new_folder_path", str(photographs))
        settle(page, "Split")
        choose(page, "new_split_voc", "trainval")
        settle(page, "725 images")
    else:
        page.get_by_role("radio", name="Demo", exact=True).click()
        settle(page, "240 images")
    unfold_settings(page)
    choose(page, "new_saliency_detector", "U²-Net-p")
    choose(page, "new_features_encoder", "EfficientNet-Lite0")
    page.locator(".st-key-new_start button:enabled").click()
    page.locator(".st-key-job_1").wait_for(timeout=60_000)


def _shards_while_saliency_lasts(workspace: Workspace) -> dict[str, int]:
    """The shards as seen last before the stage joined them."""
    kept: dict[str, int] = {}

    def over() -> bool:
        kept.update(_shards(workspace))
        return get(workspace, 1).stage not in ("", "images", "saliency")

    until(over, PATIENCE)
    return kept


def _shards(workspace: Workspace) -> dict[str, int]:
    found = workspace.root.glob("artifacts/soft_maps/*.partial/shards/0*.parquet")
    times = {}
    for path in found:
        with suppress(FileNotFoundError):  # joined in this instant
            times[path.name] = path.stat().st_mtime_ns
    return times
