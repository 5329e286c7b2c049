"""Free disk space: unused artifacts, leftovers of stopped stages, cached images, and what browsers were to fetch.

Artifacts of runs and trainings, with all their inputs, are never removed; nor are images, decisions and logs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from comus_core.errors import WorkspaceError
from comus_core.files.atomic import is_temporary
from comus_core.files.own_places import BUNDLES, MARK, UPLOADS, is_own, own_place
from comus_core.jobs.records import RESUMABLE
from comus_core.jobs.table import JobTable
from comus_core.maintenance.delete import DELETED, active_jobs, pictures_folder, remove_folders
from comus_core.maintenance.disk_use import listed_by, needed
from comus_core.person import require_operator
from comus_core.pipelines.kept_files import kept_for_browsers, unfinished_exports
from comus_core.pipelines.verb_settings import CleanSettings
from comus_core.text import size
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Workspace
from comus_core.workspace.claims import abandoned
from comus_core.workspace.manifest import SHARDS
from comus_core.workspace.stored import PARTIAL, StoredFolder, ancestors, is_held, size_of, stored_folders
from comus_core.workspace.workspace import RELINKED

Group = Literal["unused", "unfinished", "stopped", "transfers", "pictures", "kept"]
GROUPS: tuple[Group, ...] = get_args(Group)
GROUP_WORDS: dict[Group, tuple[str, str]] = {
    "unused": ("Unused artifacts", "Results of earlier settings, decisions or weights that no run needs."),
    "unfinished": ("Unfinished leftovers", "Partial results that nothing will continue."),
    "stopped": ("Work of stopped jobs and runs", "Finished parts, from which a resumed job continues."),
    "transfers": ("Scores on other data sets", "From `comus evaluate RUN DATASET`, which can compute them again."),
    "pictures": ("Cached images", "Crops and overlays that pages draw again when needed."),
    "kept": ("Files kept for the browser", "Exports, packages and soft maps to download, and uploaded annotations."),
}
PHOTOGRAPHS = (UPLOADS, "datasets", BUNDLES)
GRACE = 600.0  # seconds for which new artifacts are kept: their run may not list them yet
STALE_FILE = 3600.0  # seconds after which an unfinished file is abandoned
STALE_UPLOAD = 24 * 3600.0  # seconds after which an unfinished upload is abandoned


@dataclass(frozen=True)
class Part:
    """Folders and files to remove, and their bytes."""

    folders: tuple[Path, ...]
    bytes: int

    def to_json(self) -> dict[str, int]:
        """As plain JSON values."""
        return {"folders": len(self.folders), "bytes": self.bytes}


def plan_cleaning(workspace: Workspace, now: float | None = None) -> dict[Group, Part]:
    """What `clean` would remove now, by group."""
    now = time.time() if now is None else now
    stored = list(stored_folders(workspace.artifacts.root))
    finished = {s.fingerprint: s for s in stored if s.finished}
    resumable = _in_progress(workspace, finished)
    starting = any(job.run is None for job in active_jobs(workspace))
    partials = [s for s in stored if not s.finished]
    locked = [s for s in partials if is_held(s.folder) or (starting and not s.inputs)]
    stopped = [s for s in partials if s not in locked and (_touches(s, resumable) or _is_of_stopped_job(workspace, s))]
    retained = [*locked, *stopped]
    running = _in_progress(workspace, finished, running=True)
    listed_prints = {p for run in workspace.runs.all(archived=True) for p in listed_by(workspace, run)}
    required = needed(listed_prints | {p for s in retained for p in s.inputs}, finished)
    idle = {p: s for p, s in finished.items() if p not in required and not _is_fresh(s, now)}
    transfers = _transfers(idle, required)
    paths_of: dict[Group, Iterable[Path]] = {
        "unused": [s.folder for p, s in idle.items() if p not in transfers],
        "unfinished": [*(s.folder for s in partials if s not in retained), *_abandoned(workspace, now)],
        "stopped": [*(s.folder for s in stopped if not _touches(s, running)), *unfinished_exports(workspace)],
        "transfers": [idle[p].folder for p in transfers],
        "pictures": [p for p in (pictures_folder(workspace.root),) if p.is_dir()],
        "kept": kept_for_browsers(workspace),
    }
    return {group: Part(tuple(sorted(folders)), size_of(*folders)) for group, folders in paths_of.items()}


def room_words(plan: Mapping[Group, Part]) -> str:
    """What a clean-up would free, in a line; '' if it would free nothing."""
    usual = chosen_groups(CleanSettings())
    parts = [
        f"{size(part.bytes)} {GROUP_WORDS[group][0].lower()}" + ("" if group in usual else f" (with --{group})")
        for group, part in plan.items()
        if part.folders
    ]
    return f"`comus clean` would free {', '.join(parts)}" if parts else ""


def clean(
    workspace: Workspace,
    settings: CleanSettings = CleanSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> Part:
    """Remove what `plan_cleaning` finds in the chosen groups now; returns what went.

    Raises:
        WorkspaceError: a job is running in the workspace, or a folder cannot be removed.
    """
    require_operator()
    at_work = [f"job {job.id}" for job in active_jobs(workspace)]
    held = [s for s in stored_folders(workspace.artifacts.root) if not s.finished and is_held(s.folder)]
    at_work += [f"another process, which computes {s.kind}," for s in held]
    if at_work:
        raise WorkspaceError(f"{at_work[0]} is running in this workspace: clean when it has ended, or cancel it first")
    plan, groups = plan_cleaning(workspace), chosen_groups(settings)
    folders = [folder for group in groups for folder in plan[group].folders]
    part = Part(tuple(folders), sum(plan[group].bytes for group in groups))
    remove_folders(workspace, [folder for folder in folders if folder.name != DELETED])
    return part


def chosen_groups(settings: CleanSettings) -> list[Group]:
    """The groups that the settings say to remove."""
    return [group for group in GROUPS if getattr(settings, group)]


def _in_progress(workspace: Workspace, finished: Mapping[str, StoredFolder], running: bool = False) -> set[str]:
    """Fingerprints listed by unfinished runs and trainings, which may continue from them.

    `running` excludes stopped ones.
    """
    prints: set[str] = set()
    for run in workspace.runs.all(archived=True):
        states = {run.state, *(t.state for t in workspace.trainings.of_run(run.id))}
        if "running" in states if running else states != {"done"}:
            prints |= listed_by(workspace, run) | {str(run.provenance.get("manifest", ""))}
    return ancestors(prints, finished)


def _touches(stored: StoredFolder, prints: set[str]) -> bool:
    return bool({stored.fingerprint, *stored.inputs} & prints)


def _is_of_stopped_job(workspace: Workspace, stored: StoredFolder) -> bool:
    """Whether a resumable job was running when the last shard of this was written."""
    try:
        last = max(path.stat().st_mtime for path in (stored.folder, *stored.folder.rglob("*")))
    except FileNotFoundError:  # being written
        return True
    jobs = JobTable(workspace.database).all(RESUMABLE)
    return any(job.created_at <= last + 1 and last <= (job.ended_at or last) for job in jobs)


def _transfers(idle: Mapping[str, StoredFolder], required: set[str]) -> set[str]:
    """Clusters of runs assigned on other data sets, with their inputs and counts."""
    roots = [p for p, s in idle.items() if s.kind == "assignment" and s.inputs & required]
    transfers = ancestors(roots, idle) & set(idle)
    return transfers | {p for p, s in idle.items() if s.kind in ("counts", "truth") and s.inputs & transfers}


def _is_fresh(stored: StoredFolder, now: float) -> bool:
    try:
        return now - (stored.folder / "manifest.json").stat().st_mtime < GRACE
    except FileNotFoundError:
        return True


def _abandoned(workspace: Workspace, now: float) -> list[Path]:
    """Leftovers of killed processes beside the artifacts, and in finished ones."""
    root, store = workspace.root, workspace.artifacts.root
    paths = [p for p in own_place(root, UPLOADS).glob(".unpacking-*") if now - _changed(p) > STALE_UPLOAD]
    paths += [p for p in (root / DELETED,) if p.is_dir()]
    paths += [p for p in own_place(root, RELINKED).glob(".*") if p.name != MARK and now - _changed(p) > GRACE]
    paths += abandoned(root)
    shards = [p for p in store.glob(f"*/*/{SHARDS}") if not _is_in_unfinished(p, store)]
    paths += [p for p in shards if now - _changed(p) > GRACE]
    partials = [p for p in _unfinished_files(root) if not _is_in_unfinished(p, store)]
    paths += [p for p in partials if now - _changed(p) > STALE_FILE]
    run_ids = {run.id for run in workspace.runs.all(archived=True)}
    opened = [p for p in own_place(root, BUNDLES).glob("*") if is_own(p) and p.name not in run_ids]
    return list(dict.fromkeys([*paths, *(p for p in opened if now - _changed(p) > GRACE)]))


def _unfinished_files(root: Path) -> list[Path]:
    """Unfinished files, except in folders of images, which may be very large."""
    photographs = {own_place(root, name) for name in PHOTOGRAPHS}
    places = [p for p in root.iterdir() if is_own(p) and p not in photographs]
    below = [path for place in places for path in place.rglob(".*.tmp")]
    return [path for path in (*below, *filter(is_temporary, root.iterdir())) if path.is_file()]


def _is_in_unfinished(path: Path, store: Path) -> bool:
    """Whether it is in an unfinished artifact, which is kept or removed as a whole."""
    parts = path.relative_to(store).parts if path.is_relative_to(store) else ()
    return any(part.endswith(PARTIAL) for part in parts)


def _changed(path: Path) -> float:
    """The time of the last change, in seconds since the epoch; infinite for a removed file."""
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return math.inf
