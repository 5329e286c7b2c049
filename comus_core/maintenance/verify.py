"""Whether everything in a workspace is still as it was written: every file of every artifact against its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from comus_core.maintenance.disk_use import listed_by, needed
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.workspace import Workspace
from comus_core.workspace.manifest import SHARDS, find_changes, unlisted_files
from comus_core.workspace.stored import PARTIAL, stored_folders


@dataclass(frozen=True)
class Fault:
    """What is wrong with an artifact.

    Attributes:
        kind: such as `features`.
        folder: where it lies.
        fault: in words, with the file; one fault a record.
        runs: ids of the runs that need it, sorted; of one whose manifest cannot be read, those that name it.
        harmless: whether what it holds is whole, and something lies there besides.
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
            return "it may be deleted"
        delete = f"delete {self.folder}" if self.folder.exists() else ""
        again = f"run {' and '.join(self.runs)} again, only what is missing is computed" if self.runs else ""
        return ", then ".join(words for words in (delete, again) if words)


def verify(workspace: Workspace, *, on_progress: OnProgress = no_progress) -> list[Fault]:
    """Read every finished artifact and compare it with its manifest: missing files, sizes, SHA-256, files not listed.

    Args:
        workspace: to be read whole; nothing in it is changed.
        on_progress: called at every artifact.

    Returns:
        The faults, by kind and folder; none if all is as it was written.
    """
    folders = sorted(p for p in workspace.artifacts.root.glob("*/*") if p.is_dir() and not p.name.endswith(PARTIAL))
    users = _users(workspace)
    found: list[Fault] = []
    for done, folder in enumerate(folders):
        on_progress(Progress("verify", done, len(folders)))
        runs = tuple(sorted(users.get(folder.name, ())))
        kind = folder.parent.name
        found += [Fault(kind, folder, fault, runs) for fault in find_changes(folder)]
        besides = [*unlisted_files(folder), *(p for p in (folder / SHARDS,) if p.is_dir())]
        found += [Fault(kind, folder, f"{p.relative_to(folder)} is not listed", runs, harmless=True) for p in besides]
    on_progress(Progress("verify", len(folders), len(folders)))
    return found + _gone(workspace)


def _gone(workspace: Workspace) -> list[Fault]:
    """What a run or training names and the workspace does not hold."""
    users: dict[tuple[str, str], set[str]] = {}
    for run in workspace.runs.all(archived=True):
        for kind, fingerprint in run.artifacts.items():
            users.setdefault((kind, fingerprint), set()).add(run.id)
        for training in workspace.trainings.of_run(run.id):
            for name, fingerprint in training.artifacts.items():  # such as `network-1`
                users.setdefault((name.rpartition("-")[0] or name, fingerprint), set()).add(run.id)
    root = workspace.artifacts.root
    there = {folder.name for folder in root.glob("*/*") if folder.is_dir()}
    return [
        Fault(kind, root / kind / fingerprint, "it is gone", tuple(sorted(runs)))
        for (kind, fingerprint), runs in sorted(users.items())
        if fingerprint not in there
    ]


def _users(workspace: Workspace) -> dict[str, set[str]]:
    """Fingerprint -> ids of the runs that need it."""
    stored = {s.fingerprint: s for s in stored_folders(workspace.artifacts.root)}
    users: dict[str, set[str]] = {}
    for run in workspace.runs.all(archived=True):
        for fingerprint in needed(listed_by(workspace, run), stored):
            users.setdefault(fingerprint, set()).add(run.id)
    return users
