"""The job table: every change of state is one guarded transaction, so that no two processes can disagree.

Each change writes what happened into the job's history in the same transaction.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from comus_core.errors import WorkspaceError
from comus_core.files.process_identity import ProcessIdentity
from comus_core.jobs import history
from comus_core.jobs.logs import log_path
from comus_core.jobs.progress import StageProgress
from comus_core.jobs.records import ACTIVE, LIVE, RESUMABLE, Job, JobEvent, State
from comus_core.workspace.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, settings TEXT NOT NULL, state TEXT NOT NULL,
    device TEXT NOT NULL, folder TEXT NOT NULL, environment TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 1, run TEXT,
    stage TEXT NOT NULL DEFAULT '', step INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,
    first_step INTEGER NOT NULL DEFAULT 0, stage_started_at REAL, progress_at REAL, heartbeat REAL,
    pid INTEGER, process_start TEXT, host TEXT, boot_id TEXT, slot TEXT,
    cancel_requested_at REAL, error TEXT, created_at REAL NOT NULL, started_at REAL, ended_at REAL
)
"""
# Younger than the table; jobs of older versions are not started again by themselves.
LATER_COLUMNS = {name: "INTEGER NOT NULL DEFAULT 0" for name in ("priority", "retries", "retried")}
# What an attempt leaves behind, wiped when the next one is queued.
FRESH = (
    "stage = '', step = 0, total = 0, first_step = 0, stage_started_at = NULL, progress_at = NULL, heartbeat = NULL,"
    " pid = NULL, process_start = NULL, host = NULL, boot_id = NULL, slot = NULL, cancel_requested_at = NULL,"
    " error = NULL, started_at = NULL, ended_at = NULL"
)
AGAIN = f"state = 'queued', attempt = attempt + 1, {FRESH}"
GIVEN_UP = "free memory, or choose fewer images or a smaller encoder, and resume it"

ChooseSlot = Callable[[str, Sequence[str]], str | None]  # (device asked, slots taken) -> slot, or None to wait


class JobTable:
    """The jobs of a workspace. `attempt` guards every write of a process: a superseded one changes nothing."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.define(SCHEMA, history.SCHEMA)
        database.add_columns("jobs", LATER_COLUMNS)

    def insert(
        self,
        kind: str,
        subject: Any,
        settings: dict[str, Any],
        device: str,
        folder: Path,
        environment: dict[str, str],
        priority: int = 0,
        retries: int = 0,
    ) -> Job:
        """A new queued job; subject and settings are plain JSON values."""
        content = json.dumps({"subject": subject, "settings": settings})
        values = (kind, content, device, str(folder), json.dumps(environment), time.time(), priority, retries)
        statement = (
            "INSERT INTO jobs (kind, settings, state, device, folder, environment, created_at, priority, retries)"
            " VALUES (?, ?, 'queued', ?, ?, ?, ?, ?, ?) RETURNING *"
        )
        return self._change(statement, values, "queued")[0]

    def get(self, job_id: int) -> Job:
        """The job of that id.

        Raises:
            WorkspaceError: there is none.
        """
        with self.database.reading() as connection:
            row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise WorkspaceError(f"no job {job_id} in {self.database.path.parent}: `comus jobs list` lists them")
        return self._job(row)

    def all(self, states: Sequence[State] | None = None) -> list[Job]:
        """The jobs, newest first; only those in `states`, if given."""
        with self.database.reading() as connection:
            rows = connection.execute("SELECT * FROM jobs ORDER BY id DESC").fetchall()
        return [self._job(row) for row in rows if states is None or row["state"] in states]

    def events(self, job_id: int) -> list[JobEvent]:
        """The history of a job, oldest first; empty for one of an older version."""
        with self.database.reading() as connection:
            return history.read(connection, job_id)

    def note(self, job: Job, kind: str, text: str = "") -> None:
        """Add to the history what is no change of state; the same words twice in a row are told once."""
        with self.database.writing() as connection:
            latest = history.read(connection, job.id)[-1:]
            if [(e.attempt, e.kind, e.text) for e in latest] != [(job.attempt, kind, text)]:
                history.add(connection, job, kind, text)

    def claim(self, choose_slot: ChooseSlot) -> Job | None:
        """Set the first queued job for which there is a slot to running; exactly one claimer gets it."""
        queue = "SELECT * FROM jobs WHERE state = 'queued' ORDER BY priority DESC, id"
        with self.database.writing() as connection:
            taken = [r["slot"] for r in connection.execute(f"SELECT slot FROM jobs WHERE state IN {LIVE}")]
            for row in connection.execute(queue).fetchall():
                slot = choose_slot(row["device"], taken)
                if slot is not None:
                    statement = "UPDATE jobs SET state = 'running', slot = ?, started_at = ? WHERE id = ? RETURNING *"
                    job = self._job(connection.execute(statement, (slot, time.time(), row["id"])).fetchall()[0])
                    history.add(connection, job, "running", f"on {slot}")
                    return job
        return None

    def record_process(self, job: Job, process: ProcessIdentity) -> bool:
        """Note which process works on this attempt; False if it is another's, or no longer wanted."""
        values = (process.pid, process.start, process.host, process.boot_id, time.time())
        return self._change_attempt(
            "pid = ?, process_start = ?, host = ?, boot_id = ?, heartbeat = ?",
            values,
            job,
            "AND (pid IS NULL OR (pid, process_start) = (?, ?))",
            (process.pid, process.start),
        )

    def pulse(self, job: Job, now: float, progress: StageProgress) -> State | None:
        """Write a sign of life and how far it is; the answer is the job's state, None for a superseded attempt."""
        at = (progress.started_at or None, progress.at or None)
        values = (now, progress.stage, progress.step, progress.total, progress.first_step, *at, job.id, job.attempt)
        statement = (
            "UPDATE jobs SET heartbeat = ?, stage = ?, step = ?, total = ?, first_step = ?, stage_started_at = ?,"
            f" progress_at = ? WHERE id = ? AND attempt = ? AND state IN {LIVE} RETURNING *"
        )
        with self.database.writing() as connection:
            before = connection.execute("SELECT stage FROM jobs WHERE id = ?", (job.id,)).fetchone()
            changed = [self._job(row) for row in connection.execute(statement, values).fetchall()]
            if changed and progress.stage and before["stage"] != progress.stage:
                history.add(connection, job, "stage", progress.stage)
        return changed[0].state if changed else None

    def set_run(self, job: Job, run_id: str) -> bool:
        """Note the run that the job works on."""
        return self._change_attempt("run = ?", (run_id,), job)

    def finish(self, job: Job, state: State, error: str | None = None) -> bool:
        """End an attempt; False if it had ended before."""
        return self._change_attempt("state = ?, error = ?, ended_at = ?", (state, error, time.time()), job, told=state)

    def bury(self, job: Job, reason: str) -> bool:
        """End an attempt whose process died; False if it had ended.

        It is cancelled if that was asked for; else it is queued again, as often as its `retries` say, then failed. With
        no retries it is lost, and waits for a person.
        """
        with self.database.writing() as connection:
            row = connection.execute(
                f"SELECT * FROM jobs WHERE id = ? AND attempt = ? AND state IN {LIVE}", (job.id, job.attempt)
            ).fetchone()
            if row is None:
                return False
            self._bury(connection, self._job(row), reason)
        return True

    def _bury(self, connection: sqlite3.Connection, job: Job, reason: str) -> None:
        state, error = ("cancelled", None) if job.state == "cancelling" else ("lost", reason)
        if state == "lost" and job.retried < job.retries:
            history.add(connection, job, "lost", reason)
            change = f"UPDATE jobs SET {AGAIN}, retried = retried + 1 WHERE id = ? RETURNING *"
            queued = self._job(connection.execute(change, (job.id,)).fetchall()[0])
            history.add(connection, queued, "queued", f"by itself, {queued.retried} of {queued.retries} times")
            return
        if state == "lost" and job.retries:
            state, error = "failed", f"{reason}; so it ended {job.retried + 1} times in a row: {GIVEN_UP}"
        values = (state, error, time.time(), job.id)
        connection.execute("UPDATE jobs SET state = ?, error = ?, ended_at = ? WHERE id = ?", values)
        history.add(connection, job, state, error or "")

    def request_cancel(self, job_id: int) -> Job:
        """A queued job is cancelled, a running one asked to stop; any other stays as it is."""
        now = time.time()
        self._change(
            "UPDATE jobs SET ended_at = CASE state WHEN 'queued' THEN ? END, cancel_requested_at = ?,"
            " state = CASE state WHEN 'queued' THEN 'cancelled' ELSE 'cancelling' END"
            " WHERE id = ? AND state IN ('queued', 'running') RETURNING *",
            (now, now, job_id),
            "cancellation requested",
        )
        return self.get(job_id)

    def prioritise(self, job_id: int, priority: int | None) -> Job:
        """Give a job a priority; None: one higher than that of every queued job."""
        highest = "(SELECT COALESCE(MAX(priority), 0) + 1 FROM jobs WHERE state = 'queued')"
        self._change(
            f"UPDATE jobs SET priority = COALESCE(?, {highest}) WHERE id = ? AND state = 'queued' RETURNING *",
            (priority, job_id),
            "moved in the queue",
        )
        return self.get(job_id)

    def requeue(self, job_id: int) -> Job:
        """Queue a new attempt of a job that ended without a result.

        Raises:
            WorkspaceError: it is queued, at work, or done.
        """
        statement = f"UPDATE jobs SET {AGAIN}, retried = 0 WHERE id = ? AND state IN {RESUMABLE} RETURNING *"
        changed = self._change(statement, (job_id,), "resumed")
        if not changed:
            job = self.get(job_id)
            raise WorkspaceError(f"job {job.id} is {job.state}: only {', '.join(RESUMABLE)} jobs can be resumed")
        return changed[0]

    def end_unstarted(self) -> list[Job]:
        """End what a supervisor claimed and did not live to start, as `bury` does; for the one that holds the lock.

        A process that it did start, but that has not written its pid, finds its attempt superseded and leaves.
        """
        statement = f"SELECT * FROM jobs WHERE pid IS NULL AND state IN {LIVE}"
        with self.database.writing() as connection:
            unstarted = [self._job(row) for row in connection.execute(statement).fetchall()]
            for job in unstarted:
                self._bury(connection, job, "claimed but never started")
        return [self.get(job.id) for job in unstarted]

    def release_if_idle(self, release: Callable[[], None]) -> bool:
        """Call `release` while nobody can submit, provided that no job is queued or at work."""
        with self.database.writing() as connection:
            idle = connection.execute(f"SELECT 1 FROM jobs WHERE state IN {ACTIVE} LIMIT 1").fetchone() is None
            if idle:
                release()
        return idle

    def _change_attempt(
        self,
        change: str,
        values: Sequence[Any],
        job: Job,
        condition: str = "",
        more: Sequence[Any] = (),
        told: str | None = None,
    ) -> bool:
        statement = f"UPDATE jobs SET {change} WHERE id = ? AND attempt = ? AND state IN {LIVE} {condition} RETURNING *"
        return bool(self._change(statement, (*values, job.id, job.attempt, *more), told))

    def _change(self, statement: str, values: Sequence[Any], told: str | None = None) -> list[Job]:
        """The jobs that a statement changed; `told` goes into the history of each, under its new state."""
        with self.database.writing() as connection:
            changed = [self._job(row) for row in connection.execute(statement, tuple(values)).fetchall()]
            if told is not None:
                for job in changed:
                    history.add(connection, job, job.state, job.error or (told if told != job.state else ""))
        return changed

    def _job(self, row: Any) -> Job:
        values = dict(row)
        values["environment"] = json.loads(values["environment"])
        content = json.loads(values.pop("settings"))
        if content.keys() == {"subject", "settings"}:
            values |= content
        else:  # of another version of this program, which can be listed and no more
            values |= {"subject": None, "settings": {}}
        path = log_path(self.database.path.parent, values["id"])
        return Job(**values | {"folder": Path(values["folder"]), "log_path": path})
