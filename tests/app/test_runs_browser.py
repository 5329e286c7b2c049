"""What two people do with runs in real browsers: hand one over, decide side by side, make room, be told of an end."""

from __future__ import annotations

import os
import time

import pytest

from comus_core import curation, open_workspace
from comus_core.runs.run_view import open_run_view
from comus_core.workspace import ArtifactKey
from tests.app.serving import serving, settle
from tests.app.working import ended_job
from tests.jobs.watching import until

pytestmark = pytest.mark.browser


def open_runs(page, url: str, side: str) -> None:
    page.goto(f"{url}jobs")
    settle(page, "Jobs and runs")
    page.get_by_role("radio", name=side, exact=True).click()


def test_a_run_is_downloaded_as_a_bundle_and_opened_by_a_colleague(open_page, address, shown, tmp_path):
    run = shown[1]
    mine = open_page()
    open_runs(mine, address, "Runs")
    mine.locator(f".st-key-run_bundle_{run.id} button").first.click(timeout=60_000)
    with mine.expect_download(timeout=120_000) as download:
        mine.get_by_role("dialog").get_by_role("link", name="Download").click(timeout=60_000)
    download.value.save_as(tmp_path / "shapes.zip")
    mine.goto("about:blank")
    other = open_workspace(tmp_path / "w")
    with serving(other.root, tmp_path) as url:
        theirs = open_page()
        open_runs(theirs, url, "Runs")
        theirs.locator(".st-key-open_bundle button").first.click(timeout=60_000)
        (tmp_path / "words.zip").write_text("words")
        theirs.get_by_role("dialog").locator("input[type=file]").set_input_files(tmp_path / "words.zip")
        theirs.get_by_text("not a readable bundle").wait_for(timeout=60_000)
        theirs.get_by_role("dialog").locator("input[type=file]").set_input_files(tmp_path / "shapes.zip")
        theirs.wait_for_url("**/explore?*", timeout=60_000)
        settle(theirs, "86 proposals")
        theirs.get_by_text("read-only").first.wait_for(timeout=60_000)
        assert [r.id for r in other.runs.all()] == [f"{run.id}-shared"]
        theirs.goto("about:blank")


def test_two_people_decide_in_one_run_and_neither_loses_anything(open_page, changeable, tmp_path):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    with serving(workspace.root, tmp_path) as url:
        one, two = open_page(), open_page()
        for page in (one, two):
            page.goto(f"{url}clusters")
            settle(page, "Core")
        for page, number, name in ((one, 0, "apple"), (two, 1, "pear")):  # both before either has seen the other's
            page.locator(f".st-key-name_{number} input").fill(name)
        for page in (one, two):
            page.keyboard.press("Enter")
        until(lambda: curation.decided_in(view).names == {0: "apple", 1: "pear"})
        for page in (one, two):
            for number, name in ((0, "apple"), (1, "pear")):
                page.wait_for_function(
                    "([n, name]) => document.querySelector(`[class*=st-key-name_${n}] input`)?.value === name",
                    arg=[number, name],
                    timeout=60_000,
                )
        for page in (one, two):
            page.goto("about:blank")
    assert [event.kind for event in workspace.decisions.events(run.id, run.artifacts["clustering"])] == [
        "filter",
        "rename",
        "rename",
    ]


def test_room_is_made_by_a_click_and_an_ended_job_is_told_on_any_page(page, changeable, tmp_path):
    workspace, _ = changeable
    idle = workspace.artifacts.make(ArtifactKey("features", 1), lambda f: (f / "content").write_bytes(bytes(3_000_000)))
    os.utime(idle.file("manifest.json"), (1, 1))
    with serving(workspace.root, tmp_path) as url:
        open_runs(page, url, "Disk")
        page.get_by_role("button", name="Free 3 MB").click(timeout=60_000)
        page.get_by_text("Freed 3 MB").wait_for(timeout=60_000)
        until(lambda: not idle.folder.exists())
        page.goto(f"{url}scores")
        settle(page, "mIoU")
        long = ended_job(workspace, "done")
        with workspace.database.writing() as connection:
            now = time.time()
            connection.execute("UPDATE jobs SET started_at = ?, ended_at = ? WHERE id = ?", (now - 90, now, long.id))
        toast = page.get_by_test_id("stToast")
        toast.get_by_text("finished after 1 min 30 s").wait_for(timeout=60_000)
        # It stays until it is closed: what it covers can be clicked through it.
        assert toast.evaluate(
            "t => !t.contains(document.elementFromPoint(...(b => [b.x + 30, b.y + 9])(t.getBoundingClientRect())))"
        )
        toast.get_by_role("button").first.click()
        toast.wait_for(state="detached", timeout=60_000)
        page.goto("about:blank")
