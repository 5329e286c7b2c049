"""Deleting a run: what it alone needed goes with it, what another run uses stays."""

from __future__ import annotations

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from comus_core.errors import DiskFullError, WorkspaceError
from comus_core.files.atomic import disk_error
from comus_core.files.own_places import BUNDLES, CACHE, is_own, own_place
from comus_core.jobs.records import ACTIVE, Job
from comus_core.jobs.table import JobTable
from comus_core.pipelines.prediction_folder import predictions_folder
from comus_core.pipelines.verb_settings import DeleteSettings
from comus_core.text import counted, size
from comus_core.workspace import Run, Workspace
from comus_core.workspace.claims import abandoned
from comus_core.workspace.reserve import reserve_released
from comus_core.workspace.stored import StoredFolder, ancestors, is_held, size_of, stored_folders
from comus_core.workspace.workspace import RELINKED

# Folders on their way out, under a name that nobody else has; emptied by this deletion or, if it is killed, the next.
DELETED = ".comus-deleted"


@dataclass(frozen=True)
class Deletion:
    """What deleting a run takes away.

    Attributes:
        run: the run.
        folders: artifacts that go.
        kept: how many of the run's artifacts stay, because another run uses them.
        size: bytes of what goes.
        decisions: names and filter choices of the person that go too; the run's own filter is not counted.
        spare: bytes of what can be had again or is nobody's, which had to go for want of room; known only afterwards.
    """

    run: Run
    folders: tuple[Path, ...]
    kept: int
    size: int
    decisions: int
    spare: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        sizes = {"kept": self.kept, "bytes": self.size, "decisions": self.decisions, "spare": self.spare}
        return {"run": self.run.id, "artifacts": len(self.folders), **sizes}

    def words(self) -> str:
        """What went, in a line."""
        spare = f"; {size(self.spare)} of drawn pictures and leftovers too, as the disk was full" if self.spare else ""
        return (
            f"deleted {self.run.id}: {counted(len(self.folders), 'artifact')}, {size(self.size)}; "
            f"{self.kept} stay in use{spare}"
        )


def plan_deletion(workspace: Workspace, run_id: str) -> Deletion:
    """What `delete` would do now.

    Raises:
        WorkspaceError: there is no such run.
    """
    run = workspace.runs.get(run_id)
    stored = list(stored_folders(workspace.artifacts.root))
    folders = folders_of_run(workspace, run, workspace.runs.all(archived=True), stored)
    named = [s.folder for s in stored if s.finished and s.fingerprint in run.artifacts.values()]
    kept = sum(1 for folder in named if folder not in folders)
    return Deletion(run, tuple(folders), kept, size_of(*folders), _decisions(workspace, run))


def folders_of_run(workspace: Workspace, run: Run, runs: Iterable[Run], stored: Sequence[StoredFolder]) -> list[Path]:
    """What goes with a run: its size wherever it is told.

    Args:
        workspace: where it lies.
        run: the run.
        runs: all runs.
        stored: all artifacts.
    """
    others = [r for r in runs if r.id != run.id]
    folders = [s.folder for s in doomed_folders(run, others, stored)]
    folders += [p for p in (predictions_folder(workspace, run.id),) if p.is_dir()]
    if "root" not in run.provenance:
        return folders
    root = workspace.images_root(run)
    if run.read_only:  # the photographs that came along in its bundle are its own
        folders += [p for p in (root.parent,) if is_own(p) and p.parent == own_place(workspace.root, BUNDLES)]
    shared = any(other.provenance.get("root") == run.provenance["root"] for other in others)
    if root.parent == own_place(workspace.root, RELINKED) and is_own(root) and not shared:
        folders += [root]  # links; what they lead to stays
    return folders


def delete(run: Run, workspace: Workspace, settings: DeleteSettings = DeleteSettings()) -> Deletion:
    """Forget a run, its decisions, and the artifacts that no other run uses.

    The images themselves are not touched, nor is what other programs wrote into the workspace.

    Raises:
        WorkspaceError: no such run, it is at work, or a folder cannot be removed.
    """
    plan = plan_deletion(workspace, run.id)
    at_work = [f"job {job.id}" for job in active_jobs(workspace) if job.run == run.id]
    at_work += [f"another program makes its {folder.parent.name}" for folder in plan.folders if is_held(folder)]
    if at_work:
        raise WorkspaceError(f"run {run.id} is at work ({at_work[0]}): stop it first, then delete it")
    spare = remove_folders(workspace, plan.folders, lambda: workspace.runs.remove(run.id))
    return replace(plan, spare=spare)


def remove_abandoned(workspace: Workspace) -> None:
    """Remove what killed bundlings and openings left, wherever it lies: gigabytes, of which nobody knows."""
    remove_folders(workspace, abandoned(workspace.root))


def pictures_folder(root: Path) -> Path:
    """Where a workspace keeps what was drawn for the pages, and is drawn again when looked at."""
    return own_place(root, CACHE) / "pictures"


def active_jobs(workspace: Workspace) -> list[Job]:
    """The jobs that wait or work; none where there is no table of jobs yet and no room on the disk to make one."""
    try:
        return JobTable(workspace.database).all(ACTIVE)
    except DiskFullError:
        return []


def remove_folders(workspace: Workspace, folders: Iterable[Path], then: Callable[[], object] = lambda: None) -> int:
    """Remove folders of the workspace: renamed first, so that whoever looks sees each whole or not at all.

    Args:
        workspace: where they lie.
        folders: what goes, artifacts with their locks.
        then: what is done once they are out of sight, before they are emptied.

    Returns:
        Bytes of drawn pictures and leftovers that went too, because there was no room for `then`.

    Raises:
        WorkspaceError: one cannot be removed.
    """
    trash = workspace.root / DELETED
    with reserve_released(workspace.root):
        try:
            for folder in folders:
                _put_away(folder, workspace.root, trash)
            spare = _do(then, workspace, trash)
            _empty(trash)
        except OSError as error:
            raise disk_error(error, trash) from error
    return spare


def _do(then: Callable[[], object], workspace: Workspace, trash: Path) -> int:
    """Do it, on a full disk without a reserve after making room: first by what goes anyway, then by what is spare."""
    try:
        then()
        return 0
    except DiskFullError:
        _empty(trash)
    try:
        then()
        return 0
    except DiskFullError:
        spare = [p for p in (pictures_folder(workspace.root), *abandoned(workspace.root)) if p.exists()]
        freed = size_of(*spare)
        for path in spare:
            _empty(path)
    then()
    return freed


def _put_away(folder: Path, root: Path, trash: Path) -> None:
    """Take a folder or file out of sight; one that lies elsewhere, or with no room even for that, goes for good."""
    try:
        if not folder.is_relative_to(root):
            raise OSError(errno.EXDEV, "not in the workspace")
        trash.mkdir(exist_ok=True)
        os.replace(folder, trash / uuid4().hex)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EXDEV):
            raise
        _empty(folder)
    folder.with_suffix(".lock").unlink(missing_ok=True)


def _empty(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def doomed_folders(run: Run, others: Iterable[Run], stored: Iterable[StoredFolder]) -> list[StoredFolder]:
    """The artifacts that go with `run`, in no order.

    Needed is what another run lists, and what that was made from. Of the rest goes what the run lists, whatever was
    made from it, and what only served to make those (such as another data set scored with its clusters). An
    unfinished artifact goes if the run could have begun it and no other run without a result could.
    """
    others, by_print = list(others), {s.fingerprint: s for s in stored}
    needed = ancestors({p for other in others for p in other.artifacts.values()}, by_print)
    finished = {p: s for p, s in by_print.items() if s.finished}
    users: defaultdict[str, set[str]] = defaultdict(set)  # fingerprint -> what was made from it
    for p, s in finished.items():
        for used in s.inputs:
            users[used].add(p)
    doomed = {p for p in run.artifacts.values() if p in finished} - needed
    growing = True
    while growing:
        made_from = set[str]().union(*(users[p] for p in doomed))
        served = {p for p in ancestors(doomed, finished) if users[p] and users[p] <= doomed}
        more = (made_from | served) - needed - doomed
        growing, doomed = bool(more), doomed | more
    return [s for p, s in by_print.items() if p in doomed or (not s.finished and _is_only_of(s, run, others, doomed))]


def _decisions(workspace: Workspace, run: Run) -> int:
    events = workspace.decisions.events(run.id, run.artifacts.get("clustering", ""))
    own = events and (events[0].kind, events[0].payload) == ("filter", {"percent": run.config.filter_percent})
    return len(events) - bool(own)


def _is_only_of(partial: StoredFolder, run: Run, others: Iterable[Run], doomed: set[str]) -> bool:
    """Whether `run` may have begun this artifact, and no other run that is yet to be finished."""
    unfinished = [set(other.artifacts.values()) for other in others if other.state != "done"]
    return bool(partial.inputs & (set(run.artifacts.values()) | doomed)) and not any(
        partial.inputs & prints for prints in unfinished
    )
