"""Where a log of decisions stands after each of its events, kept beside them: to go on from there is to read no more.

The decisions of a log are a tree: each rests on the last one that was in force when it was taken. Undo goes to that one
without forgetting anything, redo to the latest decision that rests on it. All of this, and the checkpoints, is worked
out from the events, which alone are the truth.
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
from comus_core.workspace.reversal import from_bytes, reversal, taken_back, to_bytes

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
EVERY = 100  # events from one checkpoint to the next: what a process that begins follows one by one


class NotRecorded(Exception):
    """Events have no steps yet: an older program wrote them, so they are worked out where one may write."""


@dataclass(frozen=True)
class Standing:
    """Where a log stands.

    Attributes:
        log: id of its first event, 0 while it has none.
        head: id of the last decision in force, 0 for none.
        tip: id of the decision to which redoing all leads; `head` if nothing is undone.
        given: the highest number of a category that any event of the log split off, −1 for none.
        fresh: events since the last checkpoint.
        state: what is in force; its version is the id of the last event.
    """

    log: int = 0
    head: int = 0
    tip: int = 0
    given: int = -1
    fresh: int = 0
    state: Decisions = field(default_factory=Decisions)

    @property
    def version(self) -> int:
        """Id of the last event, 0 for none."""
        return self.state.version


def standing(connection: sqlite3.Connection, run: str, clustering: str, held: Standing, write: bool) -> Standing:
    """Where the log stands now, from where it stood when it was last looked at.

    Args:
        connection: that may write if `write`.
        run: id of the run.
        clustering: fingerprint of its clustering.
        held: of the same log, or of one that was deleted since, or an empty one.
        write: record what is not recorded.

    Raises:
        NotRecorded: something is not, and may not be.
    """
    query = "SELECT {} FROM events WHERE run = ? AND clustering = ?"
    (log,), (version,) = (
        connection.execute(query.format(of), (run, clustering)).fetchone() for of in ("MIN(id)", "MAX(id)")
    )
    if log is None:
        return Standing()
    known = held.log == log and held.version <= version and _is_recorded(connection, held.version)
    now = held if known else _at_checkpoint(connection, log)
    for event, recorded in _events_after(connection, run, clustering, now.version):
        if not recorded and not write:
            raise NotRecorded
        now = follow(connection, now, event) if recorded else record(connection, now, event)
    return now


def follow(connection: sqlite3.Connection, now: Standing, event: Event) -> Standing:
    """Where the log stands after one event more.

    Raises:
        SettingsError: it makes no sense here.
    """
    head, tip = now.head, now.tip
    if event.kind == "undo":
        step = undoable(connection, now)
        if step is None:
            raise nothing_to("undo")
        head, state = _parent(connection, head), step.before
    elif event.kind == "redo":
        again = redoable(connection, now)
        if again is None:
            raise nothing_to("redo")
        head, state = again.event.id, apply(now.state, again.event)
    else:
        head = tip = event.id
        state = apply(now.state, event)
    given = max([now.given, *map(int, event.payload.get("made", ()))])
    state = replace(state, version=event.id)
    return Standing(now.log or event.id, head, tip, given, now.fresh + 1, state)


def record(connection: sqlite3.Connection, now: Standing, event: Event) -> Standing:
    """As `follow`, for an event that is in the table of events, and write down what will be asked of it later."""
    then = follow(connection, now, event)
    decided = then.head == event.id
    back = to_bytes(reversal(now.state, then.state, event)) if decided else None
    parent = now.head if decided else None
    row = (event.id, then.log, then.head, then.tip, then.given, parent, back)
    connection.execute("INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    if then.fresh < EVERY:
        return then
    state = checkpoint.to_bytes(then.state)
    connection.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)", (then.log, then.version, state))
    return replace(then, fresh=0)


def undoable(connection: sqlite3.Connection, now: Standing) -> Step | None:
    """What an undo would take back; never the filter that a run's settings opened the log with."""
    if not now.head:
        return None
    event = event_of(connection, now.head)
    (parent, back) = connection.execute("SELECT parent, back FROM steps WHERE id = ?", (now.head,)).fetchone()
    if not parent and is_opening(event):
        return None
    return Step(event, taken_back(now.state, from_bytes(back)))


def redoable(connection: sqlite3.Connection, now: Standing) -> Step | None:
    """What a redo would bring back: of the decisions that rest on the last in force, the latest."""
    if now.head == now.tip:
        return None
    query = "SELECT MAX(id) FROM steps WHERE log = ? AND parent = ?"
    (found,) = connection.execute(query, (now.log, now.head)).fetchone()
    return Step(event_of(connection, found), now.state)


def decided_since(connection: sqlite3.Connection, run: str, clustering: str, version: int, now: Standing) -> list[int]:
    """Ids of the decisions that are in force now and were not at a version, or the other way round; ascending."""
    taken, missing = _apart(connection, now.head, _last(connection, run, clustering, version)[1])
    return sorted([*taken, *missing])


def state_at(connection: sqlite3.Connection, run: str, clustering: str, version: int, now: Standing) -> Decisions:
    """What was in force at a version, at the work of what was decided since."""
    last, head = _last(connection, run, clustering, version)
    taken, missing = _apart(connection, now.head, head)
    state = now.state
    for found in taken:
        (back,) = connection.execute("SELECT back FROM steps WHERE id = ?", (found,)).fetchone()
        state = taken_back(state, from_bytes(back))
    for found in reversed(missing):
        state = apply(state, event_of(connection, found))
    return replace(state, version=last)


def _last(connection: sqlite3.Connection, run: str, clustering: str, version: int) -> tuple[int, int]:
    """Id of the last event at a version, and of the last decision in force then; 0 for none."""
    query = """SELECT id, head FROM steps JOIN events USING (id)
        WHERE run = ? AND clustering = ? AND id <= ? ORDER BY id DESC LIMIT 1"""
    row = connection.execute(query, (run, clustering, version)).fetchone()
    return (row[0], row[1]) if row is not None else (0, 0)


def _apart(connection: sqlite3.Connection, one: int, other: int) -> tuple[list[int], list[int]]:
    """The decisions that only the first rests on, and those that only the other does; the latest first."""
    of_one, of_other = [], []
    while one != other:  # a decision has a higher id than the one it rests on
        if one > other:
            of_one.append(one)
            one = _parent(connection, one)
        else:
            of_other.append(other)
            other = _parent(connection, other)
    return of_one, of_other


def event_of(connection: sqlite3.Connection, event_id: int) -> Event:
    """The event of an id that is there."""
    return event_from(connection.execute("SELECT * FROM events WHERE id = ?", (event_id,)).fetchone())


def event_from(row: Any) -> Event:
    """The event of a row of the table."""
    return Event(row["id"], row["at"], row["kind"], json.loads(row["payload"]))


def _parent(connection: sqlite3.Connection, event_id: int) -> int:
    (parent,) = connection.execute("SELECT parent FROM steps WHERE id = ?", (event_id,)).fetchone()
    return int(parent)


def _at_checkpoint(connection: sqlite3.Connection, log: int) -> Standing:
    """The log at its last checkpoint; where there is none, or none that can be read, at its start."""
    query = """SELECT version, state, head, tip, given FROM checkpoints JOIN steps ON steps.id = checkpoints.version
        WHERE checkpoints.log = ?"""
    row = connection.execute(query, (log,)).fetchone()
    if row is None:
        return Standing()
    try:
        state = checkpoint.from_bytes(row["state"], row["version"])
    except (WorkspaceError, ValueError, KeyError, TypeError, IndexError):
        return Standing()
    return Standing(log, row["head"], row["tip"], row["given"], 0, state)


def _is_recorded(connection: sqlite3.Connection, event_id: int) -> bool:
    """Whether an event has a step; a newer copy of what an older program writes has none."""
    return connection.execute("SELECT 1 FROM steps WHERE id = ?", (event_id,)).fetchone() is not None


def _events_after(
    connection: sqlite3.Connection, run: str, clustering: str, version: int
) -> Iterator[tuple[Event, bool]]:
    """The events after a version, oldest first, each with whether it has a step."""
    query = """SELECT events.*, steps.id IS NOT NULL AS recorded FROM events LEFT JOIN steps USING (id)
        WHERE run = ? AND clustering = ? AND id > ? ORDER BY id"""
    for row in connection.execute(query, (run, clustering, version)):
        yield event_from(row), bool(row["recorded"])
