"""The history of a job: what happened to it and when, kept with its row."""

from __future__ import annotations

import sqlite3
import time

from comus_core.jobs.records import Job, JobEvent

SCHEMA = """
CREATE TABLE IF NOT EXISTS job_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL, attempt INTEGER NOT NULL, at REAL NOT NULL,
    kind TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS job_events_of_job ON job_events (job, id);
"""
MOST = 1_000  # entries of a job; one more removes its oldest


def add(connection: sqlite3.Connection, job: Job, kind: str, text: str) -> None:
    """Write an entry, within the caller's transaction."""
    values = (job.id, job.attempt, time.time(), kind, text)
    entry = connection.execute("INSERT INTO job_events (job, attempt, at, kind, text) VALUES (?, ?, ?, ?, ?)", values)
    if entry.lastrowid is not None and entry.lastrowid % 100 == 0:
        oldest = "SELECT id FROM job_events WHERE job = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
        connection.execute(f"DELETE FROM job_events WHERE job = ? AND id <= ({oldest})", (job.id, job.id, MOST))


def read(connection: sqlite3.Connection, job_id: int) -> list[JobEvent]:
    """The entries of a job, in the order in which they were written, whatever the clock said."""
    rows = connection.execute("SELECT at, attempt, kind, text FROM job_events WHERE job = ? ORDER BY id", (job_id,))
    return [JobEvent(*row) for row in rows.fetchall()]
