"""Real jobs started, watched, stopped and gone on with in the browser, over the real app and real processes."""

import os
import signal
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from comus_core import open_workspace
from comus_core.jobs import events, get, list_jobs, read_log, supervisor_pid
from tests.app.serving import serving, settle
from tests.app.steps import await_state, choose, fill, unfold_settings
from tests.app.working import save_two_runs
from tests.jobs.watching import end_all, until

pytestmark = pytest.mark.browser

PATIENCE = 300  # seconds: a whole run, which imports and compiles what the map needs


@pytest.fixture
def workspace(tmp_path):
    place = open_workspace(tmp_path / "w")
    yield place
    end_all(place)


@pytest.fixture
def served(workspace, drawn, tmp_path):
    """`served()`: the app over the workspace, for as long as the block lasts; it may read the drawn folder."""
    return lambda: serving(workspace.root, tmp_path, COMUS_IMAGE_ROOTS=str(drawn.parent))


@pytest.fixture
def used(served, open_page):
    """`used()`: the app and a browser on it, (page, address); the browser leaves first, as it logs a lost server."""

    @contextmanager
    def both():
        with served() as address:
            page = open_page()
            try:
                yield page, address
            finally:
                page.context.close()

    return both


def start_from_the_page(page, address: str, drawn) -> None:
    """Fill the Discover page as a person would, and start."""
    page.goto(f"{address}new")
    settle(page, "Preview")
    page.get_by_role("radio", name="Folder", exact=True).click()
    settle(page, "Folder on the server")
    fill(page, "new_folder_path", str(drawn))
    settle(page, "30 images")
    unfold_settings(page)
    choose(page, "new_saliency_detector", "your own masks")
    settle(page, "Path of your masks")
    fill(page, "new_saliency_detector_path", str(drawn / "masks"))
    choose(page, "new_features_encoder", "your own vectors")
    settle(page, "Path of your vectors")
    fill(page, "new_features_encoder_path", str(drawn.parent / "vectors.npz"))
    page.locator(".st-key-new_start button:enabled").click()
    page.locator(".st-key-job_1").wait_for(timeout=60_000)


def test_a_run_started_from_the_page_outlives_browser_and_app_and_finishes(used, workspace, drawn):
    with used() as (page, address):
        start_from_the_page(page, address, drawn)
        assert "job=1" in page.url
        page.get_by_text("1 job running").wait_for()
        process = until(lambda: get(workspace, 1).pid)
    job = get(workspace, 1)  # neither browser nor server are there any more
    assert job.state in ("running", "done") and (job.pid, job.attempt) == (process, 1)
    assert supervisor_pid(workspace) is not None
    with used() as (page, address):
        page.goto(f"{address}jobs")
        await_state(page, "done", 1000 * PATIENCE)
        settle(page)
        assert page.get_by_text("1 job running").count() == 0
        job = get(workspace, 1)
        assert (job.state, job.attempt, job.pid) == ("done", 1, process)
        page.locator(".st-key-job_1").get_by_role("link", name="Explore").click()
        settle(page, "28 proposals")
        assert f"run={job.run}" in page.url
        result = workspace.runs.get(job.run).result
        assert (result["images"], result["proposals"], result["clusters"]) == (30, 28, 3)


def test_a_run_cancelled_half_way_is_resumed_to_the_end_from_what_was_finished(used, workspace, drawn):
    with used() as (page, address):
        start_from_the_page(page, address, drawn)
        half_way = until(lambda: (job := get(workspace, 1)).stage in ("clustering", "projection") and job, PATIENCE)
        os.kill(half_way.pid, signal.SIGSTOP)  # so that it cannot be done before the page is asked
        page.get_by_role("button", name="Cancel").click()
        until(lambda: get(workspace, 1).state == "cancelling")
        os.kill(half_way.pid, signal.SIGCONT)
        await_state(page, "cancelled", 90_000)
        assert get(workspace, 1).state == "cancelled"
        made = {p: p.stat().st_mtime_ns for p in workspace.root.glob("artifacts/*/*/manifest.json")}
        assert {p.parents[1].name for p in made} >= {"images", "soft_maps", "proposals", "features"}
        assert workspace.runs.get(half_way.run).state == "cancelled"
        page.get_by_role("button", name="Resume").click()
        page.locator(".st-key-job_1").get_by_text("attempt 2").wait_for(timeout=60_000)
        await_state(page, "done", 1000 * PATIENCE)
        job = get(workspace, 1)
        assert (job.state, job.attempt, job.run) == ("done", 2, half_way.run)
        assert {p: p.stat().st_mtime_ns for p in made} == made  # nothing was computed again
        assert "computed anew: images" not in read_log(job)[read_log(job).index("attempt 2") :]
        settle(page)
        page.locator(".st-key-job_log_1 label").first.click()
        page.get_by_text("attempt 2 on").wait_for()


def test_a_killed_job_starts_again_by_itself_and_its_history_says_so_without_a_reload(used, workspace, drawn):
    with used() as (page, address):
        start_from_the_page(page, address, drawn)
        process = until(lambda: get(workspace, 1).pid)
        os.kill(process, signal.SIGKILL)
        page.locator(".st-key-job_1").get_by_text("attempt 2").wait_for(timeout=60_000)
        await_state(page, "done", 1000 * PATIENCE)
        assert page.get_by_text("1 job running").count() == 0
        assert any("killed by signal 9" in event.text for event in events(workspace, 1))
        settle(page)
        page.locator(".st-key-job_history_1 label").first.click()
        page.locator(".st-key-job_1 [data-testid=stDataFrame]").wait_for()


def test_runs_are_named_noted_and_deleted_in_dialogs(used, workspace):
    save_two_runs(workspace)
    with used() as (page, address):
        page.goto(f"{address}jobs")
        settle(page, "Jobs and runs")
        page.get_by_role("radio", name="Runs", exact=True).click()
        first = page.locator(".st-key-run_first-1234")
        first.get_by_role("button", name="Name and note").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name").fill("holiday")
        dialog.get_by_label("Note").fill("the *good* one")
        dialog.get_by_role("button", name="Save").click()
        first.get_by_text("holiday", exact=True).wait_for()
        first.get_by_text("the *good* one").wait_for()
        run = workspace.runs.get("first-1234")
        assert (run.name, run.note) == ("holiday", "the *good* one")

        page.locator(".st-key-run_second-1234").get_by_role("button", name="Delete").click()
        dialog.get_by_text("1 artifact used by other runs will be kept").wait_for()
        dialog.get_by_role("button", name="Delete").click()
        page.locator(".st-key-run_second-1234").wait_for(state="detached")
        assert [run.id for run in workspace.runs.all()] == ["first-1234"]
        kinds = sorted(p.parents[1].name for p in workspace.artifacts.root.glob("*/*/manifest.json"))
        assert kinds == ["clustering", "images"]

        settle(page)
        first.get_by_role("button", name="Settings").click()
        dialog.get_by_role("button", name="New run with these").click()
        settle(page, "Preview")
        expect(page.locator(".st-key-new_folder_path input")).to_have_value("/data/photos", timeout=60_000)
        assert list_jobs(workspace) == []
