"""A training launched from the page, watched, cancelled, resumed and looked at, in a real browser."""

import shutil

import pytest

from comus_core import open_workspace
from comus_core.jobs import get
from tests.app.serving import serving, settle
from tests.app.steps import await_state
from tests.jobs.watching import end_all, until

pytestmark = pytest.mark.browser
POINTS = "document.querySelector('.st-key-training_loss .js-plotly-plot')?.data?.[0]?.x?.length ?? 0"


def test_a_training_is_launched_watched_cancelled_resumed_and_compared(page, finished, drawn, tmp_path):
    shutil.copytree(finished[0].root, tmp_path / "w")
    workspace, run = open_workspace(tmp_path / "w"), finished[1]
    try:
        with serving(workspace.root, tmp_path, COMUS_IMAGE_ROOTS=str(drawn.parent)) as url:
            page.goto(f"{url}training?run={run.id}")
            settle(page, "Not trained yet")
            field = page.locator(".st-key-training_rounds_cpu_widget input")
            field.fill("1")
            field.press("Enter")
            settle(page, "--rounds 1")
            page.locator(".st-key-training_start button").click()
            page.locator(".st-key-job_1").wait_for(timeout=60_000)
            page.wait_for_function(f"({POINTS}) >= 2", timeout=180_000)
            seen = page.evaluate(POINTS)
            page.wait_for_function(f"({POINTS}) > {seen}", timeout=60_000)  # it grows without a reload
            page.get_by_role("button", name="Cancel").click()
            await_state(page, "cancelled", 90_000)
            stopped = get(workspace, 1)
            assert stopped.stage == "round 1" and 0 < stopped.step < stopped.total
            page.get_by_role("button", name="Resume").click()
            page.locator(".st-key-job_1").get_by_text("attempt 2").wait_for(timeout=60_000)
            resumed = until(lambda: (job := get(workspace, 1)).stage == "round 1" and job.attempt == 2 and job)
            assert resumed.first_step >= stopped.step
            await_state(page, "done", 300_000)
            training = workspace.trainings.of_run(run.id)[0]
            settle(page, "mIoU of each round")
            score = f"{training.result['rounds'][1]['miou']:.1f}"
            page.locator(".st-key-training_rounds_figure").get_by_text(score).first.wait_for(timeout=30_000)
            page.get_by_text("See teacher and student beside the pseudo-mask").click()
            page.wait_for_url("**/image**")
            settle(page)
            photo = page.locator(".st-key-photo")
            for label in ("Pseudo-mask", "Teacher (round 1)", "Ground truth"):
                photo.get_by_label(label, exact=False).first.check()
            layer = photo.locator('img[data-layer="round-1"]')
            page.wait_for_function("e => e.naturalWidth > 0", arg=layer.element_handle())
            page.goto("about:blank")
    finally:
        end_all(workspace)
