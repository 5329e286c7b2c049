"""Making room: what no run needs, what stopped stages left, and pictures that can be drawn again.

A run's own artifacts, those of its trainings, and all that they were made from are never touched; nor are photographs,
uploads, decisions and logs.
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
from comus_core.pipelines.verb_settings import CleanSettings
from comus_core.text import size
from comus_core.workspace import Workspace
from comus_core.workspace.claims import abandoned
from comus_core.workspace.manifest import SHARDS
from comus_core.workspace.stored import PARTIAL, StoredFolder, ancestors, is_held, size_of, stored_folders
from comus_core.workspace.workspace import RELINKED

Group = Literal["unused", "unfinished", "stopped", "transfers", "pictures"]
GROUPS: tuple[Group, ...] = get_args(Group)
GROUP_WORDS: dict[Group, tuple[str, str]] = {
    "unused": ("Unused artifacts", "No run needs them: left by settings, decisions or weights that changed since."),
    "unfinished": ("Unfinished leftovers", "What was stopped half way, and that nothing will go on with."),
    "stopped": ("Work of stopped jobs and runs", "Shards that were finished; who resumes goes on from there."),
    "transfers": ("Scores on other data sets", "Computed by `comus evaluate RUN DATASET`; it can compute them again."),
    "pictures": ("Drawn pictures", "Crops and layers, kept so that pages open fast; drawn again when looked at."),
}
PHOTOGRAPHS = (UPLOADS, "datasets", BUNDLES)
GRACE = 600.0  # seconds for which what was just finished is left alone: its run may not have named it yet
STALE_FILE = 3600.0  # seconds after which a file that was being written was given up: a writer writes on
STALE_UPLOAD = 24 * 3600.0  # seconds after which an upload that was being unpacked was given up


@dataclass(frozen=True)
class Part:
    """Folders, and files, that can go, and their bytes."""

    folders: tuple[Path, ...]
    bytes: int

    def to_json(self) -> dict[str, int]:
        """As plain JSON values."""
        return {"folders": len(self.folders), "bytes": self.bytes}


def plan_cleaning(workspace: Workspace, now: float | None = None) -> dict[Group, Part]:
    """What `clean` would remove now, by group.

    Args:
        workspace: to be looked through.
        now: seconds since the epoch; None is the present.
    """
    now = time.time() if now is None else now
    stored = list(stored_folders(workspace.artifacts.root))
    finished = {s.fingerprint: s for s in stored if s.finished}
    going_on = _going_on(workspace, finished)
    working = any(job.run is None for job in active_jobs(workspace))
    halves = [s for s in stored if not s.finished]
    held = [s for s in halves if is_held(s.folder) or (working and not s.inputs)]
    stopped = [s for s in halves if s not in held and (_touches(s, going_on) or _is_of_stopped_job(workspace, s))]
    kept = [*held, *stopped]
    at_work = _going_on(workspace, finished, at_work=True)
    listed = {p for run in workspace.runs.all(archived=True) for p in listed_by(workspace, run)}
    wanted = needed(listed | {p for s in kept for p in s.inputs}, finished)
    idle = {p: s for p, s in finished.items() if p not in wanted and not _is_fresh(s, now)}
    transfers = _transfers(idle, wanted)
    found: dict[Group, Iterable[Path]] = {
        "unused": [s.folder for p, s in idle.items() if p not in transfers],
        "unfinished": [*(s.folder for s in halves if s not in kept), *_given_up(workspace, now)],
        "stopped": [s.folder for s in stopped if not _touches(s, at_work)],
        "transfers": [idle[p].folder for p in transfers],
        "pictures": [p for p in (pictures_folder(workspace.root),) if p.is_dir()],
    }
    return {group: Part(tuple(sorted(folders)), size_of(*folders)) for group, folders in found.items()}


def room_words(plan: Mapping[Group, Part]) -> str:
    """What a clean-up would free, in a line; '' if it would free nothing."""
    usual = chosen_groups(CleanSettings())
    parts = [
        f"{size(part.bytes)} {GROUP_WORDS[group][0].lower()}" + ("" if group in usual else f" (with --{group})")
        for group, part in plan.items()
        if part.folders
    ]
    return f"`comus clean` would free {', '.join(parts)}" if parts else ""


def clean(workspace: Workspace, settings: CleanSettings = CleanSettings()) -> Part:
    """Remove what `plan_cleaning` finds in the chosen groups now; returns what went.

    Raises:
        WorkspaceError: something is at work in the workspace, or a folder cannot be removed.
    """
    at_work = [f"job {job.id}" for job in active_jobs(workspace)]
    held = [s for s in stored_folders(workspace.artifacts.root) if not s.finished and is_held(s.folder)]
    at_work += [f"another program, which makes {s.kind}" for s in held]
    if at_work:
        raise WorkspaceError(f"{at_work[0]} is at work here: clean up when it has ended, or cancel it first")
    plan, groups = plan_cleaning(workspace), chosen_groups(settings)
    folders = [folder for group in groups for folder in plan[group].folders]
    part = Part(tuple(folders), sum(plan[group].bytes for group in groups))
    remove_folders(workspace, [folder for folder in folders if folder.name != DELETED])
    return part


def chosen_groups(settings: CleanSettings) -> list[Group]:
    """The groups that the settings say to remove."""
    return [group for group in GROUPS if getattr(settings, group)]


def _going_on(workspace: Workspace, finished: Mapping[str, StoredFolder], at_work: bool = False) -> set[str]:
    """All that a run or training which is not done has named so far: it may go on with what it began from there.

    `at_work` leaves out those that are stopped.
    """
    prints: set[str] = set()
    for run in workspace.runs.all(archived=True):
        states = {run.state, *(t.state for t in workspace.trainings.of_run(run.id))}
        if "running" in states if at_work else states != {"done"}:
            prints |= listed_by(workspace, run) | {str(run.provenance.get("manifest", ""))}
    return ancestors(prints, finished)


def _touches(stored: StoredFolder, prints: set[str]) -> bool:
    return bool({stored.fingerprint, *stored.inputs} & prints)


def _is_of_stopped_job(workspace: Workspace, stored: StoredFolder) -> bool:
    """Whether a job that can be resumed was at work when a shard of this was written last."""
    try:
        last = max(path.stat().st_mtime for path in (stored.folder, *stored.folder.rglob("*")))
    except FileNotFoundError:  # going on this instant
        return True
    jobs = JobTable(workspace.database).all(RESUMABLE)
    return any(job.created_at <= last + 1 and last <= (job.ended_at or last) for job in jobs)


def _transfers(idle: Mapping[str, StoredFolder], wanted: set[str]) -> set[str]:
    """Runs' clusters on other data sets, what that was made from, and the counts of it."""
    roots = [p for p, s in idle.items() if s.kind == "assignment" and s.inputs & wanted]
    found = ancestors(roots, idle) & set(idle)
    return found | {p for p, s in idle.items() if s.kind in ("counts", "truth") and s.inputs & found}


def _is_fresh(stored: StoredFolder, now: float) -> bool:
    try:
        return now - (stored.folder / "manifest.json").stat().st_mtime < GRACE
    except FileNotFoundError:
        return True


def _given_up(workspace: Workspace, now: float) -> list[Path]:
    """What killed processes left beside the artifacts, and in finished ones: each is nobody's any more."""
    root, store = workspace.root, workspace.artifacts.root
    found = [p for p in own_place(root, UPLOADS).glob(".unpacking-*") if now - _changed(p) > STALE_UPLOAD]
    found += [p for p in (root / DELETED,) if p.is_dir()]
    found += [p for p in own_place(root, RELINKED).glob(".*") if p.name != MARK and now - _changed(p) > GRACE]
    found += abandoned(root)
    shards = [p for p in store.glob(f"*/*/{SHARDS}") if not _is_in_the_making(p, store)]
    found += [p for p in shards if now - _changed(p) > GRACE]
    halves = [p for p in _unfinished_files(root) if not _is_in_the_making(p, store)]
    found += [p for p in halves if now - _changed(p) > STALE_FILE]
    known = {run.id for run in workspace.runs.all(archived=True)}
    opened = [p for p in own_place(root, BUNDLES).glob("*") if is_own(p) and p.name not in known]
    return list(dict.fromkeys([*found, *(p for p in opened if now - _changed(p) > GRACE)]))


def _unfinished_files(root: Path) -> list[Path]:
    """Files that were not written to the end, photographs' folders left out: they may hold a hundred thousand."""
    photographs = {own_place(root, name) for name in PHOTOGRAPHS}
    places = [p for p in root.iterdir() if is_own(p) and p not in photographs]
    below = [path for place in places for path in place.rglob(".*.tmp")]
    return [path for path in (*below, *filter(is_temporary, root.iterdir())) if path.is_file()]


def _is_in_the_making(path: Path, store: Path) -> bool:
    """Whether it lies in an unfinished artifact, which goes or stays as a whole."""
    parts = path.relative_to(store).parts if path.is_relative_to(store) else ()
    return any(part.endswith(PARTIAL) for part in parts)


def _changed(path: Path) -> float:
    """When it last changed, in seconds since the epoch; what went meanwhile is as new as can be."""
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return math.inf
