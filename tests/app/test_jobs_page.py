"""The Jobs and runs page over ended jobs and finished runs; jobs at work are in `test_jobs_browser.py`."""

import os
from dataclasses import replace

import pytest

from app.components.datasets import add_images
from app.components.jobs import run_dialogs
from app.components.shared.job_card import attempt, resume
from app.data.plain_text import plain
from comus_core import open_workspace
from comus_core.config import RunConfig
from comus_core.errors import ComusError
from comus_core.jobs import get, list_jobs, submit, supervisor_pid, wait
from comus_core.maintenance.disk_use import disk_use
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.workspace import ArtifactKey
from tests.app.working import by_key, ended_job, open_app, save_two_runs, texts
from tests.jobs.watching import end_all

pytestmark = pytest.mark.thorough


@pytest.fixture
def workspace(tmp_path):
    place = open_workspace(tmp_path / "w")
    yield place
    end_all(place)


@pytest.fixture
def two_runs(workspace):
    save_two_runs(workspace)
    return workspace


def runs_side(monkeypatch, workspace):
    test = open_app(monkeypatch, workspace, "jobs")
    return next(group for group in test.get("button_group") if group.key == "jobs_or_runs").set_value("runs").run()


def test_an_empty_workspace_says_what_to_do(monkeypatch, workspace):
    test = open_app(monkeypatch, workspace, "jobs")
    assert not test.exception and "No jobs yet" in texts(test)
    test = runs_side(monkeypatch, workspace)
    assert not test.exception and "comus run demo" in texts(test)


def test_ended_jobs_say_why_and_offer_to_go_on(monkeypatch, workspace):
    failed = ended_job(workspace, "failed", "data set '/data/photos': no such folder")
    lost = ended_job(workspace, "lost", "its process was killed by signal 9 (SIGKILL)", "voc:/data:val")
    done = ended_job(workspace, "done")
    test = open_app(monkeypatch, workspace, "jobs")
    assert not test.exception
    assert [error.value for error in test.error] == [plain(lost.error), plain(failed.error)]  # the newest first
    assert {b.key for b in test.button} == {f"job_resume_{failed.id}", f"job_resume_{lost.id}"}
    said = texts(test)
    assert "**VOC val**" in said and "**photos**" in said
    assert said.count('data-state="stopped">Saliency') == 2
    assert f"job_log_{done.id}" in {toggle.key for toggle in test.toggle}


def test_the_job_that_the_address_names_comes_first(monkeypatch, workspace):
    jobs = [ended_job(workspace, "cancelled") for _ in range(3)]
    test = open_app(monkeypatch, workspace, "jobs")
    assert [b.key for b in test.button] == [f"job_resume_{job.id}" for job in reversed(jobs)]
    test = open_app(monkeypatch, workspace, "jobs", job=str(jobs[0].id))
    test.query_params["job"] = str(jobs[0].id)
    test.run()
    assert next(b.key for b in test.button) == f"job_resume_{jobs[0].id}"


def test_the_history_is_shown_on_request(monkeypatch, workspace):
    job = ended_job(workspace, "failed", "data set '/data/photos': no such folder")
    test = open_app(monkeypatch, workspace, "jobs")
    assert len(test.dataframe) == 0
    by_key(test.toggle, f"job_history_{job.id}").set_value(True).run()
    rows = test.dataframe[0].value
    assert list(rows["What"]) == ["failed", "Saliency", "running", "queued"]
    assert rows["Details"][0] == job.error and set(rows["Attempt"]) == {"1"}


def test_a_queued_job_can_be_moved_before_the_others(monkeypatch, workspace):
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda workspace: None)
    ids = [submit(workspace, "discover", RunConfig(f"/{n}"), DiscoverSettings()).id for n in range(3)]
    test = open_app(monkeypatch, workspace, "jobs")
    assert {b.key for b in test.button if "first" in b.key} == {f"job_first_{i}" for i in ids[1:]}
    by_key(test.button, f"job_first_{ids[2]}").click().run()
    assert not test.exception and get(workspace, ids[2]).priority == 1
    assert {b.key for b in test.button if "first" in b.key} == {f"job_first_{i}" for i in ids[:2]}


def test_the_log_is_shown_on_request(monkeypatch, workspace):
    job = ended_job(workspace, "done")
    test = open_app(monkeypatch, workspace, "jobs")
    assert "discover begins" not in texts(test)
    by_key(test.toggle, f"job_log_{job.id}").set_value(True).run()
    assert "saliency: 0 of 700" in texts(test)


def test_resume_queues_another_attempt_and_somebody_serves_it(monkeypatch, workspace):
    job = ended_job(workspace, "cancelled")
    test = open_app(monkeypatch, workspace, "jobs")
    by_key(test.button, f"job_resume_{job.id}").click().run()
    assert not test.exception
    assert get(workspace, job.id).attempt == 2 and supervisor_pid(workspace) is not None
    ended = wait(workspace, job.id, 90)
    assert ended.state == "failed" and "/data/photos" in ended.error  # there is no such folder


def test_a_button_that_comes_too_late_is_told_and_changes_nothing(monkeypatch, workspace):
    job = ended_job(workspace, "done")
    monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root))
    attempt(resume, job.id)  # another tab had resumed it, and it is done by now
    assert [(j.id, j.state, j.attempt) for j in list_jobs(workspace)] == [(job.id, "done", 1)]


def test_runs_show_what_they_owe_and_can_be_found(monkeypatch, two_runs):
    test = runs_side(monkeypatch, two_runs)
    assert not test.exception
    said = texts(test)
    assert said.count("no supervision (inherited: masks) · basnet: non-commercial licence") == 2
    by_key(test.text_input, "run_search").set_value("SECOND").run()
    assert "**second**" in texts(test) and "**first**" not in texts(test)
    by_key(test.text_input, "run_search").set_value("third").run()
    assert "No matching run" in texts(test)


def test_an_archived_run_leaves_the_list_and_comes_back(monkeypatch, two_runs):
    test = runs_side(monkeypatch, two_runs)
    by_key(test.button, "run_archive_first-1234").click().run()
    assert two_runs.runs.get("first-1234").archived and "**first**" not in texts(test)
    by_key(test.toggle, "run_archived").set_value(True).run()
    assert "**first**" in texts(test)
    by_key(test.button, "run_archive_first-1234").click().run()
    assert not two_runs.runs.get("first-1234").archived


def test_deleting_says_what_goes_and_what_stays_before_it_does(monkeypatch, two_runs):
    test = runs_side(monkeypatch, two_runs)
    by_key(test.button, "run_delete_first-1234").click().run()
    said = texts(test)
    assert "This deletes 1 artifact, 1 kB. 1 artifact used by other runs will be kept." in said
    assert "1 decision (names, merges, filters)" in said
    assert len(two_runs.runs.all()) == 2


def test_settings_of_a_run_are_shown_as_a_command_and_as_a_file(monkeypatch, two_runs):
    test = runs_side(monkeypatch, two_runs)
    by_key(test.button, "run_settings_first-1234").click().run()
    assert f"comus run /data/photos --workspace {two_runs.root}" in texts(test)
    assert '"dataset": "/data/photos"' in texts(test)


def test_time_and_memory_of_each_stage_are_shown_beside_the_estimate(monkeypatch, two_runs):
    run = two_runs.runs.get("first-1234")
    used = {"seconds": {"images": 2.0, "saliency": 200.0, "features": 0.0}, "memory_at_most": True}
    used |= {"memory": {"images": 800_000_000, "saliency": 2_100_000_000, "features": None}}
    two_runs.runs.save(replace(run, result=run.result | used | {"memory_estimate": 1_300_000_000}))
    test = runs_side(monkeypatch, two_runs)
    by_key(test.button, "run_settings_first-1234").click().run()
    assert not test.exception and "Estimated memory: 1.3 GB." in texts(test)
    (table,) = [frame.value for frame in test.dataframe if "Peak memory" in frame.value]
    assert table.to_dict("list") == {
        "Stage": ["Images", "Saliency"],
        "Time": ["2 s", "3 min"],
        "Peak memory": ["at most 800 MB", "at most 2.1 GB"],
    }


def disk_side(monkeypatch, workspace):
    test = open_app(monkeypatch, workspace, "jobs")
    return next(group for group in test.get("button_group") if group.key == "jobs_or_runs").set_value("disk").run()


def test_the_disk_is_shown_by_run_and_cleaned_up_after_it_was_said_how_much_goes(monkeypatch, two_runs):
    key = ArtifactKey("features", 1)
    idle = two_runs.artifacts.make(key, lambda folder: (folder / "content").write_bytes(bytes(1_500_000)))
    os.utime(idle.file("manifest.json"), (1, 1))
    test = disk_side(monkeypatch, two_runs)
    assert not test.exception
    runs = test.dataframe[0].value
    use = disk_use(two_runs).of_run("first-1234")
    assert set(runs["Id"]) == {"first-1234", "second-1234"}
    first = runs[runs["Id"] == "first-1234"].iloc[0]
    assert (first["Own"], first["Shared"]) == (use.own / 1e6, use.shared / 1e6)
    assert by_key(test.checkbox, "clean_unused").label == "Unused artifacts: **2 MB, 1 folder**"
    assert by_key(test.button, "clean_now").label == "Free 2 MB"
    by_key(test.checkbox, "clean_unused").uncheck().run()
    assert by_key(test.button, "clean_now").disabled and idle.folder.exists()
    by_key(test.checkbox, "clean_unused").check().run()
    by_key(test.button, "clean_now").click().run()
    assert not test.exception and not idle.folder.exists()
    assert by_key(test.button, "clean_now").label == "Nothing to free"
    assert sorted(p.parents[1].name for p in two_runs.artifacts.root.glob("*/*/manifest.json")) == [
        "clustering", "clustering", "images"]  # fmt: skip


def test_a_clean_up_beside_a_job_is_refused_in_words(monkeypatch, two_runs):
    idle = two_runs.artifacts.make(ArtifactKey("features", 1), lambda folder: (folder / "content").write_text("x"))
    os.utime(idle.file("manifest.json"), (1, 1))
    test = disk_side(monkeypatch, two_runs)
    job = submit(two_runs, "discover", RunConfig("/data/photos"), DiscoverSettings())
    by_key(test.button, "clean_now").click().run()
    assert f"job {job.id} is running in this workspace" in test.error[0].value and idle.folder.exists()


def test_images_are_added_from_a_folder_that_may_be_read(monkeypatch, two_runs, tmp_path):
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(tmp_path))
    monkeypatch.setenv("COMUS_WORKSPACE", str(two_runs.root))
    test = runs_side(monkeypatch, two_runs)
    by_key(test.button, "run_add_first-1234").click().run()
    assert not test.exception and "comus add first-1234 FOLDER" in texts(test)
    run = two_runs.runs.get("first-1234")
    for spec, words in (("/etc", "lies outside"), ("  ", "no data set")):
        with pytest.raises(ComusError, match=words):
            add_images.start(run, spec)
    job = add_images.start(run, str(tmp_path / "more"))
    assert (job.kind, job.subject) == ("add", run.id)
    assert job.settings == {"dataset": str(tmp_path / "more"), "assign": None}
    said = texts(open_app(monkeypatch, two_runs, "jobs"))
    assert "addition of images to first-1234" in said and "Saliency" in said
    assert wait(two_runs, job.id, 90).state == "failed"  # its images are not there


@pytest.mark.parametrize(
    ("typed", "after"),
    [
        (("holiday", ""), ("holiday", "written elsewhere")),
        (("first", " mine "), ("renamed elsewhere", "mine")),
        (("first", ""), ("renamed elsewhere", "written elsewhere")),
    ],
)
def test_of_a_run_s_name_and_note_only_what_was_edited_is_written(two_runs, typed, after):
    shown = two_runs.runs.get("first-1234")
    two_runs.runs.describe(shown.id, name="renamed elsewhere", note="written elsewhere")
    run_dialogs.describe(two_runs, shown, *typed)
    run = two_runs.runs.get(shown.id)
    assert (run.name, run.note) == after
