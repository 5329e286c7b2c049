"""Artifacts: folders named by a fingerprint of all their inputs, written once and never edited."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.errors import WorkspaceError
from comus_core.files.atomic import disk_error, flush, remove_temporary, sha256_of, write_json
from comus_core.files.file_locks import take_lock
from comus_core.files.memory_faults import pass_on_memory_fault
from comus_core.files.own_places import make_own
from comus_core.types import OnProgress
from comus_core.workspace.grouped import write_grouped
from comus_core.workspace.manifest import KEY, MANIFEST, SHARDS, artifact_files, find_changes, read_manifest
from comus_core.workspace.shard_attempts import SET_ASIDE, set_aside_in
from comus_core.workspace.shard_sizes import kept_size, read_units
from comus_core.workspace.shards import SHARD_SIZE, Instead, ShardPlan, ShardWork, Spread, write_here, write_shards

TABLE = "table.parquet"
CHEAP = 16 << 20  # bytes of an artifact that are hashed whenever a stage uses it again: some 10 ms

Finish = Callable[[Sequence[Path], Path], None]  # (shard files in order, folder) -> the artifact's final files


@dataclass(frozen=True)
class ArtifactKey:
    """Everything that determines an artifact's content. Not in it: device, threads, location of the workspace."""

    kind: str
    version: int
    settings: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)  # name -> fingerprint
    weights: dict[str, str] = field(default_factory=dict)  # name -> sha256

    @property
    def fingerprint(self) -> str:
        """16 hex digits of the SHA-256 over the canonical JSON of the key."""
        return digest(asdict(self))[:16]


@dataclass(frozen=True)
class Artifact:
    """A finished artifact: the fingerprint of its key, and its folder."""

    kind: str
    fingerprint: str
    folder: Path

    def file(self, name: str) -> Path:
        """A file of the artifact."""
        return self.folder / name

    def table(self, columns: list[str] | None = None) -> pa.Table:
        """The artifact's table, or some of its columns in the given order.

        Raises:
            WorkspaceError: the file is missing or damaged, or has no such column.
        """
        with self.reading(TABLE) as path, pq.ParquetFile(path) as file:  # `read_table` loads 38 MiB of libraries
            missing = set(columns or ()) - set(file.schema_arrow.names)
            if missing:
                raise ValueError(f"no column {', '.join(sorted(missing))}")
            table = file.read(columns)
            return table if columns is None else table.select(columns)

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """A file of the artifact, while it is read.

        Raises:
            WorkspaceError: it is missing or damaged.
        """
        try:
            yield self.file(name)
        except (OSError, ValueError, EOFError, BadZipFile, pa.ArrowException) as error:
            pass_on_memory_fault(error, self.file(name))
            fault = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
            raise WorkspaceError(
                f"{self.kind}: {self.file(name)} {fault}; delete its folder and run again: only missing results are "
                "computed"
            ) from error

    def set_aside(self) -> dict[str, str]:
        """Id -> reason, of skipped images (see `shard_attempts`).

        Raises:
            WorkspaceError: the file is damaged.
        """
        if not self.file(SET_ASIDE).is_file():
            return {}
        with self.reading(SET_ASIDE) as file:
            return dict(json.loads(file.read_text()))

    def manifest(self) -> dict[str, Any]:
        """The key, and the bytes and SHA-256 of every file."""
        with self.reading(MANIFEST):
            return read_manifest(self.folder)

    def require_whole(self) -> None:
        """Check that all files exist with the listed size and, for small ones, the listed content.

        Raises:
            WorkspaceError: a file is missing or has changed.
        """
        fault = next(find_changes(self.folder, CHEAP), None)
        if fault is not None:
            raise WorkspaceError(
                f"{self.kind} {self.fingerprint}: {fault}; delete {self.folder} and run again: only missing results "
                "are computed. `comus verify` finds all such files"
            )


class ArtifactStore:
    """The `artifacts/` folder of a workspace."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, kind: str, fingerprint: str) -> Artifact | None:
        """The finished artifact, or None."""
        folder = self.root / kind / fingerprint
        return Artifact(kind, fingerprint, folder) if (folder / MANIFEST).is_file() else None

    def get(self, kind: str, fingerprint: str) -> Artifact:
        """The finished artifact.

        Raises:
            WorkspaceError: it is not in the workspace.
        """
        artifact = self.find(kind, fingerprint)
        if artifact is None:
            raise WorkspaceError(f"no finished {kind} artifact {fingerprint} in {self.root}: run the stage again")
        return artifact

    def is_begun(self, key: ArtifactKey) -> bool:
        """Whether the artifact or some of its shards may exist."""
        folder = self.root / key.kind / key.fingerprint
        return folder.exists() or folder.with_name(f"{key.fingerprint}.partial").exists()

    def make(self, key: ArtifactKey, write: Callable[[Path], None]) -> Artifact:
        """The artifact of `key`; if it does not exist, `write(folder)` writes its files."""
        with self._partial(key) as folder:
            if folder is not None:
                write(folder)
                self._commit(key, folder)
        return self.get(key.kind, key.fingerprint)

    def make_sharded(
        self,
        key: ArtifactKey,
        ids: Sequence[str],
        work: ShardWork,
        *,
        stage: str,
        on_progress: OnProgress,
        finish: Finish | None = None,
        instead: Instead | None = None,
        shard_size: int = SHARD_SIZE,
        seconds_per_id: float | None = None,
        spread: Spread = write_here,
    ) -> Artifact:
        """The artifact of `key`, computed in shards; shards finished before a kill are not computed again.

        `work` gets `shard_size` ids at a time; where it is known how long an id takes, a shard holds several times as
        many (see `shard_sizes`), with the same bytes in the end.
        An id that killed its process repeatedly is skipped: `instead` gives its row; None for no row. `spread` makes
        the missing shards: this process by itself, or others.

        Raises:
            WorkspaceError: all ids were skipped.
        """
        with self._partial(key) as folder:
            if folder is not None:
                size = kept_size(folder / SHARDS, shard_size, seconds_per_id)
                plan = ShardPlan(folder / SHARDS, ids, work, stage, size, instead, shard_size)
                shards = write_shards(plan, on_progress, spread)
                missing = set_aside_in(folder / SHARDS)
                if ids and not shards:
                    raise WorkspaceError(f"{stage}: all images were skipped; the first: {next(iter(missing.values()))}")
                if missing:
                    write_json(folder / SET_ASIDE, missing)
                (finish or _merge_tables)(shards, folder)
                self._commit(key, folder)
        return self.get(key.kind, key.fingerprint)

    @contextmanager
    def _partial(self, key: ArtifactKey) -> Iterator[Path | None]:
        """The folder to work in, locked by this process; None if the artifact is finished."""
        finished = self.find(key.kind, key.fingerprint)
        if finished is not None:
            finished.require_whole()
            shutil.rmtree(finished.folder / SHARDS, ignore_errors=True)  # of a process killed just before this
            yield None
            return
        folder = self.root / key.kind / f"{key.fingerprint}.partial"
        try:
            make_own(self.root)
            folder.mkdir(parents=True, exist_ok=True)
            with _locked(folder.with_suffix(".lock")):
                if self.find(key.kind, key.fingerprint):  # another process finished it while this one waited
                    yield None
                else:
                    folder.mkdir(parents=True, exist_ok=True)
                    remove_temporary(folder)  # of a killed writer: this process has the lock
                    write_json(folder / KEY, asdict(key))
                    yield folder
        except OSError as error:
            raise disk_error(error, folder) from error

    def _commit(self, key: ArtifactKey, folder: Path) -> None:
        """Write the manifest, flush all files to the disk, and only then give the folder its final name."""
        remove_temporary(folder)
        files = artifact_files(folder)
        entries = {p.relative_to(folder).as_posix(): {"bytes": p.stat().st_size, "sha256": sha256_of(p)} for p in files}
        write_json(folder / MANIFEST, {"fingerprint": key.fingerprint, "key": asdict(key), "files": entries})
        (folder / KEY).unlink()  # it is in the manifest now
        for path in (*files, *{parent for p in files for parent in p.relative_to(folder).parents}):
            flush(folder / path)
        final = self.root / key.kind / key.fingerprint
        os.replace(folder, final)
        flush(final.parent)
        shutil.rmtree(final / SHARDS, ignore_errors=True)


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, keys sorted."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _merge_tables(shards: Sequence[Path], folder: Path) -> None:
    write_grouped(folder / TABLE, pq.read_schema(shards[0]), read_units(shards))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock file, which the system frees when the process ends; waits while another process has it."""
    while (lock := take_lock(path)) is None:
        time.sleep(0.2)
    try:
        yield
        path.unlink(missing_ok=True)  # not after an error: a waiting process may have it open
    finally:
        lock.release()
