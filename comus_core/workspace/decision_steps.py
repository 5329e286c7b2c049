"""The state of a log of decisions after each event, stored beside the events so that reading can continue from there.

The decisions of a log are a tree: each is a child of the last one in force when it was taken. Undo goes to the parent,
redo to the latest child; nothing is forgotten. All of this, including checkpoints, is derived from the events.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from comus_core.errors import WorkspaceError
from comus_core.workspace import checkpoint
from comus_core.workspace.decisions import Decisions, Event, Step, apply, is_opening, nothing_to
from comus_core.workspace.reversal import from_bytes, reversal, revert, to_bytes

SCHEMA = """
CREATE TABLE IF NOT EXISTS steps (
    id INTEGER PRIMARY KEY, log INTEGER NOT NULL, head INTEGER NOT NULL, tip INTEGER NOT NULL, given INTEGER NOT NULL,
    parent INTEGER, back BLOB
);
CREATE INDEX IF NOT EXISTS steps_on_step ON steps (log, parent) WHERE parent IS NOT NULL;
CREATE TABLE IF NOT EXISTS checkpoints (log INTEGER PRIMARY KEY, version INTEGER NOT NULL, state BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS steps_of_no_event AFTER DELETE ON events BEGIN
    DELETE FROM steps WHERE id = OLD.id;
    DELETE FROM checkpoints WHERE log = OLD.id;
END;
"""
EVERY = 100  # events between checkpoints, which a new process reads one by one


class NotRecorded(Exception):
    """Events of an older version have no steps yet, and must be recorded with write access."""


@dataclass(frozen=True)
class LogState:
    """The state of a log.

    Attributes:
        log: id of its first event, 0 while it has none.
        head: id of the last decision in force, 0 for none.
        tip: id of the last decision after redoing everything; `head` if nothing is undone.
        highest_id: the highest category id that a split of this log has used, −1 for none.
        fresh: number of events since the last checkpoint.
        state: the decisions in force; its version is the id of the last event.
    """

    log: int = 0
    head: int = 0
    tip: int = 0
    highest_id: int = -1
    fresh: int = 0
    state: Decisions = field(default_factory=Decisions)

    @property
    def version(self) -> int:
        """Id of the last event, 0 for none."""
        return self.state.version


def log_state(connection: sqlite3.Connection, run: str, clustering: str, earlier: LogState, write: bool) -> LogState:
    """The current state of the log, from an earlier state.

    `earlier` is of the same log, of a deleted one, or empty; `write` records missing steps.

    Raises:
        NotRecorded: steps are missing and `write` is False.
    """
    query = "SELECT {} FROM events WHERE run = ? AND clustering = ?"
    (log,), (version,) = (
        connection.execute(query.format(of), (run, clustering)).fetchone() for of in ("MIN(id)", "MAX(id)")
    )
    if log is None:
        return LogState()
    usable = earlier.log == log and earlier.version <= version and _is_recorded(connection, earlier.version)
    current = earlier if usable else _at_checkpoint(connection, log)
    for event, recorded in _events_after(connection, run, clustering, current.version):
        if not recorded and not write:
            raise NotRecorded
        current = follow(connection, current, event) if recorded else record(connection, current, event)
    return current


def follow(connection: sqlite3.Connection, log: LogState, event: Event) -> LogState:
    """The state of the log after one more event.

    Raises:
        SettingsError: it is not possible in this state.
    """
    head, tip = log.head, log.tip
    if event.kind == "undo":
        step = undoable(connection, log)
        if step is None:
            raise nothing_to("undo")
        head, state = _parent(connection, head), step.before
    elif event.kind == "redo":
        redo = redoable(connection, log)
        if redo is None:
            raise nothing_to("redo")
        head, state = redo.event.id, apply(log.state, redo.event)
    else:
        head = tip = event.id
        state = apply(log.state, event)
    highest_id = max([log.highest_id, *map(int, event.payload.get("made", ()))])
    state = replace(state, version=event.id)
    return LogState(log.log or event.id, head, tip, highest_id, log.fresh + 1, state)


def record(connection: sqlite3.Connection, log: LogState, event: Event) -> LogState:
    """Like `follow`, for an event in the table, recording its step."""
    after = follow(connection, log, event)
    decided = after.head == event.id
    back = to_bytes(reversal(log.state, after.state, event)) if decided else None
    parent = log.head if decided else None
    row = (event.id, after.log, after.head, after.tip, after.highest_id, parent, back)
    connection.execute("INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    if after.fresh < EVERY:
        return after
    state = checkpoint.to_bytes(after.state)
    connection.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)", (after.log, after.version, state))
    return replace(after, fresh=0)


def undoable(connection: sqlite3.Connection, log: LogState) -> Step | None:
    """What an undo would revert; never the filter from the run's settings."""
    if not log.head:
        return None
    event = event_of(connection, log.head)
    (parent, back) = connection.execute("SELECT parent, back FROM steps WHERE id = ?", (log.head,)).fetchone()
    if not parent and is_opening(event):
        return None
    return Step(event, revert(log.state, from_bytes(back)))


def redoable(connection: sqlite3.Connection, log: LogState) -> Step | None:
    """What a redo would restore: the latest child of the last decision in force."""
    if log.head == log.tip:
        return None
    query = "SELECT MAX(id) FROM steps WHERE log = ? AND parent = ?"
    (event_id,) = connection.execute(query, (log.log, log.head)).fetchone()
    return Step(event_of(connection, event_id), log.state)


def decided_since(connection: sqlite3.Connection, run: str, clustering: str, version: int, log: LogState) -> list[int]:
    """Ids of the decisions in force either now or at a version, but not both; ascending."""
    taken, missing = _differences(connection, log.head, _last(connection, run, clustering, version)[1])
    return sorted([*taken, *missing])


def state_at(connection: sqlite3.Connection, run: str, clustering: str, version: int, log: LogState) -> Decisions:
    """The decisions in force at a version."""
    last, head = _last(connection, run, clustering, version)
    taken, missing = _differences(connection, log.head, head)
    state = log.state
    for event_id in taken:
        (back,) = connection.execute("SELECT back FROM steps WHERE id = ?", (event_id,)).fetchone()
        state = revert(state, from_bytes(back))
    for event_id in reversed(missing):
        state = apply(state, event_of(connection, event_id))
    return replace(state, version=last)


def _last(connection: sqlite3.Connection, run: str, clustering: str, version: int) -> tuple[int, int]:
    """Id of the last event at a version, and of the last decision in force then; 0 for none."""
    query = """SELECT id, head FROM steps JOIN events USING (id)
        WHERE run = ? AND clustering = ? AND id <= ? ORDER BY id DESC LIMIT 1"""
    row = connection.execute(query, (run, clustering, version)).fetchone()
    return (row[0], row[1]) if row is not None else (0, 0)


def _differences(connection: sqlite3.Connection, first: int, second: int) -> tuple[list[int], list[int]]:
    """The ancestors of only the first decision, and of only the second; the latest first."""
    of_first, of_second = [], []
    while first != second:  # a decision has a higher id than its parent
        if first > second:
            of_first.append(first)
            first = _parent(connection, first)
        else:
            of_second.append(second)
            second = _parent(connection, second)
    return of_first, of_second


def event_of(connection: sqlite3.Connection, event_id: int) -> Event:
    """The event of an existing id."""
    return event_from(connection.execute("SELECT * FROM events WHERE id = ?", (event_id,)).fetchone())


def event_from(row: Any) -> Event:
    """The event of a table row."""
    return Event(row["id"], row["at"], row["kind"], json.loads(row["payload"]))


def _parent(connection: sqlite3.Connection, event_id: int) -> int:
    (parent,) = connection.execute("SELECT parent FROM steps WHERE id = ?", (event_id,)).fetchone()
    return int(parent)


def _at_checkpoint(connection: sqlite3.Connection, log: int) -> LogState:
    """The state at the last readable checkpoint, else the empty state."""
    query = """SELECT version, state, head, tip, given FROM checkpoints JOIN steps ON steps.id = checkpoints.version
        WHERE checkpoints.log = ?"""
    row = connection.execute(query, (log,)).fetchone()
    if row is None:
        return LogState()
    try:
        state = checkpoint.from_bytes(row["state"], row["version"])
    except (WorkspaceError, ValueError, KeyError, TypeError, IndexError):
        return LogState()
    return LogState(log, row["head"], row["tip"], row["given"], 0, state)


def _is_recorded(connection: sqlite3.Connection, event_id: int) -> bool:
    """Whether an event has a step; events of an older version have none."""
    return connection.execute("SELECT 1 FROM steps WHERE id = ?", (event_id,)).fetchone() is not None


def _events_after(
    connection: sqlite3.Connection, run: str, clustering: str, version: int
) -> Iterator[tuple[Event, bool]]:
    """The events after a version, oldest first, each with whether it has a step."""
    query = """SELECT events.*, steps.id IS NOT NULL AS recorded FROM events LEFT JOIN steps USING (id)
        WHERE run = ? AND clustering = ? AND id > ? ORDER BY id"""
    for row in connection.execute(query, (run, clustering, version)):
        yield event_from(row), bool(row["recorded"])
