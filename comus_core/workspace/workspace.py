"""A workspace: one folder with all results and decisions, which can be moved to another machine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from comus_core.errors import WorkspaceError
from comus_core.files.atomic import disk_error, sha256_of
from comus_core.files.object_stores import object_store_fault
from comus_core.files.own_folders import DATABASE
from comus_core.files.own_places import ARTIFACTS, own_place
from comus_core.workspace.artifacts import Artifact, ArtifactStore
from comus_core.workspace.attempts import AttemptTable
from comus_core.workspace.database import Database
from comus_core.workspace.decision_log import DecisionLog
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.exclusions import ExclusionTable
from comus_core.workspace.image_lists import ImageListTable
from comus_core.workspace.name_lists import NameLists
from comus_core.workspace.probes import ProbeTable
from comus_core.workspace.redrawn_counts import RedrawnCounts
from comus_core.workspace.redrawn_measures import RedrawnMeasures
from comus_core.workspace.reserve import keep_reserve
from comus_core.workspace.runs import Run, RunTable
from comus_core.workspace.selections import SelectionTable
from comus_core.workspace.trainings import TrainingTable

RELINKED = "relinked"  # folder of links to moved images, at the paths of a run


class Workspace:
    """The parts of a workspace.

    Attributes:
        root: the folder.
        artifacts: finished and unfinished artifacts.
        attempts: running processes.
        runs: the run table.
        decisions: the log of decisions.
        selections: drawn on the map.
        name_lists: names to suggest for the clusters of a run.
        redrawn_counts: pixels counted inside masks that a person drew.
        redrawn_measures: measures of such masks.
        trainings: networks trained on pseudo-masks of runs.
        exclusions: images of data sets that are excluded from runs.
        image_lists: images named by a key in an address.
        probes: what was measured to be fastest on a machine.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = Database(root / DATABASE)
        self.artifacts = ArtifactStore(own_place(root, ARTIFACTS))
        self.attempts = AttemptTable(self.database)
        self.runs = RunTable(self.database)
        self.decisions = DecisionLog(self.database)
        self.selections = SelectionTable(self.database)
        self.name_lists = NameLists(self.database)
        self.redrawn_counts = RedrawnCounts(self.database)
        self.redrawn_measures = RedrawnMeasures(self.database)
        self.trainings = TrainingTable(self.database)
        self.exclusions = ExclusionTable(self.database)
        self.image_lists = ImageListTable(self.database)
        self.probes = ProbeTable(self.database)

    @property
    def drawings(self) -> Path:
        """The folder of the drawn demo scenes, and of data sets that were downloaded into the workspace."""
        return own_place(self.root, "datasets")

    def artifact(self, run: Run, kind: str) -> Artifact:
        """The run's artifact of that kind.

        Raises:
            WorkspaceError: the run has none yet, or its folder is missing.
        """
        if kind not in run.artifacts:
            raise WorkspaceError(f"run {run.id} has no {kind} yet: finish it with `comus run`")
        return self.artifacts.get(kind, run.artifacts[kind])

    def images_root(self, run: Run) -> Path:
        """The folder of the run's image paths; it moves with the workspace if it is inside."""
        return self.root / str(run.provenance["root"])

    def stored_root(self, folder: Path) -> str:
        """A folder as stored in a run: relative if it is in the workspace, so that both can be moved together."""
        resolved, home = folder.resolve(), self.root.resolve()
        return resolved.relative_to(home).as_posix() if resolved.is_relative_to(home) else str(resolved)

    def has_lost_images(self, run: Run) -> bool:
        """Whether the folder of the run's images, or the target of its links, is missing."""
        if "root" not in run.provenance:
            return False
        root = self.images_root(run)
        linked = root.parent == own_place(self.root, RELINKED)
        link = next((p for p in root.rglob("*") if p.is_symlink()), None) if linked else None
        return not root.is_dir() or (link is not None and not link.exists())

    def decisions_of(self, run: Run) -> Decisions:
        """The decisions in this run so far."""
        return self.decisions.read(run.id, run.artifacts.get("clustering", ""))

    def hash_files(self, paths: Iterable[Path]) -> dict[Path, tuple[int, str]]:
        """Bytes and SHA-256 of each file; a file with unchanged size and time is not read again.

        Unreadable files have an empty digest: the check of the images reports the reason.
        """
        with self.database.reading() as connection:
            rows = connection.execute("SELECT path, bytes, mtime_ns, sha256 FROM files").fetchall()
        stored = {row["path"]: (row["bytes"], row["mtime_ns"], row["sha256"]) for row in rows}
        hashes, fresh = {}, []
        for path in paths:
            try:
                stat = path.stat()
                size, mtime, sha256 = stored.get(str(path), (-1, -1, ""))
                if (size, mtime) != (stat.st_size, stat.st_mtime_ns):
                    sha256 = sha256_of(path)
                    fresh.append((str(path), stat.st_size, stat.st_mtime_ns, sha256))
                hashes[path] = (stat.st_size, sha256)
            except OSError:
                hashes[path] = (0, "")
        if fresh:
            with self.database.writing(by_looking=True) as connection:
                connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", fresh)
        return hashes


def open_workspace(folder: Path | str | None = None) -> Workspace:
    """Open or create a workspace: `folder`, else COMUS_WORKSPACE, else ./workspace.

    Raises:
        WorkspaceError: the folder cannot be created or written.
    """
    if (fault := object_store_fault(str(folder or os.environ.get("COMUS_WORKSPACE") or ""))) is not None:
        raise WorkspaceError(f"workspace {fault}")
    root = Path(folder or os.environ.get("COMUS_WORKSPACE") or "workspace").expanduser().resolve()
    if root.exists() and not root.is_dir():
        raise WorkspaceError(f"workspace {root} is a file: choose a folder with --workspace")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, root) from error
    workspace = Workspace(root)
    if workspace.artifacts.root.is_dir():  # before, there is nothing to remove
        keep_reserve(root)
    return workspace
