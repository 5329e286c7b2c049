"""The table of decisions: what is written only where it still makes sense, beside what others decided since."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from comus_core.errors import ConflictError, WorkspaceError
from comus_core.workspace.database import Database
from comus_core.workspace.decisions import Decisions, Event, History, replay
from comus_core.workspace.layout import unpacked

HELD = 16  # logs of which the last state is remembered


class DecisionLog:
    """The event table."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._states: OrderedDict[tuple[str, str], Decisions] = OrderedDict()

    def append(
        self,
        run: str,
        clustering: str,
        kind: str,
        *,
        based_on: int | None = None,
        make: Callable[[Sequence[Event]], dict[str, Any]] | None = None,
        **payload: Any,
    ) -> Decisions:
        """Add one decision and return the state that all of them amount to.

        Args:
            run: id of the run.
            clustering: fingerprint of its clustering.
            kind: as `Event` lists them.
            based_on: the version that the person looked at. Others may have decided since; where their decisions and
                this one do not touch the same thing, both hold. None asks no such question.
            make: more of the payload, from the events so far, in the same transaction.
            payload: of the event.

        Raises:
            ConflictError: a decision since `based_on` is about the same thing; nothing is written.
            SettingsError: the kind is unknown, a value is out of range, or it makes no sense any more; nothing is
                written.
            WorkspaceError: the run came in a bundle and is read-only.
        """
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self.database.writing() as connection:
            _require_writable(connection, run)
            events = _events(connection, run, clustering)
            payload |= make(events) if make is not None else {}
            history = History(events)
            event = Event(history.version + 1, at, kind, payload)
            if based_on is not None and based_on != history.version:
                _require_apart(events, based_on, history, event)
            history.add(event)  # refuses what cannot be read back
            connection.execute(
                "INSERT INTO events (run, clustering, at, kind, payload) VALUES (?, ?, ?, ?, ?)",
                (run, clustering, at, kind, json.dumps(payload, ensure_ascii=False)),
            )
        return self.read(run, clustering)

    def copy(self, run: str, clustering: str, events: Sequence[Event]) -> Decisions:
        """Write decisions that were taken elsewhere, and that `replay` takes, on a clustering that has none here."""
        with self.database.writing() as connection:
            connection.executemany(
                "INSERT INTO events (run, clustering, at, kind, payload) VALUES (?, ?, ?, ?, ?)",
                [(run, clustering, e.at, e.kind, json.dumps(e.payload, ensure_ascii=False)) for e in events],
            )
        return self.read(run, clustering)

    def events(self, run: str, clustering: str) -> list[Event]:
        """All decisions on that clustering in the run, oldest first."""
        with self.database.reading() as connection:
            return _events(connection, run, clustering)

    def read(self, run: str, clustering: str) -> Decisions:
        """The state that all decisions so far amount to; held until the log grows, since pictures ask often."""
        with self.database.reading() as connection:
            query = "SELECT COALESCE(MAX(id), 0) FROM events WHERE run = ? AND clustering = ?"
            (version,) = connection.execute(query, (run, clustering)).fetchone()
            held = self._states.get((run, clustering))
            if held is not None and held.version == version:
                return held
            state = replay(_events(connection, run, clustering))
        self._states[run, clustering] = state
        while len(self._states) > HELD:
            self._states.popitem(last=False)
        return state


def _events(connection: sqlite3.Connection, run: str, clustering: str) -> list[Event]:
    query = "SELECT * FROM events WHERE run = ? AND clustering = ? ORDER BY id"
    rows = connection.execute(query, (run, clustering)).fetchall()
    return [Event(r["id"], r["at"], r["kind"], json.loads(r["payload"])) for r in rows]


def _require_writable(connection: sqlite3.Connection, run: str) -> None:
    row = connection.execute("SELECT provenance FROM runs WHERE id = ?", (run,)).fetchone()
    if row is not None and "bundle" in json.loads(row["provenance"]):
        raise WorkspaceError(f"run {run} came in a bundle and is read-only: run it here to decide on anything")


def _require_apart(events: Sequence[Event], based_on: int, now: History, event: Event) -> None:
    """Refuse a decision that rests on something that others have decided on since, or taken back."""
    seen = {step.event.id for step in History(e for e in events if e.id <= based_on).done}
    here = {step.event.id for step in now.done}
    since = [e for e in events if e.id in seen ^ here]
    own = _touched(event)
    if event.kind in ("undo", "redo"):
        meant = since or [e for e in events if e.id > based_on]
    else:
        meant = [e for e in since if own & _touched(e)]
    if meant:
        raise ConflictError(
            f"someone else decided in the meantime ({', '.join(dict.fromkeys(e.kind for e in meant))}): look at what "
            "it is now, then decide again; nothing was lost"
        )


def _touched(event: Event) -> set[tuple[str, Any]]:
    """What a decision is about: two that share something cannot both be meant if one did not know the other."""
    payload = event.payload
    match event.kind:
        case "filter":
            return {("filter", "")}
        case "rename" | "reset_name":
            return {("name", payload.get("cluster"))}
        case "move" | "accept" | "erase":
            return {("proposal", p) for p in payload.get("proposals", ())}
        case "split":
            members = {("proposal", p) for p, *_ in unpacked(payload["members"])} if "members" in payload else set()
            return {("category", payload.get("category")), *members}
    return {("category", k) for k in payload.get("categories", ())}
