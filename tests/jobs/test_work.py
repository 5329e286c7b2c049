"""How an attempt ends, whatever its work raises: in this process, with work made for the purpose."""

import os
import shutil
from pathlib import Path

import pytest

from comus_core.config import make_config
from comus_core.errors import DatasetError, WorkspaceError
from comus_core.files.memory_faults import OUT_OF_MEMORY
from comus_core.files.process_identity import identify
from comus_core.jobs import get, read_result, submit, worker
from comus_core.jobs.logs import jobs_folder
from comus_core.jobs.table import JobTable
from comus_core.jobs.work import Observer, work
from comus_core.jobs.worker import Termination, run_job
from comus_core.pipelines.verb_settings import DiscoverSettings, HealthSettings
from comus_core.workspace import open_workspace


@pytest.mark.parametrize(
    ("fault", "state", "error"),
    [
        (None, "done", None),
        (DatasetError("photos: no images"), "failed", "photos: no images"),
        (OSError(28, "No space left", "/a/b"), "failed", "/a/b: the disk is full; free some space and run again"),
        (ValueError("one\ntwo"), "failed", "ValueError: one (an error of the program; the log holds the details)"),
        (KeyError(), "failed", "KeyError: no message (an error of the program; the log holds the details)"),
        (MemoryError(), "failed", OUT_OF_MEMORY),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "failed", OUT_OF_MEMORY),
    ],
)
def test_every_fault_of_the_work_ends_the_job_with_one_sentence(tmp_path, monkeypatch, fault, state, error):
    def faulty(*_):
        if fault is not None:
            raise fault
        return {"found": 3}

    monkeypatch.setattr(worker, "work", faulty)
    workspace = open_workspace(tmp_path)
    table = JobTable(workspace.database)
    jobs_folder(workspace.root)
    submit(workspace, "images", "photos", HealthSettings())
    job = table.claim(lambda asked, taken: asked)
    assert table.record_process(job, identify(os.getpid()))
    assert run_job(workspace, table, job, Termination()) == state
    ended = get(workspace, job.id)
    assert (ended.state, ended.error, ended.ended_at is None) == (state, error, False)
    if state == "done":
        assert read_result(ended) == {"found": 3}
    else:
        with pytest.raises(WorkspaceError, match="job 1 has no result: it is failed"):
            read_result(ended)


def test_a_run_on_a_folder_with_other_files_in_it_ends_well_and_its_log_counts_them(tmp_path, drawn, drawn_settings):
    folder = Path(shutil.copytree(drawn, tmp_path / "photos"))
    (folder / "images" / "notes.txt").write_text("none")
    (folder / "images" / ".hidden.png").write_bytes(b"none")
    workspace, said = open_workspace(tmp_path / "w"), []
    config = make_config(**{**drawn_settings, "dataset": str(folder)})
    job = submit(workspace, "discover", config, DiscoverSettings("features"), "cpu")
    result = work(workspace, job, Observer(lambda _: None, lambda _: None, said.append))
    assert result == workspace.runs.all()[0].result
    assert "ignored 1 file (not images)" in said
    assert "ignored 1 image file (hidden): images/.hidden.png" in said
