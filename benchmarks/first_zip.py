"""Clicks and seconds from a chosen folder to a saved COCO zip, in a browser.

`python -m benchmarks.first_zip [--quick] [--json FILE] [--folder DIR]`. Without a folder it is the demo, 240 drawn
images; with `--quick` 20 drawn photographs. The settings are those that the page offers, the machine's own weights
those that are there. Counting begins where the images are chosen, and ends with the zip on disk; what a person would
look at, name or correct on the way is left out.
"""

from __future__ import annotations

import tempfile
import time
import zipfile
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

from benchmarks.browsing import PATIENCE, app_on, opened, rest
from benchmarks.report import Report, arguments
from comus_core import open_workspace
from comus_core.workspace import Workspace
from tests.app.map_browser import CHROMIUM, CHROMIUM_ARGS
from tests.builders import draw_folder
from tests.jobs.watching import end_all

MOST_CLICKS, QUICK = 8, 20
JOB = 3_600_000  # milliseconds a job may take


class Hand:
    """Clicks, counted, and the time since the first one was possible."""

    def __init__(self) -> None:
        self.clicks, self._began = 0, time.perf_counter()

    def click(self, part: Locator) -> None:
        """Click once it can be clicked."""
        self.clicks += 1
        part.click(timeout=JOB)

    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self._began


def main() -> None:
    """Measure and print."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, help="a folder of images instead of the demo")
    chosen = parser.parse_args()
    report = Report("From a chosen folder to a COCO zip")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        images = chosen.folder or (draw_folder(Path(place) / "drawn", QUICK) / "images" if chosen.quick else None)
        workspace = open_workspace(Path(place) / "workspace")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        try:
            roots = str(images or place)
            app = app_on(workspace, Path(place), COMUS_IMAGE_ROOTS=roots)
            with app as server, opened(browser, []) as page:
                page.set_default_timeout(PATIENCE)
                choose(page, server.url, images)
                saved = walk(page, report, Path(place))
        finally:
            end_all(workspace)
            browser.close()
        check(saved, workspace, report)
    report.write(chosen.json)


def choose(page: Page, url: str, images: Path | None) -> None:
    """The Discover page with the images chosen, before anything is counted."""
    page.goto(f"{url}new")
    rest(page)
    if images is None:
        page.get_by_role("radio", name="Demo", exact=True).click()
    else:
        field = page.locator(".st-key-new_folder_path input").first
        field.fill(str(images))
        field.press("Enter")
    page.locator(".st-key-new_start button:enabled").wait_for()
    rest(page)


def walk(page: Page, report: Report, place: Path) -> Path:
    """Start the run, go where its end leads, export, and save; the zip."""
    hand = Hand()
    hand.click(page.locator(".st-key-new_start button:enabled"))
    onwards = page.locator(".st-key-job_outcome_1").get_by_role("link").first
    onwards.wait_for(timeout=JOB)
    report.add("run", hand.seconds(), "the run has ended", "s")
    hand.click(onwards)
    hand.click(page.locator(".comus-path a", has_text="Export"))
    page.locator(".st-key-export_start button:enabled").wait_for()
    rest(page)
    report.add("preview", hand.seconds(), "the preview of the export is there", "s")
    hand.click(page.locator(".st-key-export_start button:enabled"))
    link = page.locator(".st-key-export_done a.comus-download")
    link.wait_for(timeout=JOB)
    with page.expect_download(timeout=JOB) as download:
        hand.click(link)
    saved = place / download.value.suggested_filename
    download.value.save_as(saved)
    report.add("saved", hand.seconds(), "the zip is saved", "s")
    report.add("clicks", hand.clicks, "clicks", "", MOST_CLICKS)
    return saved


def check(saved: Path, workspace: Workspace, report: Report) -> None:
    """The zip is whole and holds the images of the run."""
    (run,) = workspace.runs.all()
    with zipfile.ZipFile(saved) as archive:
        assert archive.testzip() is None
        images = [name for name in archive.namelist() if name.startswith("images/")]
    assert len(images) == run.result["images"]
    report.add("images", len(images), "images in the zip", "")


if __name__ == "__main__":
    main()
