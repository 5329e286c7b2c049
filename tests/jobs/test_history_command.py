"""`comus jobs show` and `first`, without any process."""

import json

import pytest
from click.testing import CliRunner

from comus_core import open_workspace
from comus_core.cli.main import cli
from comus_core.config import RunConfig
from comus_core.jobs import cancel, get, submit
from comus_core.jobs.table import JobTable
from comus_core.pipelines.verb_settings import DiscoverSettings


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "w")


def comus(workspace, *words, code=0):
    result = CliRunner().invoke(cli, ["jobs", *words, "--workspace", str(workspace.root)])
    assert result.exit_code == code, result.output
    return result


def queued(workspace, **options):
    return submit(workspace, "discover", RunConfig("photos"), DiscoverSettings("images"), **options).id


def test_the_history_of_a_job_is_shown_and_written_as_json(workspace):
    job_id, table = queued(workspace, retries=1), JobTable(workspace.database)
    table.bury(table.claim(lambda asked, taken: asked), "its process was killed by signal 9 (SIGKILL)")
    said = comus(workspace, "show", str(job_id)).stdout.splitlines()
    assert said[0].split()[:2] == ["1", "queued"] and "attempt 2" in said[0]
    told = [line.split("  ", 1)[1] for line in said[1:]]
    assert told == [
        "attempt 1  queued",
        "attempt 1  running     on auto",
        "attempt 1  lost        its process was killed by signal 9 (SIGKILL)",
        "attempt 2  queued      by itself, 1 of 1 times",
    ]
    found = json.loads(comus(workspace, "show", str(job_id), "--json", "-").stdout)
    assert (found["job"], found["kind"], found["state"]) == (job_id, "discover", "queued")
    assert [event["kind"] for event in found["events"]] == ["queued", "running", "lost", "queued"]
    assert set(found["events"][0]) == {"at", "attempt", "kind", "text"}
    comus(workspace, "show", "9", code=1)


def test_a_queued_job_is_put_first_and_no_other(workspace):
    first, second = queued(workspace), queued(workspace)
    assert "priority 1" in comus(workspace, "first", str(second)).stdout
    assert get(workspace, first).priority == 0
    cancel(workspace, first)
    refused = comus(workspace, "first", str(first), code=1)
    assert "only queued jobs can be moved" in str(refused.exception)
