"""The Work pages as AppTest over a workspace, and jobs in the states that a page must show."""

from __future__ import annotations

import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from comus_core.config import RunConfig
from comus_core.jobs import Job, submit
from comus_core.jobs.logs import jobs_folder
from comus_core.jobs.progress import StageProgress
from comus_core.jobs.table import JobTable
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.workspace import ArtifactKey, Run, Workspace
from tests.app.serving import ROOT


def open_app(monkeypatch, workspace: Workspace, page: str, **query: str) -> AppTest:
    """A page of the app over a workspace, run once."""
    monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root))
    test = AppTest.from_file(str(ROOT / "app" / "frame.py"), default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    test.run()
    return test.switch_page(str(Path("..") / "pages" / f"{page}.py")).run()


def ended_job(workspace: Workspace, state: str, error: str | None = None, dataset: str = "/data/photos") -> Job:
    """A job that stopped in its saliency stage, written with the table's own statements, no process behind it."""
    table = JobTable(workspace.database)
    submitted = submit(workspace, "discover", RunConfig(dataset), DiscoverSettings(), "cpu")
    job = table.claim(lambda device, taken: device)
    assert job is not None and job.id == submitted.id
    now = time.time()
    table.pulse(job, now, StageProgress("saliency", 128, 700, 0, now - 60, now))
    jobs_folder(workspace.root)
    job.log_path.write_text("12:00:00 discover begins\n12:00:01 saliency: 0 of 700\n")
    table.finish(job, state, error)
    return table.get(job.id)


def save_two_runs(workspace: Workspace) -> None:
    """The runs `first` and `second`, finished, sharing their images artifact; in each a cluster was named."""
    provenance = {"supervision": {"direct": "none", "inherited": "masks"}, "non_commercial": ["basnet"]}
    images = workspace.artifacts.make(ArtifactKey("images", 1), lambda f: (f / "content").write_text("pixels"))
    for name in ("first", "second"):
        key = ArtifactKey("clustering", 1, {"name": name}, {"images": images.fingerprint})
        made = workspace.artifacts.make(key, lambda f: (f / "content").write_text("numbers"))
        artifacts = {"images": images.fingerprint, "clustering": made.fingerprint}
        run = Run(f"{name}-1234", name, RunConfig("/data/photos"), "done", provenance=provenance, artifacts=artifacts)
        workspace.runs.save(run)
        workspace.decisions.append(run.id, made.fingerprint, "rename", cluster=0, name="dog")


def texts(test: AppTest) -> str:
    """Everything written on the page."""
    parts = [*test.title, *test.header, *test.markdown, *test.caption, *test.error, *test.warning, *test.code]
    return "\n".join(str(part.value) for part in parts) + "\n".join(p.proto.body for p in test.get("html"))


def by_key(parts, key: str):
    """The widget of that name: `state.field` gives it another key each time that it shows what was not entered."""
    return next(part for part in parts if str(part.key).split("~")[0] == key)
