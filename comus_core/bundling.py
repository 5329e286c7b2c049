"""A run in one zip for a colleague: artifacts, decisions, ground truth, and the photographs if they may go along.

Rounds of training stay behind: they are scored on data sets of their own, and their networks are large.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from comus_core import run_tables as tables
from comus_core.config import to_dict
from comus_core.errors import DatasetError, WorkspaceError
from comus_core.output_file import writable_file
from comus_core.pseudo_masks import to_png
from comus_core.run_truth import truth_of_run
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.workspace import Run, Workspace
from comus_core.workspace.files import replacing

FORMAT = 1  # raised when an older program could not open what a newer one writes
LISTING = "bundle.json"
ARTIFACTS, PHOTOGRAPHS, TRUTH = "artifacts", "photographs", "truth"
BLOCK = 1 << 20


@dataclass(frozen=True)
class Bundled:
    """What was written: the file, its bytes, and how many photographs are in it."""

    path: Path
    bytes: int
    photographs: int


def bundle(
    workspace: Workspace,
    run_id: str,
    out: Path,
    *,
    photographs: bool = True,
    on_progress: OnProgress = no_progress,
) -> Bundled:
    """Write a run to a zip that `open_bundle` reads.

    Args:
        workspace: where the run is.
        run_id: a run that has clusters.
        out: the zip; one that is there is replaced.
        photographs: whether the image files go along, as they are; without them the pages show masks on grey.
        on_progress: called at every file.

    Raises:
        SettingsError: the zip cannot be written there.
        WorkspaceError: no such run, it has no clusters yet, a photograph is gone, or the disk is full.
    """
    writable_file(out)
    run = workspace.runs.get(run_id)
    if "clustering" not in run.artifacts:
        raise WorkspaceError(f"run {run_id} has no clusters yet: bundle it when it is done")
    images = workspace.artifact(run, "images").table(["image_id", "path", "reason"]).to_pylist()
    pictures = [row for row in images if row["reason"] is None] if photographs else []
    stored = [(kind, workspace.artifact(run, kind).folder) for kind in run.artifacts]
    files = {f"{ARTIFACTS}/{k}/{f.name}/{p.relative_to(f).as_posix()}": p for k, f in stored for p in _files(f)}
    files |= {f"{PHOTOGRAPHS}/{row['path']}": workspace.images_root(run) / row["path"] for row in pictures}
    listed: dict[str, dict[str, Any]] = {}
    with replacing(out) as temporary, zipfile.ZipFile(temporary, "w", allowZip64=True) as archive:
        for done, (name, path) in enumerate(files.items()):
            on_progress(Progress("bundle", done, len(files)))
            listed[name] = _add_file(archive, name, path)
        truth = _add_truth(archive, workspace, run, listed)
        text = json.dumps(_listing(workspace, run, photographs, truth, listed), ensure_ascii=False)
        archive.writestr(LISTING, text, zipfile.ZIP_DEFLATED)
    on_progress(Progress("bundle", len(files), len(files)))
    return Bundled(out, out.stat().st_size, len(pictures))


def _listing(
    workspace: Workspace, run: Run, photographs: bool, truth: dict[str, Any] | None, files: dict[str, Any]
) -> dict[str, Any]:
    events = workspace.decisions.events(run.id, run.artifacts["clustering"])
    kept = {name: getattr(run, name) for name in ("id", "name", "note", "state", "provenance", "artifacts", "result")}
    return {
        "format": FORMAT,
        "run": {**kept, "config": to_dict(run.config)},
        "events": [{k: v for k, v in asdict(event).items() if k != "id"} for event in events],
        "photographs": photographs,
        "truth": truth,
        "files": files,
    }


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _add_file(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    """Photographs are stored as they are, the rest is packed."""
    how = zipfile.ZIP_STORED if name.startswith(f"{PHOTOGRAPHS}/") else zipfile.ZIP_DEFLATED
    entry = zipfile.ZipInfo(name)
    entry.compress_type, entry.external_attr, hashed, size = how, 0o644 << 16, sha256(), 0
    try:
        source = path.open("rb")
    except OSError as error:
        raise WorkspaceError(
            f"{path}: {error.strerror or error}; put it back, or bundle the run without photographs"
        ) from error
    with source, archive.open(entry, "w", force_zip64=True) as target:
        while block := source.read(BLOCK):
            hashed.update(block)
            size += len(block)
            target.write(block)
    return {"bytes": size, "sha256": hashed.hexdigest()}


def _add_truth(
    archive: zipfile.ZipFile, workspace: Workspace, run: Run, listed: dict[str, dict[str, Any]]
) -> dict[str, Any] | None:
    """The ground truth as index masks; None where there is none, or where the data set is no longer there."""
    if "counts" not in run.artifacts:
        return None
    try:
        truth = truth_of_run(workspace, run)
    except DatasetError:
        return None
    if truth is None:
        return None
    masks: dict[str, str] = {}
    ids = tables.usable_ids(workspace.artifact(run, "images"))
    for number, image_id in enumerate(i for i in ids if truth.has(i)):
        content, name = to_png(truth.mask(image_id)), f"{TRUTH}/{number}.png"
        archive.writestr(name, content, zipfile.ZIP_STORED)
        listed[name] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
        masks[image_id] = f"{number}.png"
    return {"classes": list(truth.classes), "ignore": truth.ignore, "masks": masks}
