"""The table of decisions: what is written only where it still makes sense, beside what others decided since."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from comus_core.errors import WorkspaceError
from comus_core.workspace import decision_steps as steps
from comus_core.workspace.conflicts import require_apart
from comus_core.workspace.database import Database
from comus_core.workspace.decision_steps import NotRecorded, Standing
from comus_core.workspace.decisions import Decisions, Event, Step
from comus_core.workspace.latest import bring_to_front

HELD = 16  # logs of which the last state is remembered
Answer = TypeVar("Answer")
Making = Callable[[Standing], dict[str, Any]]


@dataclass(frozen=True)
class Ways:
    """What is in force, and the ways back and forth from it.

    Attributes:
        state: what all decisions amount to.
        undoable: what an undo would take back, None for nothing.
        redoable: what a redo would bring back, None for nothing.
    """

    state: Decisions
    undoable: Step | None
    redoable: Step | None


class DecisionLog:
    """The event table. What a decision costs depends on itself and on what was decided since it was last looked at."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._held: OrderedDict[tuple[str, str], Standing] = OrderedDict()
        database.define(steps.SCHEMA)

    def append(
        self,
        run: str,
        clustering: str,
        kind: str,
        *,
        based_on: int | None = None,
        make: Making | None = None,
        **payload: Any,
    ) -> Decisions:
        """Add one decision and return the state that all of them amount to.

        Args:
            run: id of the run.
            clustering: fingerprint of its clustering.
            kind: as `Event` lists them.
            based_on: the version that the person looked at. Others may have decided since; where their decisions and
                this one do not touch the same thing, both hold. None asks no such question.
            make: more of the payload, from where the log stands, in the same transaction.
            payload: of the event.

        Raises:
            ConflictError: a decision since `based_on` is about the same thing; nothing is written.
            SettingsError: the kind is unknown, a value is out of range, or it makes no sense any more; nothing is
                written.
            WorkspaceError: the run came in a bundle and is read-only.
        """

        def made(now: Standing) -> list[tuple[str, dict[str, Any]]]:
            return [(kind, payload | (make(now) if make is not None else {}))]

        return self.append_all(run, clustering, made, based_on=based_on)

    def append_all(
        self,
        run: str,
        clustering: str,
        make: Callable[[Standing], Sequence[tuple[str, dict[str, Any]]]],
        *,
        based_on: int | None = None,
    ) -> Decisions:
        """Add several decisions or none of them; else as `append`.

        Args:
            run: id of the run.
            clustering: fingerprint of its clustering.
            make: kind and payload of each, in order, from where the log stands.
            based_on: the version that all of them were decided on.

        Raises:
            ConflictError, SettingsError, WorkspaceError: as of `append`; none of them is written.
        """
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self.database.writing() as connection:
            _require_writable(connection, run)
            now = start = steps.standing(connection, run, clustering, self._last(run, clustering), write=True)
            decided = [Event(start.version + 1, at, kind, payload) for kind, payload in make(start)]
            if based_on is not None and based_on != start.version:
                _require_apart(connection, run, clustering, based_on, start, decided)
            for event in decided:
                now = steps.record(connection, now, _insert(connection, run, clustering, event))
            connection.execute("UPDATE runs SET updated_at = ? WHERE id = ?", (at, run))
            bring_to_front(connection, run)
        return self._hold(run, clustering, now)

    def copy(self, run: str, clustering: str, events: Sequence[Event]) -> Decisions:
        """Write decisions that were taken elsewhere, and that `replay` takes, on a clustering that has none here."""
        now = Standing()
        with self.database.writing() as connection:
            for event in events:
                now = steps.record(connection, now, _insert(connection, run, clustering, event))
        return self._hold(run, clustering, now)

    def events(self, run: str, clustering: str) -> list[Event]:
        """All decisions on that clustering in the run, oldest first."""
        with self.database.reading() as connection:
            query = "SELECT * FROM events WHERE run = ? AND clustering = ? ORDER BY id"
            return [steps.event_from(row) for row in connection.execute(query, (run, clustering))]

    def read(self, run: str, clustering: str) -> Decisions:
        """The state that all decisions so far amount to; held until the log grows, since pictures ask often."""
        return self._read(run, clustering, lambda _, now: now.state)

    def read_at(self, run: str, clustering: str, version: int) -> Decisions:
        """The state that the decisions up to a version amounted to."""
        return self._read(
            run, clustering, lambda connection, now: steps.state_at(connection, run, clustering, version, now)
        )

    def ways(self, run: str, clustering: str) -> Ways:
        """The same, with what can be undone and redone."""

        def asked(connection: sqlite3.Connection, now: Standing) -> Ways:
            return Ways(now.state, steps.undoable(connection, now), steps.redoable(connection, now))

        return self._read(run, clustering, asked)

    def _read(self, run: str, clustering: str, ask: Callable[[sqlite3.Connection, Standing], Answer]) -> Answer:
        """Ask of the log as it stands."""
        try:
            with self.database.reading() as connection:
                connection.execute("BEGIN")  # one and the same moment for all that is asked
                now = steps.standing(connection, run, clustering, self._last(run, clustering), write=False)
                answer = ask(connection, now)
        except NotRecorded:
            with self.database.deriving() as connection:
                now = steps.standing(connection, run, clustering, self._last(run, clustering), write=True)
                answer = ask(connection, now)
        self._hold(run, clustering, now)
        return answer

    def _last(self, run: str, clustering: str) -> Standing:
        return self._held.get((run, clustering), Standing())

    def _hold(self, run: str, clustering: str, now: Standing) -> Decisions:
        self._held[run, clustering] = now
        while len(self._held) > HELD:
            self._held.popitem(last=False)
        return now.state


def _insert(connection: sqlite3.Connection, run: str, clustering: str, event: Event) -> Event:
    """Write an event; it comes back under the id that it got."""
    cursor = connection.execute(
        "INSERT INTO events (run, clustering, at, kind, payload) VALUES (?, ?, ?, ?, ?)",
        (run, clustering, event.at, event.kind, json.dumps(event.payload, ensure_ascii=False)),
    )
    return Event(int(cursor.lastrowid or 0), event.at, event.kind, event.payload)


def _require_writable(connection: sqlite3.Connection, run: str) -> None:
    row = connection.execute("SELECT provenance FROM runs WHERE id = ?", (run,)).fetchone()
    if row is not None and "bundle" in json.loads(row["provenance"]):
        raise WorkspaceError(f"run {run} came in a bundle and is read-only: run it here to decide on anything")


def _require_apart(
    connection: sqlite3.Connection, run: str, clustering: str, based_on: int, now: Standing, decided: Sequence[Event]
) -> None:
    since = [
        steps.event_of(connection, found) for found in steps.decided_since(connection, run, clustering, based_on, now)
    ]
    query = "SELECT DISTINCT kind FROM events WHERE run = ? AND clustering = ? AND id > ?"
    after = [kind for (kind,) in connection.execute(query, (run, clustering, based_on))]
    for event in decided:
        require_apart(event, since, after)
