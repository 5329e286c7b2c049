"""`comus run --background` and `comus jobs`, with real job processes behind them."""

import json

from click.testing import CliRunner

from comus_core.cli.main import cli
from comus_core.jobs import get, list_jobs
from tests.jobs.watching import until


def test_the_command_line_queues_cancels_resumes_and_follows_a_job(workspace, drawn_settings):
    def comus(*words: str) -> str:
        result = CliRunner().invoke(cli, [*words, "--workspace", str(workspace.root)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "no jobs yet" in comus("jobs", "list")
    detector, vectors = drawn_settings["saliency"]["detector"], drawn_settings["features"]["encoder"][len("file:") :]
    options = ["--saliency", detector, "--features-file", vectors, "--until", "saliency"]
    said = comus("run", drawn_settings["dataset"], *options, "--device", "cpu", "--background")
    assert "job 1 is queued" in said
    assert "cancel" in comus("jobs", "cancel", "1")
    until(lambda: get(workspace, 1).state == "cancelled")
    assert "attempt 2" in comus("jobs", "resume", "1")
    followed = comus("jobs", "log", "1", "--follow")
    assert "discover begins" in followed and "28 proposals" in followed
    assert followed.splitlines()[-1].split()[:2] == ["1", "done"]
    assert comus("jobs", "log", "1") in followed
    run = get(workspace, 1).run
    assert run in comus("jobs", "list")
    assert json.loads(comus("jobs", "result", "1")) == workspace.runs.get(run).result


def test_json_of_a_run_in_the_background_is_refused_with_the_way_to_get_it(workspace):
    words = ["run", "photos", "--background", "--json", "out.json", "--workspace", str(workspace.root)]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 2
    assert "comus jobs result JOB --json" in result.output
    assert list_jobs(workspace) == []
