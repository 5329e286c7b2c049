"""Where the images are worked on, chosen on the Discover page: in the job, and in the command beside it."""

from app.forms import run_form
from comus_core import make_config, open_workspace
from comus_core.compute import VARIABLE
from comus_core.jobs import list_jobs


def test_the_choice_is_in_the_job_and_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda _: None)
    workspace, config = open_workspace(tmp_path / "w"), make_config(dataset="demo")
    run_form.start(workspace, config, "cpu", "processes")
    [job] = list_jobs(workspace)
    assert job.environment[VARIABLE].startswith("processes:") and job.device == "cpu"
    assert "--compute processes" in run_form.command(config, "cpu", workspace, "processes")
    assert "--compute" not in run_form.command(config, "cpu", workspace)
