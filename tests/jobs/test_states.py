"""Any order of submitting, claiming, cancelling, ending, dying and resuming, against a plain dictionary."""

from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from comus_core.config import RunConfig
from comus_core.errors import WorkspaceError
from comus_core.jobs import cancel, events, list_jobs, prioritise, resume, submit
from comus_core.jobs.table import JobTable
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.workspace import open_workspace

PHOTOS, SETTINGS = RunConfig("photos"), DiscoverSettings("images")


class JobLife(RuleBasedStateMachine):
    """The table against a plain dictionary: id -> (state, attempt)."""

    jobs = Bundle("jobs")
    folder: Path

    def __init__(self):
        super().__init__()
        for old in self.folder.glob("comus.sqlite*"):
            old.unlink()
        self.workspace = open_workspace(self.folder)
        self.table, self.model, self.claimed = JobTable(self.workspace.database), {}, {}
        self.retries, self.retried, self.priority = {}, {}, {}

    @rule(target=jobs, retries=st.integers(0, 2), priority=st.integers(0, 1))
    def submit(self, retries, priority):
        job_id = submit(self.workspace, "discover", PHOTOS, SETTINGS, retries=retries, priority=priority).id
        assert job_id not in self.model
        self.model[job_id] = ("queued", 1)
        self.retries[job_id], self.retried[job_id], self.priority[job_id] = retries, 0, priority
        return job_id

    @rule(job_id=jobs)
    def move_to_the_front(self, job_id):
        queued = [self.priority[i] for i, (state, _) in self.model.items() if state == "queued"]
        if self.model[job_id][0] == "queued":
            self.priority[job_id] = max(queued) + 1
        assert prioritise(self.workspace, job_id).priority == self.priority[job_id]

    @rule(target=jobs, limit=st.integers(0, 3))
    def claim(self, limit):
        job = self.table.claim(lambda asked, taken: asked if len(taken) < limit else None)
        queued = [i for i, (state, _) in self.model.items() if state == "queued"]
        queued.sort(key=lambda i: (-self.priority[i], i))
        live = sum(state in ("running", "cancelling") for state, _ in self.model.values())
        assert (job.id if job else None) == (queued[0] if queued and live < limit else None)
        if job is None:
            return multiple()
        self.model[job.id] = ("running", job.attempt)
        self.claimed.setdefault(job.id, []).append(job)
        return multiple()

    @rule(job_id=jobs)
    def cancel(self, job_id):
        state, attempt = self.model[job_id]
        self.model[job_id] = ({"queued": "cancelled", "running": "cancelling"}.get(state, state), attempt)
        assert cancel(self.workspace, job_id).state == self.model[job_id][0]

    @rule(job_id=jobs, how=st.sampled_from(["done", "failed", "cancelled", "died"]), old=st.booleans())
    def end(self, job_id, how, old):
        if job_id not in self.claimed:
            return
        held, (state, attempt) = self.claimed[job_id][0 if old else -1], self.model[job_id]
        changed = self.table.bury(held, "x") if how == "died" else self.table.finish(held, how)
        assert changed == (state in ("running", "cancelling") and held.attempt == attempt)
        if changed:
            self.model[job_id] = self.after_death(job_id, state, attempt) if how == "died" else (how, attempt)

    def after_death(self, job_id, state, attempt):
        if state == "cancelling":
            return "cancelled", attempt
        if self.retried[job_id] < self.retries[job_id]:
            self.retried[job_id] += 1
            return "queued", attempt + 1
        return ("failed" if self.retries[job_id] else "lost"), attempt

    @rule(job_id=jobs)
    def resume(self, job_id):
        state, attempt = self.model[job_id]
        try:
            resume(self.workspace, job_id)
            assert state in ("failed", "cancelled", "lost")
            self.model[job_id] = ("queued", attempt + 1)
            self.retried[job_id] = 0
        except WorkspaceError:
            assert state in ("queued", "running", "cancelling", "done")

    @invariant()
    def the_last_entry_of_each_history_is_its_state(self):
        for job in list_jobs(self.workspace):
            last = [e for e in events(self.workspace, job.id) if e.text != "moved in the queue"][-1]
            assert (last.kind, last.attempt) == (job.state, job.attempt)

    @invariant()
    def the_table_says_the_same(self):
        assert {job.id: (job.state, job.attempt) for job in list_jobs(self.workspace)} == self.model


def test_every_order_of_events_leaves_the_states_that_the_rules_say(tmp_path):
    JobLife.folder = tmp_path
    run_state_machine_as_test(JobLife, settings=settings(max_examples=6, stateful_step_count=40, deadline=None))
