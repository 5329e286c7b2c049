"""Which processes work on runs and trainings, and the state of each: one that was killed must not look alive."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import ClassVar, Literal

from comus_core.errors import Cancelled, WorkspaceError
from comus_core.files.process_identity import HEARTBEAT, ProcessIdentity, identify, is_alive, this_host
from comus_core.workspace import latest
from comus_core.workspace.database import Database

Ending = Literal["failed", "cancelled"]
INTERRUPTED = "interrupted"  # the state of a run or training that says "running" with no process at work on it

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS attempts (id INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL,"
    " pid INTEGER NOT NULL, process_start TEXT NOT NULL, host TEXT NOT NULL, boot_id TEXT NOT NULL,"
    " heartbeat REAL NOT NULL)"
)


class AttemptTable:
    """The processes at work: one row each for as long as they are; a killed one leaves its row behind."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.define(SCHEMA)

    @contextmanager
    def at_work(self, subject: str) -> Iterator[None]:
        """Note that this process works on a run or a training, by its id, until the block is left."""
        process = identify(os.getpid()) or ProcessIdentity(os.getpid(), "", "", "")
        with self.database.writing() as connection:
            _forget_dead(connection, subject)
            row = (subject, process.pid, process.start, process.host, process.boot_id, time.time())
            insert = "INSERT INTO attempts (subject, pid, process_start, host, boot_id, heartbeat)"
            number = connection.execute(f"{insert} VALUES (?, ?, ?, ?, ?, ?)", row).lastrowid
        ended = threading.Event()
        thread = threading.Thread(target=self._beat, args=(number, ended), name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            with suppress(WorkspaceError), self.database.writing() as connection:  # a full disk: the row dies with us
                connection.execute("DELETE FROM attempts WHERE id = ?", (number,))

    def _beat(self, number: int, ended: threading.Event) -> None:
        while not ended.wait(HEARTBEAT):
            try:
                with self.database.writing() as connection:
                    connection.execute("UPDATE attempts SET heartbeat = ? WHERE id = ?", (time.time(), number))
            except WorkspaceError:  # a full disk or a long lock: the work itself will say so, if it lasts
                traceback.print_exc()


class WorkTable:
    """A table of what processes work on, runs or trainings: the one place where their states are decided.

    A row says "running", "done", "failed" or "cancelled"; one that says "running" with no process at work on it is
    shown as interrupted. What is done stays done, whatever a later attempt comes to.
    """

    table: ClassVar[str]

    def __init__(self, database: Database) -> None:
        self.database = database
        self._attempts = AttemptTable(database)
        database.define(latest.SCHEMA)

    @contextmanager
    def attempt(self, subject: str) -> Iterator[None]:
        """This process works on the row of that id until the block is left: by a fault failed, by a stop cancelled."""
        try:
            with self._attempts.at_work(subject):
                yield
        except BaseException as error:
            stopped = isinstance(error, (Cancelled, KeyboardInterrupt))
            with suppress(WorkspaceError):  # a full disk: what went wrong first is what to tell
                self.end(subject, "cancelled" if stopped else "failed")
            raise

    def end(self, subject: str, state: Ending) -> None:
        """Note that an attempt failed or was cancelled: on a row that is neither done nor at work elsewhere."""
        with self.database.writing() as connection:
            if subject not in _subjects_at_work(connection):
                change = f"UPDATE {self.table} SET state = ?, updated_at = ? WHERE id = ? AND state != 'done'"
                connection.execute(change, (state, now(), subject))

    def bring_to_front(self, *subjects: str) -> None:
        """Make these the latest, the first of them the very latest."""
        with self.database.writing() as connection:
            latest.bring_to_front(connection, *subjects)


def now() -> str:
    """The time as rows hold it, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def shown_state(connection: sqlite3.Connection, row: sqlite3.Row) -> str:
    """The state of a row as people and programs should see it: "running" needs a live process."""
    alive = row["state"] != "running" or row["id"] in _subjects_at_work(connection)
    return str(row["state"]) if alive else INTERRUPTED


def _subjects_at_work(connection: sqlite3.Connection) -> set[str]:
    """Ids of the runs and trainings on which a live process works."""
    return {row["subject"] for row in connection.execute("SELECT * FROM attempts") if _lives(row)}


def _forget_dead(connection: sqlite3.Connection, subject: str) -> None:
    rows = connection.execute("SELECT * FROM attempts WHERE subject = ?", (subject,)).fetchall()
    dead = [(row["id"],) for row in rows if not _lives(row)]
    connection.executemany("DELETE FROM attempts WHERE id = ?", dead)


def _lives(row: sqlite3.Row) -> bool:
    process = ProcessIdentity(row["pid"], row["process_start"], row["host"] or f"not {this_host()}", row["boot_id"])
    return is_alive(process, row["heartbeat"], time.time())
