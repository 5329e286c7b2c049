"""The event log of a person's decisions: append-only, per run, bound to one clustering artifact."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from comus_core.config import FilterBy, check_choice
from comus_core.errors import SettingsError
from comus_core.workspace.database import Database


@dataclass(frozen=True)
class Event:
    """One decision: `kind` is `filter` {percent, cluster?, by?} or `rename` {cluster, name}."""

    id: int
    at: str
    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True)
class Decisions:
    """What all events so far amount to.

    Attributes:
        version: id of the last event read, 0 for none; artifacts refer to it.
        filter_percent: p for every cluster without one of its own.
        cluster_percent: cluster -> its own p.
        names: cluster -> the name a person gave.
        filter_by: what ranks the proposals of every cluster.
    """

    version: int = 0
    filter_percent: float = 0.0
    cluster_percent: dict[int, float] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    filter_by: FilterBy = "distance"

    def percent_of(self, clusters: int) -> dict[int, float]:
        """P of each of the clusters 0…clusters−1."""
        return {c: self.cluster_percent.get(c, self.filter_percent) for c in range(clusters)}


class DecisionLog:
    """The event table."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def append(self, run: str, clustering: str, kind: str, **payload: Any) -> Decisions:
        """Add one decision and return the state that all of them amount to.

        Raises:
            SettingsError: the kind is unknown or a value is out of range; nothing is written.
        """
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        replay([Event(0, at, kind, payload)])  # refuses what cannot be read back
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO events (run, clustering, at, kind, payload) VALUES (?, ?, ?, ?, ?)",
                (run, clustering, at, kind, json.dumps(payload, ensure_ascii=False)),
            )
        return self.read(run, clustering)

    def events(self, run: str, clustering: str) -> list[Event]:
        """All decisions on that clustering in the run, oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM events WHERE run = ? AND clustering = ? ORDER BY id", (run, clustering)
            ).fetchall()
        return [Event(r["id"], r["at"], r["kind"], json.loads(r["payload"])) for r in rows]

    def read(self, run: str, clustering: str) -> Decisions:
        """The state that all decisions so far amount to."""
        return replay(self.events(run, clustering))


def replay(events: Sequence[Event]) -> Decisions:
    """Walk the log from the start."""
    state = Decisions()
    for event in events:
        state = replace(_apply(state, event), version=event.id)
    return state


def _apply(state: Decisions, event: Event) -> Decisions:
    match event:
        case Event(kind="filter", payload={"by": by, **rest}):
            check_choice("filter by", by, FilterBy)
            return _apply(replace(state, filter_by=by), replace(event, payload=rest))
        case Event(kind="filter", payload={"percent": percent, "cluster": int(cluster)}):
            return replace(state, cluster_percent={**state.cluster_percent, cluster: _percent(percent)})
        case Event(kind="filter", payload={"percent": percent}):
            return replace(state, filter_percent=_percent(percent), cluster_percent={})
        case Event(kind="rename", payload={"cluster": int(cluster), "name": str(name)}):
            if not name.strip():
                raise SettingsError(f"cluster {cluster}: a name must hold a letter")
            return replace(state, names={**state.names, cluster: name.strip()})
    raise SettingsError(f"decision '{event.kind}' with {event.payload}: known are filter and rename")


def _percent(value: float) -> float:
    if not 0 <= value <= 100:
        raise SettingsError(f"filter {value}: a percentage from 0 to 100")
    return float(value)
