"""A job ends while another page is open: its notice says what came out, and a click leads there within the app."""

import json
import re
from pathlib import Path

import pytest

from comus_core import open_workspace
from comus_core.export.bundle_opening import open_bundle
from comus_core.export.demo_bundle import DEMO
from comus_core.jobs.logs import result_path
from tests.app.serving import serving, settle
from tests.app.working import ended_job

pytestmark = pytest.mark.browser


def test_the_notice_of_a_job_leads_to_its_result(open_page, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    run = open_bundle(Path(DEMO), workspace)
    with serving(workspace.root, tmp_path) as address:
        page = open_page()
        page.goto(f"{address}filter?run={run.id}")
        settle(page, "Kept")
        page.evaluate("window.stillHere = true")
        done = ended_job(workspace, "done")
        result_path(done).write_text(json.dumps(run.result))
        with workspace.database.writing() as connection:
            connection.execute("UPDATE jobs SET run = ?, started_at = ended_at - 60 WHERE id = ?", (run.id, done.id))
        notice = page.get_by_test_id("stToast").filter(has_text="10 clusters in 112 images")
        notice.wait_for()
        page.locator(".st-key-last_result").get_by_text("10 clusters in 112 images: name them").wait_for()
        notice.get_by_role("link", name="Name them").click()
        page.wait_for_url(re.compile(rf"/name\?run={run.id}"))
        settle(page, "Most typical")
        assert page.evaluate("window.stillHere") is True and len(page.context.pages) == 1
        page.locator(".st-key-last_result").wait_for(state="detached")
        page.context.close()
