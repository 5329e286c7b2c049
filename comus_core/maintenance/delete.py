"""Delete a run with the artifacts that no other run uses."""

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
from comus_core.person import require_operator
from comus_core.pipelines.kept_files import kept_folders
from comus_core.pipelines.package_folder import packages_folder
from comus_core.pipelines.prediction_folder import predictions_folder
from comus_core.pipelines.verb_settings import DeleteSettings
from comus_core.text import counted, size
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Run, Workspace
from comus_core.workspace.claims import abandoned
from comus_core.workspace.reserve import reserve_released
from comus_core.workspace.stored import StoredFolder, ancestors, is_held, size_of, stored_folders
from comus_core.workspace.workspace import RELINKED

# Folder of files being deleted, emptied by this deletion or, if it is killed, the next one.
DELETED = ".comus-deleted"


@dataclass(frozen=True)
class Deletion:
    """The effect of deleting a run.

    Attributes:
        run: the run.
        folders: to be removed.
        kept: number of the run's artifacts that other runs use.
        size: bytes to be removed.
        decisions: number of a person's decisions to be removed, without the filter of the run's settings.
        spare: bytes of cached images and leftovers that were removed because the disk was full; set afterwards.
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
        """What was deleted, in one line."""
        spare = f"; also {size(self.spare)} of cached images and leftovers, as the disk was full" if self.spare else ""
        return (
            f"deleted {self.run.id}: {counted(len(self.folders), 'artifact')}, {size(self.size)}; "
            f"{self.kept} kept for other runs{spare}"
        )


def plan_deletion(workspace: Workspace, run_id: str) -> Deletion:
    """What `delete` would do now.

    Raises:
        WorkspaceError: there is no such run.
    """
    run = workspace.runs.get(run_id)
    stored = list(stored_folders(workspace.artifacts.root))
    folders = folders_of_run(workspace, run, workspace.runs.all(archived=True), stored)
    finished = [s.folder for s in stored if s.finished and s.fingerprint in run.artifacts.values()]
    kept = sum(1 for folder in finished if folder not in folders)
    return Deletion(run, tuple(folders), kept, size_of(*folders), _decisions(workspace, run))


def folders_of_run(workspace: Workspace, run: Run, runs: Iterable[Run], stored: Sequence[StoredFolder]) -> list[Path]:
    """The folders that are removed with a run, which are also its reported size."""
    others = [r for r in runs if r.id != run.id]
    folders = [s.folder for s in doomed_folders(run, others, stored)]
    kept = (predictions_folder, packages_folder)
    places = (*(place(workspace, run.id) for place in kept), *kept_folders(workspace, run.id))
    folders += [p for p in places if p.is_dir()]
    if "root" not in run.provenance:
        return folders
    root = workspace.images_root(run)
    if run.from_bundle:  # the images of its bundle belong to it
        folders += [p for p in (root.parent,) if is_own(p) and p.parent == own_place(workspace.root, BUNDLES)]
    shared = any(other_run.provenance.get("root") == run.provenance["root"] for other_run in others)
    if root.parent == own_place(workspace.root, RELINKED) and is_own(root) and not shared:
        folders += [root]  # links; their targets are kept
    return folders


def delete(
    run: Run,
    workspace: Workspace,
    settings: DeleteSettings = DeleteSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> Deletion:
    """Forget a run, its decisions, and the artifacts that no other run uses.

    The images are not touched, nor are files of others in the workspace.

    Raises:
        WorkspaceError: no such run, it is running, or a folder cannot be removed.
    """
    require_operator()
    plan = plan_deletion(workspace, run.id)
    at_work = [f"job {job.id}" for job in active_jobs(workspace) if job.run == run.id]
    at_work += [f"another program makes its {folder.parent.name}" for folder in plan.folders if is_held(folder)]
    if at_work:
        raise WorkspaceError(f"run {run.id} is running ({at_work[0]}): stop it first, then delete it")
    spare = remove_folders(workspace, plan.folders, lambda: workspace.runs.remove(run.id))
    return replace(plan, spare=spare)


def remove_abandoned(workspace: Workspace) -> None:
    """Remove leftovers of killed exports and imports of bundles, which can be gigabytes."""
    remove_folders(workspace, abandoned(workspace.root))


def pictures_folder(root: Path) -> Path:
    """The folder of cached images, which pages draw again when needed."""
    return own_place(root, CACHE) / "pictures"


def active_jobs(workspace: Workspace) -> list[Job]:
    """Waiting and running jobs; none if there is no table of jobs yet and the disk is full."""
    try:
        return JobTable(workspace.database).all(ACTIVE)
    except DiskFullError:
        return []


def remove_folders(workspace: Workspace, folders: Iterable[Path], then: Callable[[], object] = lambda: None) -> int:
    """Remove folders of the workspace; they are renamed first, so that no one sees half of one.

    Artifacts go with their locks. `then` is called after renaming, before the folders are emptied.

    Returns:
        Bytes of cached images and leftovers that were removed too, because `then` needed space.

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
    """Call `then`; if the disk is full, first empty the trash, then remove cached images and leftovers."""
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
    """Move a folder or file to the trash; delete it if that is not possible."""
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
    """The artifacts to be removed with `run`, in no order.

    Artifacts of other runs, with their inputs, are kept. Of the rest, those of the run are removed, with everything
    computed from them and everything used only for that (such as scores of its clusters on another data set). An
    unfinished artifact is removed if this run may have started it and no other unfinished run may have.
    """
    others, by_print = list(others), {s.fingerprint: s for s in stored}
    needed = ancestors({p for other in others for p in other.artifacts.values()}, by_print)
    finished = {p: s for p, s in by_print.items() if s.finished}
    users: defaultdict[str, set[str]] = defaultdict(set)  # fingerprint -> artifacts computed from it
    for p, s in finished.items():
        for used in s.inputs:
            users[used].add(p)
    doomed = {p for p in run.artifacts.values() if p in finished} - needed
    changed = True
    while changed:
        derived = set[str]().union(*(users[p] for p in doomed))
        intermediate = {p for p in ancestors(doomed, finished) if users[p] and users[p] <= doomed}
        added = (derived | intermediate) - needed - doomed
        changed, doomed = bool(added), doomed | added
    return [s for p, s in by_print.items() if p in doomed or (not s.finished and _is_only_of(s, run, others, doomed))]


def _decisions(workspace: Workspace, run: Run) -> int:
    events = workspace.decisions.events(run.id, run.artifacts.get("clustering", ""))
    opening = events and (events[0].kind, events[0].payload) == ("filter", {"percent": run.config.filter_percent})
    return len(events) - bool(opening)


def _is_only_of(partial: StoredFolder, run: Run, others: Iterable[Run], doomed: set[str]) -> bool:
    """Whether `run` may have started this artifact, and no other unfinished run."""
    unfinished = [set(other.artifacts.values()) for other in others if other.state != "done"]
    return bool(partial.inputs & (set(run.artifacts.values()) | doomed)) and not any(
        partial.inputs & prints for prints in unfinished
    )
