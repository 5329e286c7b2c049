"""An ablation launched from the page, its rows seen as they come, and cancelled, in a real browser."""

import re
from contextlib import suppress

import pytest
from playwright.sync_api import TimeoutError

from comus_core.jobs import get
from comus_core.pipelines.ablate import known
from comus_core.pipelines.ablation_rows import AblationSettings
from comus_core.training import make_training
from tests.app.serving import serving, settle
from tests.app.steps import await_state
from tests.builders import copy_of
from tests.jobs.watching import end_all, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ROWS = ("k-means", "spectral", "round 1")


def add(page, chosen, row):
    """Pick a row as a person does: again, if the page was drawn anew under the click and the row is not there."""
    taken = chosen.get_by_text(row, exact=True)
    for _ in range(5):
        chosen.get_by_role("combobox").fill(row)
        with suppress(TimeoutError):
            page.get_by_role("option", name=row, exact=True).click(timeout=5_000)
            taken.wait_for(timeout=2_000)
            break
    assert taken.is_visible()
    settle(page)


def clear(page, chosen):
    """Take all rows away, again if the page was drawn anew under the click."""
    for _ in range(5):
        with suppress(TimeoutError):
            chosen.get_by_role("button", name=re.compile("clear", re.I)).click(timeout=5_000)
            page.get_by_text("Choose at least one row.").wait_for(timeout=5_000)
            break
    assert page.get_by_text("Choose at least one row.").is_visible()
    settle(page)


def test_an_ablation_is_launched_its_rows_appear_and_it_is_cancelled(page, finished, drawn, tmp_path):
    workspace, run = copy_of(finished, tmp_path)

    def scores():
        rows = known(run, workspace, AblationSettings(make_training(), rows=ROWS))["rows"]
        return {row["name"]: row["mean"] for row in rows}

    try:
        with serving(workspace.root, tmp_path, COMUS_IMAGE_ROOTS=str(drawn.parent)) as url:
            page.goto(f"{url}training?run={run.id}")
            settle(page, "Not trained yet")
            page.get_by_text("Ablation: what each step and switch contributes").first.click()
            chosen = page.locator(".st-key-ablation_rows_cpu")
            clear(page, chosen)
            for row in ROWS:
                add(page, chosen, row)
            command = page.get_by_test_id("stCode").filter(has_text="comus ablate").first
            for row in ROWS:
                command.filter(has_text=re.compile(f"--rows '?{row}")).wait_for(timeout=60_000)
            assert all(re.search(f"--rows '?{row}", command.inner_text()) for row in ROWS)
            assert scores()["k-means"] is None
            page.locator(".st-key-ablation_start button").click()
            page.locator(".st-key-job_1").wait_for(timeout=60_000)
            until(lambda: get(workspace, 1).stage == "round 1")
            found = scores()
            assert found["round 1"] is None
            assert found["k-means"] is not None and found["spectral"] is not None
            page.locator(".st-key-ablation_table").wait_for(timeout=60_000)  # without a reload
            page.get_by_role("button", name="Cancel").click()
            await_state(page, "cancelled", 90_000)
            stopped = get(workspace, 1)
            assert stopped.stage == "round 1" and stopped.step < stopped.total
            page.locator(".st-key-ablation_start button:enabled").wait_for(timeout=60_000)
            page.goto("about:blank")
    finally:
        end_all(workspace)
