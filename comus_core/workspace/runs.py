"""Runs: one row a question asked. The same question asked again is the same run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from comus_core.config import RunConfig, from_dict, to_dict
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.workspace.database import Database


@dataclass(frozen=True)
class Run:
    """A row of the run table.

    Attributes:
        id: the data set's short name and 8 hex digits of a hash over settings and manifest.
        state: running, done, failed or cancelled.
        config: the settings with `auto` resolved; `config.dataset` holds absolute paths.
        provenance: seed, weights with hashes, supervision, manifest fingerprint, versions, device.
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
    def read_only(self) -> bool:
        """Whether it came in a bundle: to be looked at, not decided on or trained."""
        return "bundle" in self.provenance

    def require_writable(self) -> None:
        """Raise `WorkspaceError` if it is read-only."""
        if self.read_only:
            raise WorkspaceError(f"run {self.id} came in a bundle and is read-only: run it here to change anything")


class RunTable:
    """The runs of a workspace."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def save(self, run: Run) -> Run:
        """Insert or update a run; name, note, archive mark and time of creation of a known run stay."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO runs VALUES (:id, :name, :note, :archived, :now, :now, :state, :config, :provenance,"
                " :artifacts, :result) ON CONFLICT (id) DO UPDATE SET updated_at = :now, state = :state,"
                " config = :config, provenance = :provenance, artifacts = :artifacts, result = :result",
                {**_columns(run), "now": now},
            )
        return self.get(run.id)

    def known(self, run: Run) -> Run:
        """The run with the artifacts and the result of its row, if it has one already."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT * FROM runs WHERE id = ?", (run.id,)).fetchone()
        return run if row is None else replace(run, artifacts=_run(row).artifacts, result=_run(row).result)

    def get(self, run_id: str) -> Run:
        """The run of that exact id."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            raise WorkspaceError(f"no run '{run_id}': `comus runs` lists them")
        return _run(row)

    def add(self, run: Run) -> Run:
        """Insert a run that has its name, note and id already.

        Raises:
            WorkspaceError: the id is taken.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO runs VALUES (:id, :name, :note, :archived, :now, :now, :state, :config, :provenance,"
                " :artifacts, :result)",
                {**_columns(run), "now": now},
            )
        return self.get(run.id)

    def find(self, name: str) -> Run:
        """The run of that id, name or unambiguous beginning of an id; `latest` is the one last touched.

        Raises:
            WorkspaceError: none or several fit.
        """
        runs = self.all(archived=True)
        if name == "latest" and runs:
            return runs[0]
        by_id = [r for r in runs if r.id == name]
        by_name = [r for r in runs if r.name == name]
        by_beginning = [r for r in runs if r.id.startswith(name)]
        for found in (by_id, by_name, by_beginning):
            if len(found) == 1:
                return found[0]
            if found:
                raise WorkspaceError(f"'{name}' fits {len(found)} runs: {', '.join(r.id for r in found)}; give the id")
        raise WorkspaceError(f"no run '{name}' in {self.database.path.parent}: `comus runs` lists them")

    def all(self, archived: bool = False) -> list[Run]:
        """All runs, the one last touched first; archived ones only on request."""
        with self.database.reading() as connection:
            rows = connection.execute("SELECT * FROM runs ORDER BY updated_at DESC, rowid DESC").fetchall()
        return [run for run in map(_run, rows) if archived or not run.archived]

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
            for table in ("training_steps", "training_looks"):
                connection.execute(f"DELETE FROM {table} WHERE training IN ({own})", (run_id,))
            connection.execute("DELETE FROM trainings WHERE run = ?", (run_id,))
            connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))
            connection.execute("DELETE FROM events WHERE run = ?", (run_id,))


def _columns(run: Run) -> dict[str, Any]:
    values = {"id": run.id, "name": run.name, "note": run.note, "archived": int(run.archived), "state": run.state}
    blobs = {name: getattr(run, name) for name in ("provenance", "artifacts", "result")}
    blobs["config"] = to_dict(run.config)
    return values | {k: json.dumps(v, ensure_ascii=False) for k, v in blobs.items()}


def _run(row: Any) -> Run:
    blobs = {k: json.loads(row[k]) for k in ("provenance", "artifacts", "result")}
    plain = {k: row[k] for k in ("id", "name", "note", "state", "created_at", "updated_at")}
    config = from_dict(RunConfig, json.loads(row["config"]))
    return Run(**plain, archived=bool(row["archived"]), config=config, **blobs)
