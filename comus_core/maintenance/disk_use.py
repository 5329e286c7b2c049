"""Disk use of a workspace: every artifact with the runs that need it, and everything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from comus_core.files.own_folders import DATABASE
from comus_core.files.own_places import is_own, own_place
from comus_core.maintenance.delete import DELETED, folders_of_run
from comus_core.pipelines.estimate import free_disk
from comus_core.pipelines.kept_files import EXPORTS, IMPORTS
from comus_core.pipelines.package_folder import FOLDER as PACKAGES
from comus_core.pipelines.saliency_folders import DETECTORS, MAPS
from comus_core.pipelines.verb_settings import DiskSettings
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Run, Workspace
from comus_core.workspace.stored import StoredFolder, ancestors, size_of, stored_folders

# Folders of a workspace beside its artifacts.
PLACES = {
    "cache": "cached images",
    "uploads": "uploaded images",
    "datasets": "demo scenes and downloaded data sets",
    "bundles": "images of opened bundles",
    "jobs": "logs and results of jobs",
    EXPORTS: "exports to download",
    IMPORTS: "uploaded annotations",
    PACKAGES: "packages to download",
    MAPS: "soft maps to download",
    DETECTORS: "trained detectors",
}
REST = "database and other files"


@dataclass(frozen=True)
class StoredArtifact:
    """An artifact on disk.

    Attributes:
        kind: such as `features`.
        fingerprint: its name in the store.
        finished: False for one of a stopped stage.
        bytes: of all its files.
        runs: ids of the runs that need it, including archived ones, sorted.
    """

    kind: str
    fingerprint: str
    finished: bool
    bytes: int
    runs: tuple[str, ...]


@dataclass(frozen=True)
class RunUse:
    """Bytes that deleting a run frees, including its predictions, and bytes of shared artifacts."""

    own: int
    shared: int


@dataclass(frozen=True)
class DiskUse:
    """Bytes of a workspace.

    Attributes:
        artifacts: by descending size.
        runs: id -> use of the run.
        places: description of other folders -> bytes.
        free: free bytes on its disk.
    """

    artifacts: tuple[StoredArtifact, ...]
    runs: dict[str, RunUse]
    places: dict[str, int]
    free: int

    @property
    def total(self) -> int:
        """Bytes of the whole workspace."""
        return sum(a.bytes for a in self.artifacts) + sum(self.places.values())

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        runs = {run_id: asdict(use) for run_id, use in self.runs.items()}
        artifacts = [asdict(artifact) for artifact in self.artifacts]
        return {"total": self.total, "free": self.free, "runs": runs, "artifacts": artifacts, "places": self.places}

    def of_run(self, run_id: str) -> RunUse:
        """The use of a run; 0 for an unknown run."""
        return self.runs.get(run_id, RunUse(0, 0))


def disk_use(
    workspace: Workspace,
    settings: DiskSettings = DiskSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> DiskUse:
    """Measure a workspace now; what other programs write meanwhile may be missed."""
    stored = list(stored_folders(workspace.artifacts.root))
    by_print = {s.fingerprint: s for s in stored}
    users: dict[str, list[str]] = {}
    runs = sorted(workspace.runs.all(archived=True), key=lambda r: r.id)
    for run in runs:
        for fingerprint in needed(listed_by(workspace, run), by_print):
            users.setdefault(fingerprint, []).append(run.id)
    artifacts = [_artifact(s, users) for s in stored]
    bytes_of = {s.folder: a.bytes for s, a in zip(stored, artifacts, strict=True)}
    use_of = {run.id: _run_use(run.id, folders_of_run(workspace, run, runs, stored), bytes_of, users) for run in runs}
    artifacts.sort(key=lambda a: (-a.bytes, a.kind, a.fingerprint))
    places = _places(workspace)
    return DiskUse(tuple(artifacts), use_of, {words: b for words, b in places.items() if b}, free_disk(workspace.root))


def listed_by(workspace: Workspace, run: Run) -> set[str]:
    """Fingerprints listed by a run and its trainings, without their inputs."""
    trained = [p for t in workspace.trainings.of_run(run.id) for p in t.artifacts.values()]
    return {*run.artifacts.values(), *trained}


def needed(prints: Iterable[str], stored: Mapping[str, StoredFolder]) -> set[str]:
    """The fingerprints, all their inputs, and the checks of the ground truth of their images.

    Such a check only records that it was passed; without it every mask would be read again.
    """
    required = ancestors(prints, stored)
    return required | {p for p, s in stored.items() if s.kind == "truth" and s.inputs & required}


def _places(workspace: Workspace) -> dict[str, int]:
    """Description -> bytes of other folders, without a person's own files in the workspace."""
    description_of = {own_place(workspace.root, name): words for name, words in PLACES.items()}
    own_paths = [p for p in workspace.root.iterdir() if p.name.startswith((DATABASE, DELETED)) or is_own(p)]
    rest = [p for p in own_paths if p not in description_of and p != workspace.artifacts.root]
    return {**{words: size_of(p) for p, words in description_of.items() if is_own(p)}, REST: size_of(*rest)}


def _run_use(
    run_id: str, own: Iterable[Path], bytes_of: Mapping[Path, int], users: Mapping[str, Sequence[str]]
) -> RunUse:
    """`own` is removed with the run; its other artifacts are shared."""
    own = set(own)
    shared = sum(b for folder, b in bytes_of.items() if folder not in own and run_id in users.get(folder.name, ()))
    return RunUse(sum(bytes_of[folder] if folder in bytes_of else size_of(folder) for folder in own), shared)


def _artifact(stored: StoredFolder, users: dict[str, list[str]]) -> StoredArtifact:
    runs = tuple(users.get(stored.fingerprint, ())) if stored.finished else ()
    return StoredArtifact(stored.kind, stored.fingerprint, stored.finished, size_of(stored.folder), runs)
