"""Artifacts: folders named by a fingerprint of everything that decides their content, written once, never edited."""

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
from comus_core.files.own_places import make_own
from comus_core.types import OnProgress
from comus_core.workspace.grouped import write_grouped
from comus_core.workspace.manifest import KEY, MANIFEST, SHARDS, artifact_files, changes, read_manifest
from comus_core.workspace.shard_attempts import SET_ASIDE, set_aside_in
from comus_core.workspace.shards import SHARD_SIZE, Instead, ShardWork, write_shards

TABLE = "table.parquet"
CHEAP = 16 << 20  # bytes of an artifact whose content is looked at whenever a stage uses it again: some 10 ms

Finish = Callable[[Sequence[Path], Path], None]  # (shard files in order, folder) -> the artifact's final files


@dataclass(frozen=True)
class ArtifactKey:
    """Everything that decides an artifact's content. Not in it: device, threads, place of the workspace."""

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
    """A finished artifact: its key's fingerprint and the folder that holds its files."""

    kind: str
    fingerprint: str
    folder: Path

    def file(self, name: str) -> Path:
        """A file of the artifact."""
        return self.folder / name

    def table(self, columns: list[str] | None = None) -> pa.Table:
        """The artifact's table, or some of its columns in the order asked for.

        Raises:
            WorkspaceError: its file is gone or damaged, or has no such column.
        """
        with self.reading(TABLE) as path, pq.ParquetFile(path) as file:  # `read_table` loads 38 MiB of libraries more
            missing = set(columns or ()) - set(file.schema_arrow.names)
            if missing:
                raise ValueError(f"it has no column {', '.join(sorted(missing))}")
            table = file.read(columns)
            return table if columns is None else table.select(columns)

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """A file of the artifact, while it is read.

        Raises:
            WorkspaceError: it is gone or damaged.
        """
        try:
            yield self.file(name)
        except (OSError, ValueError, EOFError, BadZipFile, pa.ArrowException) as error:
            fault = "is gone" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
            raise WorkspaceError(
                f"{self.kind}: {self.file(name)} {fault}; delete the folder it lies in and run again: "
                "only what is missing is computed"
            ) from error

    def set_aside(self) -> dict[str, str]:
        """Id -> why it is missing, of what had to be left out (see `shard_attempts`).

        Raises:
            WorkspaceError: its file is damaged.
        """
        if not self.file(SET_ASIDE).is_file():
            return {}
        with self.reading(SET_ASIDE) as file:
            return dict(json.loads(file.read_text()))

    def manifest(self) -> dict[str, Any]:
        """Key, and the bytes and SHA-256 of every file."""
        with self.reading(MANIFEST):
            return read_manifest(self.folder)

    def require_whole(self) -> None:
        """See that no file of the artifact is missing or has another size, or content where that is quickly read.

        Raises:
            WorkspaceError: the first that is not as it was written.
        """
        fault = next(changes(self.folder, CHEAP), None)
        if fault is not None:
            raise WorkspaceError(
                f"{self.kind} {self.fingerprint}: {fault}; delete {self.folder} and run again: only what is missing is "
                "computed. `comus verify` finds every such fault"
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
        """Whether the artifact is finished or some of its shards may be."""
        folder = self.root / key.kind / key.fingerprint
        return folder.exists() or folder.with_name(f"{key.fingerprint}.partial").exists()

    def make(self, key: ArtifactKey, write: Callable[[Path], None]) -> Artifact:
        """The artifact of `key`; if it is not there, `write(folder)` makes its files."""
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
    ) -> Artifact:
        """The artifact of `key`, computed shard by shard; shards finished before a kill are not computed again.

        An id that killed its process again and again is set aside: `instead` gives its row; None leaves it out.

        Raises:
            WorkspaceError: all ids had to be set aside.
        """
        with self._partial(key) as folder:
            if folder is not None:
                shards = write_shards(folder / SHARDS, ids, work, stage, on_progress, shard_size, instead)
                missing = set_aside_in(folder / SHARDS)
                if ids and not shards:
                    raise WorkspaceError(f"{stage}: no image is left; the first: {next(iter(missing.values()))}")
                if missing:
                    write_json(folder / SET_ASIDE, missing)
                (finish or _merge_tables)(shards, folder)
                self._commit(key, folder)
        return self.get(key.kind, key.fingerprint)

    @contextmanager
    def _partial(self, key: ArtifactKey) -> Iterator[Path | None]:
        """The folder to work in, held by this process alone; None if the artifact is finished."""
        made = self.find(key.kind, key.fingerprint)
        if made is not None:
            made.require_whole()
            shutil.rmtree(made.folder / SHARDS, ignore_errors=True)  # of a process killed just before it did so
            yield None
            return
        folder = self.root / key.kind / f"{key.fingerprint}.partial"
        try:
            make_own(self.root)
            folder.mkdir(parents=True, exist_ok=True)
            with _held(folder.with_suffix(".lock")):
                if self.find(key.kind, key.fingerprint):  # another process finished it while this one waited
                    yield None
                else:
                    folder.mkdir(parents=True, exist_ok=True)
                    remove_temporary(folder)  # of a writer that was killed: this process alone holds the folder
                    write_json(folder / KEY, asdict(key))
                    yield folder
        except OSError as error:
            raise disk_error(error, folder) from error

    def _commit(self, key: ArtifactKey, folder: Path) -> None:
        """List what is in the folder, have all of it on the disk, and only then give it the name of a finished one."""
        remove_temporary(folder)
        files = artifact_files(folder)
        listed = {p.relative_to(folder).as_posix(): {"bytes": p.stat().st_size, "sha256": sha256_of(p)} for p in files}
        write_json(folder / MANIFEST, {"fingerprint": key.fingerprint, "key": asdict(key), "files": listed})
        (folder / KEY).unlink()  # the manifest holds it from here on
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
    write_grouped(folder / TABLE, pq.read_schema(shards[0]), map(pq.read_table, shards))


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    """Hold a lock file; it frees itself when the process dies. Waits while another process computes the same."""
    while (held := take_lock(lock)) is None:
        time.sleep(0.2)
    try:
        yield
        lock.unlink(missing_ok=True)  # not after a fault: one who waits may have it open
    finally:
        held.release()
