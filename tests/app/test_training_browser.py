"""A training launched from the page, watched, cancelled, resumed and looked at, in a real browser."""

import pytest

from comus_core import discover, make_config, open_workspace
from comus_core.jobs import get
from comus_core.scoring.round_view import open_round_view
from tests.app.serving import serving, settle
from tests.app.steps import await_state, fill
from tests.builders import draw_folder, write_vectors
from tests.jobs.watching import end_all, until

pytestmark = pytest.mark.browser
EPOCHS = 16  # of one step each: enough to be stopped between them
LOOKS = "document.querySelector('.st-key-training_previews .js-plotly-plot')?.data?.map(t => t.x.length) ?? []"
POINTS = "document.querySelector('.st-key-training_loss .js-plotly-plot')?.data?.[0]?.x?.length ?? 0"


@pytest.fixture
def few(tmp_path):
    """(workspace, run) over so few photographs that an epoch is a single step."""
    folder = draw_folder(tmp_path / "few", count=15, seed=3, empty=1)
    vectors = write_vectors(folder, tmp_path / "vectors.npz")
    settings = {
        "dataset": str(folder),
        "saliency": {"detector": f"masks:{folder / 'masks'}"},
        "features": {"encoder": f"file:{vectors}"},
        "clustering": {"clusters": 3, "neighbours": 4},
    }
    workspace = open_workspace(tmp_path / "w")
    return workspace, discover(make_config(**settings), workspace)


def test_a_training_is_launched_watched_cancelled_resumed_and_compared(page, few, tmp_path):
    workspace, run = few
    try:
        with serving(workspace.root, tmp_path, COMUS_IMAGE_ROOTS=str(tmp_path)) as url:
            page.goto(f"{url}training?run={run.id}")
            settle(page, "Not trained yet")
            page.locator(".st-key-training_start").wait_for()
            fill(page, "training_rounds_cpu_widget", "2")
            fill(page, "training_epochs_cpu_widget", str(EPOCHS))
            page.locator(".st-key-training_start button").click()
            page.locator(".st-key-job_1").wait_for(timeout=60_000)
            page.wait_for_function(f"({POINTS}) >= 2", timeout=180_000)
            seen = page.evaluate(POINTS)
            page.wait_for_function(f"({POINTS}) > {seen}", timeout=60_000)  # it grows without a reload
            page.get_by_role("button", name="Cancel").click()
            await_state(page, "cancelled", 90_000)
            stopped = get(workspace, 1)
            assert stopped.stage == "round 1" and 0 < stopped.step < stopped.total == EPOCHS
            page.get_by_role("button", name="Resume").click()
            page.locator(".st-key-job_1").get_by_text("attempt 2").wait_for(timeout=60_000)
            resumed = until(lambda: (job := get(workspace, 1)).stage == "round 1" and job.attempt == 2 and job)
            assert resumed.first_step >= stopped.step
            await_state(page, "done", 600_000)
            training = workspace.trainings.of_run(run.id)[0]
            settle(page, "mIoU of each round")
            score = f"{training.result['rounds'][2]['miou']:.1f}"
            page.locator(".st-key-training_rounds_figure").get_by_text(score).first.wait_for()
            page.wait_for_function(f"JSON.stringify({LOOKS}) === '[1,1]'")  # the last step of either round
            looks = workspace.trainings.previews(training)
            strip = page.get_by_role("region", name="Example images")
            strip.get_by_text(f"Round 2, step {looks[-1].step}").wait_for()
            assert strip.locator("img.layer").count() == 6 * (1 + len(looks))
            _drawn(page, strip.locator("img.layer").last)
            for number, name in ((0, "Pseudo-mask"), (1, "Teacher (round 1)"), (2, "Student (round 2)")):
                pane = page.locator(f'.comus-pane[data-round="{number}"]')
                pane.get_by_text(name).wait_for()
                for kind in ("mask", "errors"):
                    _drawn(page, pane.locator(f"span.{kind} img.layer"))
            _drawn(page, page.get_by_alt_text("Ground truth"))
            page.get_by_text("Worst first").click()
            rounds = open_round_view(workspace, training)
            page.get_by_text(rounds.ordered("worst")[0], exact=True).wait_for()
            page.locator(".st-key-next_round_image button").click()
            page.get_by_text(rounds.ordered("worst")[1], exact=True).wait_for()
            settle(page)
            page.goto("about:blank")
    finally:
        end_all(workspace)


def _drawn(page, picture) -> None:
    """Scroll to a picture and wait until it has come."""
    picture.scroll_into_view_if_needed()
    page.wait_for_function("e => e.complete && e.naturalWidth > 0", arg=picture.element_handle())
