"""An ablation launched from the page, its rows seen as they come, and cancelled, in a real browser."""

import re
import shutil

import pytest

from comus_core import open_workspace
from comus_core.jobs import get
from comus_core.self_training import make_training
from comus_core.self_training.ablating import known
from comus_core.self_training.ablation import Ablation
from tests.app.serving import serving, settle
from tests.app.steps import await_state
from tests.jobs.watching import end_all, until

pytestmark = pytest.mark.browser
ROWS = ("k-means", "spectral", "round 1")
SHOWN = """wanted => {
    const rows = [...document.querySelectorAll('.st-key-ablation_table [role=row]')]
        .map(row => [...row.querySelectorAll('[role=gridcell]')].map(cell => cell.textContent));
    return wanted.every(([name, score]) => rows.some(row => row[0] === name && row[1].startsWith(score)));
}"""


def test_an_ablation_is_launched_its_rows_appear_and_it_is_cancelled(page, finished, drawn, tmp_path):
    shutil.copytree(finished[0].root, tmp_path / "w")
    workspace, run = open_workspace(tmp_path / "w"), finished[1]

    def scores():
        rows = known(run, workspace, Ablation(make_training(), rows=ROWS))["rows"]
        return {row["name"]: row["mean"] for row in rows}

    try:
        with serving(workspace.root, tmp_path, COMUS_IMAGE_ROOTS=str(drawn.parent)) as url:
            page.goto(f"{url}training?run={run.id}")
            settle(page, "Not trained yet")
            page.get_by_text("Ablation: what each step and switch is worth").first.click()
            chosen = page.locator(".st-key-ablation_rows_cpu")
            chosen.get_by_role("button", name=re.compile("clear", re.I)).click()
            page.get_by_text("Choose at least one row.").wait_for(timeout=60_000)
            for row in ROWS:
                chosen.get_by_role("combobox").fill(row)
                page.get_by_role("option", name=row, exact=True).click()
                settle(page)
            command = page.get_by_text("comus ablate").filter(visible=True).first
            command.wait_for(timeout=60_000)
            assert all(re.search(f"--rows '?{row}", command.inner_text()) for row in ROWS)
            assert scores()["k-means"] is None
            page.locator(".st-key-ablation_start button").click()
            page.locator(".st-key-job_1").wait_for(timeout=60_000)
            until(lambda: get(workspace, 1).stage == "round 1")
            found = scores()
            assert found["round 1"] is None
            wanted = [[row, f"{found[row]:.10g}"[:5]] for row in ("k-means", "spectral")]
            page.wait_for_function(SHOWN, arg=wanted, timeout=60_000)  # without a reload
            page.get_by_role("button", name="Cancel").click()
            await_state(page, "cancelled", 90_000)
            stopped = get(workspace, 1)
            assert stopped.stage == "round 1" and stopped.step < stopped.total
            page.locator(".st-key-ablation_start button:enabled").wait_for(timeout=60_000)
            page.goto("about:blank")
    finally:
        end_all(workspace)
