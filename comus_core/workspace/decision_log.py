"""The log of decisions, which refuses those that conflict with decisions of others since."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from comus_core.errors import WorkspaceError
from comus_core.person import acting
from comus_core.workspace import decision_steps as steps
from comus_core.workspace.conflicts import require_no_conflict
from comus_core.workspace.database import Database
from comus_core.workspace.decision_steps import LogState, NotRecorded
from comus_core.workspace.decisions import Decisions, Event, Step
from comus_core.workspace.latest import bring_to_front
from comus_core.workspace.runs import closed_to_decisions

CACHED = 16  # logs whose last state is cached
Answer = TypeVar("Answer")
PayloadOf = Callable[[LogState], dict[str, Any]]


@dataclass(frozen=True)
class UndoState:
    """The decisions in force, with what can be undone and redone.

    Attributes:
        state: the decisions in force.
        undoable: what an undo would revert, or None.
        redoable: what a redo would restore, or None.
    """

    state: Decisions
    undoable: Step | None
    redoable: Step | None


class DecisionLog:
    """The event table. The cost of a decision depends on its size and on the decisions since the last read."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._cached: OrderedDict[tuple[str, str], LogState] = OrderedDict()
        database.define(steps.SCHEMA)

    def append(
        self,
        run: str,
        clustering: str,
        kind: str,
        *,
        based_on: int | None = None,
        make: PayloadOf | None = None,
        **payload: Any,
    ) -> Decisions:
        """Add one decision and return the resulting state.

        `kind` is as `Event` lists them. Decisions of others since version `based_on`, which the person saw, are kept
        unless they are about the same thing; None for no check. `make` computes further payload from the state of the
        log, in the same transaction.

        Raises:
            ConflictError: a decision since `based_on` is about the same thing; nothing is written.
            SettingsError: unknown kind, a value out of range, or impossible in the current state; nothing is written.
            WorkspaceError: the run was opened from a bundle and is read-only.
        """

        def entries(log: LogState) -> list[tuple[str, dict[str, Any]]]:
            return [(kind, payload | (make(log) if make is not None else {}))]

        return self.append_all(run, clustering, entries, based_on=based_on)

    def append_all(
        self,
        run: str,
        clustering: str,
        make: Callable[[LogState], Sequence[tuple[str, dict[str, Any]]]],
        *,
        based_on: int | None = None,
    ) -> Decisions:
        """Add several decisions, all or none; see `append`.

        `make` computes kind and payload of each, in order, from the state of the log.

        Raises:
            ConflictError, SettingsError, WorkspaceError: see `append`; nothing is written.
        """
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self.database.writing() as connection:
            _require_writable(connection, run)
            current = start = steps.log_state(connection, run, clustering, self._last(run, clustering), write=True)
            person = acting()
            by = person.shown if person is not None else ""
            events = [Event(start.version + 1, at, kind, payload, by) for kind, payload in make(start)]
            if based_on is not None and based_on != start.version:
                _require_no_conflict(connection, run, clustering, based_on, start, events)
            for event in events:
                current = steps.record(connection, current, _insert(connection, run, clustering, event))
            connection.execute("UPDATE runs SET updated_at = ? WHERE id = ?", (at, run))
            bring_to_front(connection, run)
        return self._cache(run, clustering, current)

    def copy(self, run: str, clustering: str, events: Sequence[Event]) -> Decisions:
        """Copy decisions from elsewhere, already checked by `replay`, to a clustering without decisions."""
        current = LogState()
        with self.database.writing() as connection:
            for event in events:
                current = steps.record(connection, current, _insert(connection, run, clustering, event))
        return self._cache(run, clustering, current)

    def events(self, run: str, clustering: str) -> list[Event]:
        """All decisions on that clustering in the run, oldest first."""
        with self.database.reading() as connection:
            query = """SELECT events.*, deciders.name AS decider FROM events LEFT JOIN deciders ON event = events.id
                WHERE run = ? AND clustering = ? ORDER BY events.id"""
            rows = connection.execute(query, (run, clustering)).fetchall()
            return [replace(steps.event_from(row), by=row["decider"] or "") for row in rows]

    def read(self, run: str, clustering: str) -> Decisions:
        """The state of all decisions so far; cached until the log grows."""
        return self._read(run, clustering, lambda _, log: log.state)

    def known(self, run: str, clustering: str) -> Decisions:
        """The state as this process read or wrote it last, without a query; read if it never did."""
        log = self._cached.get((run, clustering))
        return log.state if log is not None else self.read(run, clustering)

    def versions(self) -> dict[tuple[str, str], int]:
        """(run, clustering) -> version of every log."""
        query = "SELECT run, clustering, MAX(id) AS version FROM events GROUP BY run, clustering"
        with self.database.reading() as connection:
            return {(row["run"], row["clustering"]): row["version"] for row in connection.execute(query)}

    def read_at(self, run: str, clustering: str, version: int) -> Decisions:
        """The state at a version."""
        return self._read(
            run, clustering, lambda connection, log: steps.state_at(connection, run, clustering, version, log)
        )

    def undo_state(self, run: str, clustering: str) -> UndoState:
        """The current state, with what can be undone and redone."""

        def query(connection: sqlite3.Connection, log: LogState) -> UndoState:
            return UndoState(log.state, steps.undoable(connection, log), steps.redoable(connection, log))

        return self._read(run, clustering, query)

    def _read(self, run: str, clustering: str, query: Callable[[sqlite3.Connection, LogState], Answer]) -> Answer:
        """Query the log in its current state."""
        try:
            with self.database.reading() as connection:
                connection.execute("BEGIN")  # one snapshot for all queries
                current = steps.log_state(connection, run, clustering, self._last(run, clustering), write=False)
                answer = query(connection, current)
        except NotRecorded:
            with self.database.deriving() as connection:
                current = steps.log_state(connection, run, clustering, self._last(run, clustering), write=True)
                answer = query(connection, current)
        self._cache(run, clustering, current)
        return answer

    def _last(self, run: str, clustering: str) -> LogState:
        return self._cached.get((run, clustering), LogState())

    def _cache(self, run: str, clustering: str, current: LogState) -> Decisions:
        self._cached[run, clustering] = current
        while len(self._cached) > CACHED:
            self._cached.popitem(last=False)
        return current.state


def _insert(connection: sqlite3.Connection, run: str, clustering: str, event: Event) -> Event:
    """Write an event and return it with its id."""
    cursor = connection.execute(
        "INSERT INTO events (run, clustering, at, kind, payload) VALUES (?, ?, ?, ?, ?)",
        (run, clustering, event.at, event.kind, json.dumps(event.payload, ensure_ascii=False)),
    )
    if event.by:
        connection.execute("INSERT INTO deciders (event, name) VALUES (?, ?)", (cursor.lastrowid, event.by))
    return replace(event, id=int(cursor.lastrowid or 0))


def _require_writable(connection: sqlite3.Connection, run: str) -> None:
    row = connection.execute("SELECT provenance FROM runs WHERE id = ?", (run,)).fetchone()
    if row is not None and closed_to_decisions(json.loads(row["provenance"])):
        raise WorkspaceError(f"run {run} was opened from a bundle and is read-only: run it here to change it")


def _require_no_conflict(
    connection: sqlite3.Connection, run: str, clustering: str, based_on: int, log: LogState, decided: Sequence[Event]
) -> None:
    since = [
        steps.event_of(connection, event_id)
        for event_id in steps.decided_since(connection, run, clustering, based_on, log)
    ]
    query = "SELECT DISTINCT kind FROM events WHERE run = ? AND clustering = ? AND id > ?"
    after = [kind for (kind,) in connection.execute(query, (run, clustering, based_on))]
    for event in decided:
        require_no_conflict(event, since, after)
