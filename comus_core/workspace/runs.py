"""Runs: one row a question asked. The same question asked again is the same run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from comus_core.config import RunConfig
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.person import may_change, require_operator
from comus_core.settings import from_dict, to_dict
from comus_core.workspace.attempts import WorkTable, now, shown_state
from comus_core.workspace.latest import JOINED, ORDER, bring_to_front

ON_REQUEST = {"how_many"}  # kinds that a finished run may have beside those of its stages


@dataclass(frozen=True)
class Run:
    """A row of the run table.

    Attributes:
        id: "run-" and 8 hex digits of a hash over settings, images and ground truth, all by content: where the folder
            lies and what it is called do not matter.
        state: running, done, failed or cancelled; interrupted where it was running and its process is gone.
        config: the settings with `auto` resolved; `config.dataset` holds absolute paths.
        provenance: seed, weights with hashes, supervision, fingerprints of manifest and truth, versions, device.
        artifacts: kind -> fingerprint.
        result: what `comus run --json` writes; empty until the run is done.
    """

    id: str
    name: str
    config: RunConfig
    state: str = "running"
    note: str = ""
    archived: bool = False
    created_at: str = ""
    updated_at: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def from_bundle(self) -> bool:
        """Whether it came in a bundle: its images and ground truth lie in the workspace, its data set does not."""
        return "bundle" in self.provenance

    @property
    def read_only(self) -> bool:
        """Whether nothing may be decided on: who acts may only look, or it came in a bundle, not the demo's."""
        return closed_to_decisions(self.provenance) or not may_change()

    def require_writable(self) -> None:
        """Raise `WorkspaceError` if it is read-only."""
        require_operator()
        if self.read_only:
            raise WorkspaceError(f"run {self.id} came in a bundle and is read-only: run it here to change anything")

    def require_own_images(self) -> None:
        """Raise `WorkspaceError` if it came in a bundle, even one that may be decided on."""
        self.require_writable()
        if self.from_bundle:
            raise WorkspaceError(
                f"run {self.id} came in a bundle, without its data set: start a run on your own images, or on `demo`"
            )


def closed_to_decisions(provenance: Mapping[str, Any]) -> bool:
    """Whether a run of that provenance may not be decided on."""
    return "bundle" in provenance and not provenance["bundle"].get("changeable", False)


class RunTable(WorkTable):
    """The runs of a workspace."""

    table = "runs"

    def save(self, run: Run) -> Run:
        """Insert a run or write its whole row; name, note, archive mark and time of creation of a known run stay.

        For whoever alone knows the run: where others may write to it meanwhile, `update` is the way.
        """
        with self.database.writing() as connection:
            _write(connection, run)
            bring_to_front(connection, run.id)
        return self.get(run.id)

    def update(self, run_id: str, change: Callable[[Run], Run]) -> Run:
        """Change a run from its row as it is now: nobody else writes between the reading and the writing.

        Raises:
            WorkspaceError: there is no such run (any more).
        """
        with self.database.writing() as connection:
            _write(connection, change(_read(connection, run_id)))
        return self.get(run_id)

    def begin(self, run: Run) -> Run:
        """Note that work on a run begins. A finished one stays finished, and only learns where its images lie now."""

        def again(known: Run) -> Run:
            if known.state == "done":
                return replace(known, config=run.config, provenance=known.provenance | _place(run))
            return replace(known, state="running", config=run.config, provenance=run.provenance)

        with self.database.writing() as connection:
            there = connection.execute("SELECT 1 FROM runs WHERE id = ?", (run.id,)).fetchone()
            _write(connection, again(_read(connection, run.id)) if there else run)
            bring_to_front(connection, run.id)
        return self.get(run.id)

    def add_artifacts(self, run_id: str, made: dict[str, str]) -> Run:
        """Note what is made so far, kind -> fingerprint; what a finished run has is only replaced at its end."""

        def more(known: Run) -> Run:
            others = any(known.artifacts.get(kind, made[kind]) != made[kind] for kind in made)
            return known if known.state == "done" and others else replace(known, artifacts=known.artifacts | made)

        return self.update(run_id, more)

    def finish(self, run_id: str, made: dict[str, str], result: dict[str, Any], provenance: dict[str, Any]) -> Run:
        """Note what a run came to. One that had come further before keeps its result: less was asked this time.

        `made` are the fingerprints, by kind, of all that it needed; of the provenance only what is new.
        """

        def done(known: Run) -> Run:
            if known.state == "done" and known.artifacts.keys() - made.keys() - ON_REQUEST:
                return known
            artifacts, known_by = known.artifacts | made, known.provenance | provenance
            return replace(known, state="done", artifacts=artifacts, result=result, provenance=known_by)

        self.bring_to_front(run_id)
        return self.update(run_id, done)

    def get(self, run_id: str) -> Run:
        """The run of that exact id."""
        with self.database.reading() as connection:
            return _run(_row(connection, run_id), connection)

    def add(self, run: Run) -> Run:
        """Insert a run that has its name, note and id already.

        Raises:
            WorkspaceError: the id is taken.
        """
        with self.database.writing() as connection:
            connection.execute(INSERT, {**_columns(run), "now": now()})
            bring_to_front(connection, run.id)
        return self.get(run.id)

    def find(self, name: str) -> Run:
        """The run of that id, name or unambiguous beginning of an id; for `latest` see `workspace.latest`.

        Raises:
            WorkspaceError: none or several fit.
        """
        runs = self.all(archived=True)
        if name == "latest" and runs:
            return runs[0]
        by_id = [r for r in runs if r.id == name]
        by_name = [r for r in runs if r.name == name]
        by_beginning = [r for r in runs if r.id.startswith(name)]
        for fitting in (by_id, by_name, by_beginning):
            if len(fitting) == 1:
                return fitting[0]
            if fitting:
                ids = ", ".join(run.id for run in fitting)
                raise WorkspaceError(f"'{name}' fits {len(fitting)} runs: {ids}; give the id")
        raise WorkspaceError(f"no run '{name}' in {self.database.path.parent}: `comus runs` lists them")

    def all(self, archived: bool = False) -> list[Run]:
        """All runs, the latest first; archived ones only on request."""
        with self.database.reading() as connection:
            rows = connection.execute(f"SELECT runs.* FROM runs {JOINED} ORDER BY {ORDER}, runs.rowid DESC").fetchall()
            return [_run(row, connection) for row in rows if archived or not row["archived"]]

    def describe(
        self, run_id: str, *, name: str | None = None, note: str | None = None, archived: bool | None = None
    ) -> Run:
        """Rename, annotate or archive a run; what is None stays.

        Raises:
            WorkspaceError: there is no such run.
            SettingsError: an empty name.
        """
        if name is not None and not name.strip():
            raise SettingsError(f"run {run_id}: a name must hold a letter")
        values = (name.strip() if name else None, note, archived, run_id)
        with self.database.writing() as connection:
            connection.execute(
                "UPDATE runs SET name = COALESCE(?, name), note = COALESCE(?, note), archived = COALESCE(?, archived)"
                " WHERE id = ?",
                values,
            )
        return self.get(run_id)

    def remove(self, run_id: str) -> None:
        """Forget a run, its decisions and its trainings; its artifacts are not touched here."""
        with self.database.writing() as connection:
            own = "SELECT id FROM trainings WHERE run = ?"
            for table in ("training_steps", "training_previews"):
                connection.execute(f"DELETE FROM {table} WHERE training IN ({own})", (run_id,))
            connection.execute(f"DELETE FROM latest WHERE id = ? OR id IN ({own})", (run_id, run_id))
            connection.execute("DELETE FROM trainings WHERE run = ?", (run_id,))
            connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))
            connection.execute("DELETE FROM events WHERE run = ?", (run_id,))


INSERT = (
    "INSERT INTO runs VALUES (:id, :name, :note, :archived, :now, :now, :state, :config, :provenance, :artifacts,"
    " :result)"
)


def _write(connection: sqlite3.Connection, run: Run) -> None:
    connection.execute(
        f"{INSERT} ON CONFLICT (id) DO UPDATE SET updated_at = :now, state = :state, config = :config,"
        " provenance = :provenance, artifacts = :artifacts, result = :result",
        {**_columns(run), "now": now()},
    )


def _read(connection: sqlite3.Connection, run_id: str) -> Run:
    """The run with the state that its row holds."""
    return _run(_row(connection, run_id))


def _row(connection: sqlite3.Connection, run_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise WorkspaceError(f"no run '{run_id}': `comus runs` lists them")
    return row


def _place(run: Run) -> dict[str, Any]:
    return {"root": run.provenance["root"]} if "root" in run.provenance else {}


def _columns(run: Run) -> dict[str, Any]:
    values = {"id": run.id, "name": run.name, "note": run.note, "archived": int(run.archived), "state": run.state}
    blobs = {name: getattr(run, name) for name in ("provenance", "artifacts", "result")}
    blobs["config"] = to_dict(run.config)
    return values | {k: json.dumps(v, ensure_ascii=False) for k, v in blobs.items()}


def _run(row: sqlite3.Row, connection: sqlite3.Connection | None = None) -> Run:
    """A row as a run, in the state in which it is to be shown; without a connection in that which the row holds."""
    blobs = {k: json.loads(row[k]) for k in ("provenance", "artifacts", "result")}
    plain = {k: row[k] for k in ("id", "name", "note", "created_at", "updated_at")}
    state = shown_state(connection, row) if connection is not None else row["state"]
    config = from_dict(RunConfig, json.loads(row["config"]))
    return Run(**plain, state=state, archived=bool(row["archived"]), config=config, **blobs)
