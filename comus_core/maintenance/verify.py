"""Verify a workspace: compare every file of every artifact with its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from comus_core.maintenance.disk_use import listed_by, needed
from comus_core.pipelines.verb_settings import VerifySettings
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.workspace import Workspace
from comus_core.workspace.manifest import SHARDS, find_changes, unlisted_files
from comus_core.workspace.stored import PARTIAL, stored_folders


@dataclass(frozen=True)
class Fault:
    """A damaged or unlisted file of an artifact.

    Attributes:
        kind: such as `features`.
        folder: of the artifact.
        fault: a description with the file.
        runs: ids of the runs that need it, sorted; if its manifest is unreadable, of those that list it.
        harmless: whether it is only an additional file.
    """

    kind: str
    folder: Path
    fault: str
    runs: tuple[str, ...]
    harmless: bool = False

    @property
    def advice(self) -> str:
        """What to do."""
        if self.harmless:
            return "it can be deleted"
        delete = f"delete {self.folder}" if self.folder.exists() else ""
        again = f"run {' and '.join(self.runs)} again, only missing results are computed" if self.runs else ""
        return ", then ".join(words for words in (delete, again) if words)


def verify(
    workspace: Workspace,
    settings: VerifySettings = VerifySettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> list[Fault]:
    """Compare every finished artifact with its manifest: missing files, sizes, SHA-256, files that are not listed."""
    folders = sorted(p for p in workspace.artifacts.root.glob("*/*") if p.is_dir() and not p.name.endswith(PARTIAL))
    users = _users(workspace)
    faults: list[Fault] = []
    for step, folder in enumerate(folders):
        on_progress(Progress("verify", step, len(folders)))
        runs = tuple(sorted(users.get(folder.name, ())))
        kind = folder.parent.name
        faults += [Fault(kind, folder, fault, runs) for fault in find_changes(folder)]
        additional = [*unlisted_files(folder), *(p for p in (folder / SHARDS,) if p.is_dir())]
        faults += [
            Fault(kind, folder, f"{p.relative_to(folder)} is not listed", runs, harmless=True) for p in additional
        ]
    on_progress(Progress("verify", len(folders), len(folders)))
    return faults + _missing(workspace)


def _missing(workspace: Workspace) -> list[Fault]:
    """Artifacts listed by a run or training that the workspace does not have."""
    users: dict[tuple[str, str], set[str]] = {}
    for run in workspace.runs.all(archived=True):
        for kind, fingerprint in run.artifacts.items():
            users.setdefault((kind, fingerprint), set()).add(run.id)
        for training in workspace.trainings.of_run(run.id):
            for name, fingerprint in training.artifacts.items():  # such as `network-1`
                users.setdefault((name.rpartition("-")[0] or name, fingerprint), set()).add(run.id)
    root = workspace.artifacts.root
    existing = {folder.name for folder in root.glob("*/*") if folder.is_dir()}
    return [
        Fault(kind, root / kind / fingerprint, "the artifact is missing", tuple(sorted(runs)))
        for (kind, fingerprint), runs in sorted(users.items())
        if fingerprint not in existing
    ]


def _users(workspace: Workspace) -> dict[str, set[str]]:
    """Fingerprint -> ids of the runs that need it."""
    stored = {s.fingerprint: s for s in stored_folders(workspace.artifacts.root)}
    users: dict[str, set[str]] = {}
    for run in workspace.runs.all(archived=True):
        for fingerprint in needed(listed_by(workspace, run), stored):
            users.setdefault(fingerprint, set()).add(run.id)
    return users
