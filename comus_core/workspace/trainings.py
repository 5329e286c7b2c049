"""Trainings: one row for each way in which a run's pseudo-masks were trained on; the same question is the same row."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from comus_core.errors import WorkspaceError
from comus_core.workspace.attempts import shown_state, subjects_at_work
from comus_core.workspace.database import Database

STEPS = (
    "CREATE TABLE IF NOT EXISTS training_steps (training TEXT NOT NULL, round INTEGER NOT NULL, step INTEGER NOT NULL,"
    " loss REAL NOT NULL, rate REAL NOT NULL, images_per_second REAL NOT NULL, PRIMARY KEY (training, round, step))"
)
PREVIEWS = (
    "CREATE TABLE IF NOT EXISTS training_previews (network TEXT NOT NULL, step INTEGER NOT NULL,"
    " training TEXT NOT NULL, round INTEGER NOT NULL, miou REAL, images INTEGER NOT NULL, PRIMARY KEY (network, step))"
)
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS trainings (id TEXT PRIMARY KEY, run TEXT NOT NULL, state TEXT NOT NULL,"
    " created_at TEXT NOT NULL, updated_at TEXT NOT NULL, settings TEXT NOT NULL, artifacts TEXT NOT NULL,"
    " result TEXT NOT NULL)"
)


@dataclass(frozen=True)
class Training:
    """A row of the table.

    Attributes:
        id: the run's id and 8 hex digits of a hash over its settings, first labels and ground truth.
        run: id of the run whose categories it learns.
        state: running, done, failed or cancelled; interrupted where it was running and its process is gone.
        settings: those of `TrainSettings`.
        artifacts: `network-1`, `predictions-1`, `counts-1` and so on -> fingerprint.
        result: what `comus train --json` writes; grows with every round.
    """

    id: str
    run: str
    state: str = "running"
    settings: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def scored_on(self) -> str | None:
        """The data set that its rounds are scored on; None is the run's own, wherever that lies by now."""
        given = self.settings.get("scored_on")
        return None if given is None else str(given)


@dataclass(frozen=True)
class Preview:
    """What a network in training was worth at a step.

    Attributes:
        network: fingerprint of the artifact that it became, or will.
        round: 1 for the first.
        step: of the round.
        miou: in percent on `images` images; None without ground truth.
    """

    network: str
    round: int
    step: int
    miou: float | None
    images: int


class TrainingTable:
    """The trainings of a workspace."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.define(SCHEMA, STEPS, PREVIEWS)

    def save(self, training: Training) -> Training:
        """Insert a row or write it whole; for whoever alone knows the training, see `begin` and `grow`."""
        with self.database.writing() as connection:
            _write(connection, training)
        return training

    def begin(self, training: Training) -> Training:
        """Note that work on a training begins. What an earlier attempt made of it stays; a finished one stays so."""
        self._change(training, lambda known: known if known.state == "done" else replace(known, state="running"))
        return training

    def grow(self, training: Training) -> Training:
        """Note what an attempt has made so far, beside what earlier ones made; a finished training stays as it is."""

        def more(known: Training) -> Training:
            if known.state == "done":
                return known
            rounds = {entry["round"]: entry for each in (known, training) for entry in each.result.get("rounds", [])}
            result = training.result | {"rounds": [rounds[number] for number in sorted(rounds)]}
            return replace(known, artifacts=known.artifacts | training.artifacts, result=result)

        self._change(training, more)
        return training

    def finish(self, training: Training) -> Training:
        """Note what a training came to."""

        def done(known: Training) -> Training:
            artifacts = known.artifacts | training.artifacts
            return replace(known, state="done", artifacts=artifacts, result=training.result)

        self._change(training, done)
        return self.get(training.id)

    def end(self, training_id: str, state: str) -> None:
        """Note that an attempt failed or was cancelled: of a training neither finished nor at work elsewhere."""
        with self.database.writing() as connection:
            known = _read(connection, training_id)
            if known is not None and known.state != "done" and training_id not in subjects_at_work(connection):
                _write(connection, replace(known, state=state))

    def _change(self, training: Training, change: Callable[[Training], Training]) -> None:
        """Change a row as it is now, or insert it: nobody else writes between the reading and the writing."""
        with self.database.writing() as connection:
            known = _read(connection, training.id)
            _write(connection, change(known) if known is not None else training)

    def note(self, training_id: str, number: int, records: Sequence[Mapping[str, float]]) -> None:
        """Add what a round's steps reported: step, loss, rate, images_per_second; a step done again replaces itself."""
        rows = [(training_id, number, r["step"], r["loss"], r["rate"], r["images_per_second"]) for r in records]
        with self.database.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO training_steps VALUES (?, ?, ?, ?, ?, ?)", rows)

    def steps(self, training_id: str) -> dict[int, list[dict[str, float]]]:
        """Round -> its reported steps in order."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM training_steps WHERE training = ? ORDER BY round, step", (training_id,)
            ).fetchall()
        found: dict[int, list[dict[str, float]]] = {}
        for row in rows:
            values = {name: row[name] for name in ("step", "loss", "rate", "images_per_second")}
            found.setdefault(row["round"], []).append(values)
        return found

    def note_preview(
        self, training_id: str, number: int, network: str, step: int, miou: float | None, images: int
    ) -> None:
        """Add a preview (see `Preview`) of round `number`; one at the same step of the same network replaces it."""
        row = (network, step, training_id, number, miou, images)
        with self.database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO training_previews VALUES (?, ?, ?, ?, ?, ?)", row)

    def previews(self, training: Training) -> list[Preview]:
        """The previews of a training's networks in order, whichever training of the same network made them."""
        finished = {name: value for name, value in training.artifacts.items() if name.startswith("network-")}
        own = list(finished.values())
        begun = "SELECT network FROM training_previews WHERE training = ?"
        places = ", ".join("?" * len(own))
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT network, round, step, miou, images FROM training_previews WHERE network IN ({begun})"
                f" OR network IN ({places}) ORDER BY round, step",
                (training.id, *own),
            ).fetchall()
        previews = [Preview(*row) for row in rows]  # of a finished round those at the network that it became
        return [p for p in previews if finished.get(f"network-{p.round}", p.network) == p.network]

    def get(self, training_id: str) -> Training:
        """The training of that id.

        Raises:
            WorkspaceError: there is none.
        """
        with self.database.reading() as connection:
            found = _read(connection, training_id)
            if found is None:
                raise WorkspaceError(f"no training '{training_id}' in this workspace")
            return _shown(found, connection)

    def of_run(self, run: str) -> list[Training]:
        """The trainings of a run, the one last touched first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT * FROM trainings WHERE run = ? ORDER BY updated_at DESC, rowid DESC", (run,)
            ).fetchall()
            return [_shown(_training(row), connection) for row in rows]

    def put_in_front(self, training_ids: Sequence[str]) -> None:
        """Make these the ones last touched, the first of them the very last."""
        now = datetime.now(UTC)
        times = [(now + timedelta(milliseconds=k)).isoformat(timespec="milliseconds") for k in range(len(training_ids))]
        with self.database.writing() as connection:
            connection.executemany(
                "UPDATE trainings SET updated_at = ? WHERE id = ?",
                list(zip(times, reversed(training_ids), strict=True)),
            )

    def with_round(self, run: str, number: int) -> Training:
        """The training of a run last touched that has finished round `number`.

        Raises:
            WorkspaceError: there is none; tells which rounds there are.
        """
        trainings = self.of_run(run)
        for training in trainings:
            if f"network-{number}" in training.artifacts:
                return training
        known = sorted({int(k.rpartition("-")[2]) for t in trainings for k in t.artifacts if k.startswith("network-")})
        there = f"it has round {', '.join(map(str, known))}" if known else "it was not trained yet"
        raise WorkspaceError(f"run {run} has no round {number}: {there}; `comus train {run}` makes rounds")


def _write(connection: sqlite3.Connection, training: Training) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    blobs = [json.dumps(v, ensure_ascii=False) for v in (training.settings, training.artifacts, training.result)]
    connection.execute(
        "INSERT INTO trainings VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " state = excluded.state, updated_at = excluded.updated_at, artifacts = excluded.artifacts,"
        " result = excluded.result",
        (training.id, training.run, training.state, now, now, *blobs),
    )


def _read(connection: sqlite3.Connection, training_id: str) -> Training | None:
    """The training with the state that its row holds; None if there is none."""
    row = connection.execute("SELECT * FROM trainings WHERE id = ?", (training_id,)).fetchone()
    return None if row is None else _training(row)


def _shown(training: Training, connection: sqlite3.Connection) -> Training:
    """The training in the state in which it is to be shown."""
    if training.state != "running":
        return training
    return replace(training, state=shown_state(training.state, training.id, subjects_at_work(connection)))


def _training(row: Any) -> Training:
    blobs = {name: json.loads(row[name]) for name in ("settings", "artifacts", "result")}
    return Training(row["id"], row["run"], row["state"], **blobs)
