import threading

import pytest

from comus_core.config import RunConfig
from comus_core.errors import Cancelled, SettingsError, WorkspaceError
from comus_core.files.process_identity import ProcessIdentity
from comus_core.jobs import cancel, events, get, list_jobs, prioritise, resume, submit
from comus_core.jobs.heartbeat import Pulse
from comus_core.jobs.progress import StageProgress
from comus_core.jobs.table import JobTable
from comus_core.pipelines.edit_settings import MergeSettings
from comus_core.pipelines.verb_settings import BundleSettings, DiscoverSettings, HealthSettings
from comus_core.settings import to_dict
from comus_core.types import Progress
from comus_core.workspace import open_workspace
from comus_core.workspace.database import Database

PHOTOS, SETTINGS = RunConfig("photos"), DiscoverSettings("images")
ME = ProcessIdentity(4711, "100", "here", "boot")


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "w")


@pytest.fixture
def table(workspace):
    return JobTable(workspace.database)


def claim_one(table):
    return table.claim(lambda asked, taken: asked)


def test_a_submitted_job_is_queued_with_its_settings_and_its_folder(workspace, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMUS_WEIGHTS", "/some/weights")
    job = get(workspace, submit(workspace, "discover", PHOTOS, SETTINGS, "cpu").id)
    assert (job.state, job.folder, job.attempt) == ("queued", tmp_path, 1)
    assert (job.subject, job.settings) == (to_dict(PHOTOS), {"until": "images"})
    assert job.environment["COMUS_WEIGHTS"] == "/some/weights"


@pytest.mark.parametrize(
    ("verb", "subject", "settings", "named"),
    [
        ("paint", PHOTOS, SETTINGS, "'paint': choose one of discover"),
        ("images", "", HealthSettings(), "no data set"),
        ("discover", PHOTOS, HealthSettings(), "unknown setting .*limits, truth: valid are until"),
        ("merge", PHOTOS, MergeSettings(("1", "2")), "merge takes no time"),
        ("bundle", PHOTOS, BundleSettings("/dev/null/a.zip"), "is not a folder"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_queued(workspace, verb, subject, settings, named):
    with pytest.raises(SettingsError, match=named):
        submit(workspace, verb, subject, settings)
    assert list_jobs(workspace) == []


def test_a_row_of_another_version_is_listed_without_its_settings(workspace, table):
    job = submit(workspace, "discover", PHOTOS, SETTINGS)
    with workspace.database.writing() as connection:
        connection.execute("UPDATE jobs SET settings = ? WHERE id = ?", ('{"dataset": "photos"}', job.id))
    old = get(workspace, job.id)
    assert (old.kind, old.subject, old.settings) == ("discover", None, {})


def test_jobs_start_in_the_order_of_their_submission_but_do_not_wait_for_a_busy_device(workspace, table):
    first, second, third = (submit(workspace, "discover", PHOTOS, SETTINGS, d).id for d in ("cuda:0", "cuda:0", "cpu"))

    def free(asked, taken):
        return None if asked in taken else asked

    claimed = [table.claim(free) for _ in range(3)]
    assert [job and job.id for job in claimed] == [first, third, None]
    assert table.finish(claimed[0], "done")
    assert table.claim(free).id == second


def test_claimers_racing_for_the_queue_never_share_a_job_nor_pass_the_limit(workspace):
    ids = {submit(workspace, "discover", PHOTOS, SETTINGS, "cpu").id for _ in range(24)}
    claimed, crowds = [], []

    def claimer():
        table = JobTable(Database(workspace.database.path))

        def at_most_three(asked, taken):
            crowds.append(len(taken))
            return asked if len(taken) < 3 else None

        while len(claimed) < len(ids):
            if job := table.claim(at_most_three):
                claimed.append(job.id)
                assert len(table.all(("running",))) <= 3
                assert table.finish(job, "done")

    threads = [threading.Thread(target=claimer) for _ in range(6)]
    [t.start() for t in threads]
    [t.join(60) for t in threads]
    assert sorted(claimed) == sorted(ids)
    assert max(crowds) <= 3


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_is_asked(workspace, table):
    running, queued = (submit(workspace, "discover", PHOTOS, SETTINGS).id for _ in range(2))
    claim_one(table)
    assert (cancel(workspace, running).state, cancel(workspace, queued).state) == ("cancelling", "cancelled")
    assert get(workspace, running).cancel_requested_at is not None
    assert cancel(workspace, queued).state == "cancelled"


def test_a_job_cancelled_and_claimed_at_the_same_moment_is_one_or_the_other(workspace):
    for _ in range(15):
        job_id, claimed = submit(workspace, "discover", PHOTOS, SETTINGS).id, []
        table = JobTable(Database(workspace.database.path))
        threads = [
            threading.Thread(target=lambda t=table, c=claimed: c.append(claim_one(t))),
            threading.Thread(target=lambda j=job_id: cancel(workspace, j)),
        ]
        [t.start() for t in threads]
        [t.join(60) for t in threads]
        job = get(workspace, job_id)
        assert job.state == ("cancelled" if claimed == [None] else "cancelling")
        if claimed != [None]:
            table.finish(job, "cancelled")


@pytest.mark.parametrize("state", ["failed", "cancelled", "lost"])
def test_resume_queues_a_fresh_attempt_of_the_same_job(workspace, table, state):
    job_id = submit(workspace, "discover", PHOTOS, SETTINGS).id
    old = claim_one(table)
    assert table.record_process(old, ME)
    table.pulse(old, 9.0, StageProgress("saliency", 3, 9, 1, 7.0, 8.0))
    table.set_run(old, "photos-1")
    table.finish(old, state, "why")
    new = resume(workspace, job_id)
    assert (new.id, new.state, new.attempt, new.run) == (job_id, "queued", 2, "photos-1")
    assert (new.error, new.pid, new.stage, new.step, new.ended_at, new.heartbeat) == (None, None, "", 0, None, None)


def test_only_jobs_that_ended_without_a_result_can_be_resumed(workspace, table):
    job_id = submit(workspace, "discover", PHOTOS, SETTINGS).id
    with pytest.raises(WorkspaceError, match="queued"):
        resume(workspace, job_id)
    table.finish(claim_one(table), "done")
    with pytest.raises(WorkspaceError, match="done"):
        resume(workspace, job_id)
    with pytest.raises(WorkspaceError, match="no job 99"):
        resume(workspace, 99)


def test_a_superseded_attempt_changes_nothing(workspace, table):
    job_id = submit(workspace, "discover", PHOTOS, SETTINGS).id
    old = claim_one(table)
    table.finish(old, "lost", "gone")
    resume(workspace, job_id)
    claim_one(table)
    before = get(workspace, job_id)
    assert table.pulse(old, 5.0, StageProgress("images", 1, 2)) is None
    assert not any(
        (table.finish(old, "done"), table.set_run(old, "x"), table.bury(old, "x"), table.record_process(old, ME))
    )
    assert get(workspace, job_id) == before


def test_two_processes_cannot_both_be_the_one_of_an_attempt(workspace, table):
    submit(workspace, "discover", PHOTOS, SETTINGS)
    job = claim_one(table)
    other = ProcessIdentity(4711, "101", "here", "boot")  # the same pid, come round again
    assert table.record_process(job, ME)
    assert table.record_process(job, ME)
    assert not table.record_process(job, other)


def test_a_claim_that_was_never_started_is_queued_again_or_cancelled(workspace, table):
    ids = [submit(workspace, "discover", PHOTOS, SETTINGS, retries=1).id for _ in range(3)]
    started, unstarted, unwanted = (claim_one(table) for _ in ids)
    table.record_process(started, ME)
    cancel(workspace, unwanted.id)
    assert [job.id for job in table.end_unstarted()] == [unstarted.id, unwanted.id]
    assert [get(workspace, i).state for i in ids] == ["running", "queued", "cancelled"]
    assert not table.record_process(unstarted, ME)
    claim_one(table)
    table.end_unstarted()  # twice is once more than its retries
    failed = get(workspace, unstarted.id)
    assert failed.state == "failed" and "claimed but never started; so it ended 2 times" in failed.error


def test_the_death_of_a_process_is_lost_unless_its_end_was_asked_for_or_written(workspace, table):
    ids = [submit(workspace, "discover", PHOTOS, SETTINGS, retries=0).id for _ in range(3)]
    plain, asked, done = (claim_one(table) for _ in ids)
    cancel(workspace, asked.id)
    table.finish(done, "done")
    assert [table.bury(job, "killed") for job in (plain, asked, done)] == [True, True, False]
    ended = [get(workspace, i) for i in ids]
    assert [(job.state, job.error) for job in ended] == [("lost", "killed"), ("cancelled", None), ("done", None)]


def test_a_job_that_dies_is_queued_again_by_itself_at_most_n_times_then_failed_with_what_to_do(workspace, table):
    job_id = submit(workspace, "discover", PHOTOS, SETTINGS, retries=2).id
    for attempt in (1, 2):
        assert table.bury(claim_one(table), f"death {attempt}")
        again = get(workspace, job_id)
        assert (again.state, again.attempt, again.error, again.ended_at) == ("queued", attempt + 1, None, None)
    assert table.bury(claim_one(table), "death 3")
    failed = get(workspace, job_id)
    assert failed.state == "failed"
    assert failed.error.startswith("death 3; so it ended 3 times in a row: free memory") and failed.ended_at
    assert resume(workspace, job_id).retried == 0  # a person's resume grants them anew


def test_the_history_tells_every_state_stage_and_attempt_in_the_order_of_what_happened(workspace, table, monkeypatch):
    job_id = submit(workspace, "discover", PHOTOS, SETTINGS, retries=1).id
    first = claim_one(table)
    monkeypatch.setattr("comus_core.jobs.history.time.time", lambda: 1.0)  # the clock was set back by decades
    for stage, step in (("images", 0), ("images", 3), ("saliency", 0)):
        table.pulse(first, 9.0, StageProgress(stage, step, 3))
    table.bury(first, "gone")
    table.note(claim_one(table), "waiting", "no room")
    table.note(get(workspace, job_id), "waiting", "no room")  # once is enough
    cancel(workspace, job_id)
    table.bury(get(workspace, job_id), "gone")
    resume(workspace, job_id)
    assert [(e.attempt, e.kind, e.text) for e in events(workspace, job_id)] == [
        (1, "queued", ""),
        (1, "running", "on auto"),
        (1, "stage", "images"),
        (1, "stage", "saliency"),
        (1, "lost", "gone"),
        (2, "queued", "by itself, 1 of 1 times"),
        (2, "running", "on auto"),
        (2, "waiting", "no room"),
        (2, "cancelling", "cancellation requested"),
        (2, "cancelled", ""),
        (3, "queued", "resumed"),
    ]
    with pytest.raises(WorkspaceError, match="no job 99"):
        events(workspace, 99)


def test_a_history_is_bounded(workspace, table, monkeypatch):
    monkeypatch.setattr("comus_core.jobs.history.MOST", 50)
    job = get(workspace, submit(workspace, "discover", PHOTOS, SETTINGS).id)
    for number in range(120):
        table.note(job, "waiting", str(number))
    assert 50 <= len(events(workspace, job.id)) <= 150 and events(workspace, job.id)[-1].text == "119"


def test_a_workspace_of_an_older_version_gets_the_columns_that_it_lacks(workspace, table):
    job_id = submit(workspace, "discover", PHOTOS, SETTINGS, retries=2, priority=4).id
    with workspace.database.writing() as connection:
        for name in ("priority", "retries", "retried"):
            connection.execute(f"ALTER TABLE jobs DROP COLUMN {name}")
        connection.execute("DROP TABLE job_events")
    place = open_workspace(workspace.root)
    old = get(place, job_id)
    assert (old.priority, old.retries, events(place, job_id)) == (0, 0, [])
    assert JobTable(place.database).bury(claim_one(JobTable(place.database)), "gone")
    assert get(place, job_id).state == "lost"  # as that version said


def test_the_number_of_retries_is_the_submitters_and_a_wrong_one_is_named(workspace, monkeypatch):
    assert submit(workspace, "discover", PHOTOS, SETTINGS).retries == 3
    monkeypatch.setenv("COMUS_JOB_RETRIES", "0")
    assert submit(workspace, "discover", PHOTOS, SETTINGS).retries == 0
    monkeypatch.setenv("COMUS_JOB_RETRIES", "many")
    with pytest.raises(SettingsError, match="COMUS_JOB_RETRIES=many: set it to a whole number"):
        submit(workspace, "discover", PHOTOS, SETTINGS)


def test_a_higher_priority_starts_first_and_first_means_before_all_that_wait(workspace, table):
    ids = [submit(workspace, "discover", PHOTOS, SETTINGS, priority=p).id for p in (0, 5, 0)]
    assert prioritise(workspace, ids[2]).priority == 6
    assert [claim_one(table).id for _ in ids] == [ids[2], ids[1], ids[0]]
    assert prioritise(workspace, ids[0]).priority == 0  # at work: it stays as it is


def test_the_lock_is_let_go_only_while_nothing_is_queued_or_at_work(workspace, table):
    released = []
    submit(workspace, "discover", PHOTOS, SETTINGS)
    assert not table.release_if_idle(lambda: released.append(1))
    job = claim_one(table)
    assert not table.release_if_idle(lambda: released.append(2))
    table.finish(job, "done")
    assert table.release_if_idle(lambda: released.append(3))
    assert released == [3]


def test_logs_follow_a_workspace_that_was_moved(workspace, tmp_path):
    job_id = submit(workspace, "discover", PHOTOS, SETTINGS).id
    workspace.root.rename(tmp_path / "elsewhere")
    assert get(open_workspace(tmp_path / "elsewhere"), job_id).log_path == tmp_path / "elsewhere/jobs" / f"{job_id}.log"


def test_progress_is_written_at_most_twice_a_second_and_the_last_step_is_never_lost(workspace, table, monkeypatch):
    submit(workspace, "discover", PHOTOS, SETTINGS)
    job, written, write = claim_one(table), [], table.pulse
    monkeypatch.setattr(table, "pulse", lambda *values: written.append(values) or write(*values))
    with Pulse(table, job) as pulse:
        for step in range(5000):
            pulse.on_progress(Progress("images", step, 5000))
        pulse.on_progress(Progress("images", 5000, 5000))
    assert len(written) <= 6
    assert get(workspace, job.id).step == 5000


def test_a_stage_is_stopped_when_cancel_was_asked_and_when_another_attempt_took_over(workspace, table):
    for end in (lambda i: cancel(workspace, i), lambda i: table.finish(get(workspace, i), "lost")):
        job_id = submit(workspace, "discover", PHOTOS, SETTINGS).id
        with Pulse(table, claim_one(table)) as pulse:
            pulse.on_progress(Progress("images", 1, 5000))
            end(job_id)
            with pytest.raises(Cancelled):
                for step in range(200):
                    threading.Event().wait(0.02)
                    pulse.on_progress(Progress("images", 1 + step, 5000))
