"""A run in one zip for a colleague: artifacts, decisions, ground truth, and the photographs if they may go along.

Rounds of training stay behind: they are scored on data sets of their own, and their networks are large.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from comus_core.errors import DatasetError, WorkspaceError
from comus_core.export.bundle_names import portable_names, renamed_files
from comus_core.files.atomic import replacing
from comus_core.files.output_file import is_foreign, writable_file
from comus_core.files.own_folders import LISTING, is_bundle_file
from comus_core.maintenance.delete import remove_abandoned
from comus_core.pipelines.verb_settings import BundleSettings
from comus_core.proposals.pseudo_masks import to_png
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_truth import truth_of_run
from comus_core.settings import to_dict
from comus_core.types import OnProgress, Progress, no_progress
from comus_core.workspace import Artifact, Run, Workspace
from comus_core.workspace.claims import claimed
from comus_core.workspace.manifest import MANIFEST

FORMAT = 1  # raised when an older program could not open what a newer one writes
ARTIFACTS, PHOTOGRAPHS, TRUTH = "artifacts", "photographs", "truth"
BLOCK = 1 << 20


Readable = Callable[[str, Path], Path]  # (image, its file) -> the file to read, or a refusal


@dataclass(frozen=True)
class Source:
    """A file that goes into the zip.

    Attributes:
        name: in the zip.
        path: where it lies.
        content: what goes in its place, where the file names others by names that not every system takes.
        sha256: what it had when the run was made; '' where that is not known.
        changed: what is said, with the file's name for `{}`, if it has another now.
    """

    name: str
    path: Path
    content: bytes | None = None
    sha256: str = ""
    changed: str = ""


@dataclass(frozen=True)
class Bundled:
    """What was written: the file, its bytes, how many photographs are in it, and whether a file that was none went."""

    path: Path
    bytes: int
    photographs: int
    replaced: bool

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "path": str(self.path)}


def bundle(
    run: Run,
    workspace: Workspace,
    settings: BundleSettings,
    *,
    device: str = "auto",
    readable: Readable = lambda _, path: path,
    on_progress: OnProgress = no_progress,
) -> Bundled:
    """Write a run to a zip that `open_bundle` reads.

    Args:
        run: one that has clusters.
        workspace: where the run is.
        settings: the zip, in place of an earlier bundle; whether the image files go along; whether to replace a file
            that is no bundle.
        device: not used.
        readable: asked for every photograph; a server refuses what links lead out of the folders it may show.
        on_progress: called at every file.

    Raises:
        SettingsError: the zip cannot be written there, or a file is there that is no bundle.
        WorkspaceError: no such run, it has no clusters yet, a photograph is gone, a file is not what it was when the
            run was made, or the disk is full.
    """
    out = writable_file(Path(settings.out).expanduser(), force=settings.force, is_own=is_bundle_file)
    run = workspace.runs.get(run.id)
    if "clustering" not in run.artifacts:
        raise WorkspaceError(f"run {run.id} has no clusters yet: bundle it when it is done")
    if run.state == "running":
        raise WorkspaceError(f"run {run.id} is at work: bundle it when it is done, or cancel it first")
    photographs = settings.images and bool(run.provenance.get("bundle", {}).get("photographs", True))
    pictures = _pictures(workspace.artifact(run, "images")) if photographs else []
    placed = portable_names(row["path"] for row in pictures)
    files = [source for kind in run.artifacts for source in _of_artifact(workspace.artifact(run, kind))]
    files += [_photograph(workspace.images_root(run), row, placed[row["path"]], readable) for row in pictures]
    listed: dict[str, dict[str, Any]] = {}
    remove_abandoned(workspace)
    replaced = is_foreign(out, is_bundle_file)
    with (
        claimed(workspace.root) as claim,
        replacing(out) as temporary,
        zipfile.ZipFile(claim(temporary), "w", allowZip64=True) as archive,
    ):
        for done, source in enumerate(files):
            on_progress(Progress("bundle", done, len(files)))
            listed[source.name] = _add_file(archive, source)
        truth = _add_truth(archive, workspace, run, listed)
        text = json.dumps(_listing(workspace, run, photographs, truth, listed), ensure_ascii=False)
        archive.writestr(LISTING, text, zipfile.ZIP_DEFLATED)
    on_progress(Progress("bundle", len(files), len(files)))
    return Bundled(out, out.stat().st_size, len(pictures), replaced)


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


def _pictures(images: Artifact) -> list[dict[str, Any]]:
    """Path below their root and SHA-256 of the usable images."""
    return [row for row in images.table(["path", "reason", "sha256"]).to_pylist() if row["reason"] is None]


def _of_artifact(artifact: Artifact) -> list[Source]:
    """What the artifact lists, and its manifest; whatever else lies there stays behind.

    Tables name files in the bundle by names that every system takes.
    """
    start = f"{ARTIFACTS}/{artifact.kind}/{artifact.fingerprint}"
    changed = (
        f"{artifact.kind} {artifact.fingerprint}: {{}} has changed since it was written; `comus verify` says what to do"
    )
    names, other = _renamed(artifact)
    sources = [
        Source(f"{start}/{names.get(name, name)}", artifact.file(name), other.get(name), told["sha256"], changed)
        for name, told in artifact.manifest()["files"].items()
    ]
    return [*sources, Source(f"{start}/{MANIFEST}", artifact.file(MANIFEST), other.get(MANIFEST))]


def _renamed(artifact: Artifact) -> tuple[dict[str, str], dict[str, bytes]]:
    """File of the artifact -> its name in the bundle, and the files that have another content for it."""
    if artifact.kind == "images":
        return {}, renamed_files(artifact, "path", portable_names(row["path"] for row in _pictures(artifact)))
    if artifact.kind == "pseudo_masks":
        names = portable_names(artifact.table(["file"]).column(0).to_pylist())
        return names, renamed_files(artifact, "file", names)
    return {}, {}


def _photograph(root: Path, row: dict[str, Any], name: str, readable: Readable) -> Source:
    path = readable(row["path"], root / row["path"])
    changed = "photograph {} has changed since the run: put the old file back, or bundle the run without photographs"
    return Source(f"{PHOTOGRAPHS}/{name}", path, None, row["sha256"], changed)


def _add_file(archive: zipfile.ZipFile, source: Source) -> dict[str, Any]:
    """Photographs are stored as they are, the rest is packed."""
    how = zipfile.ZIP_STORED if source.name.startswith(f"{PHOTOGRAPHS}/") else zipfile.ZIP_DEFLATED
    entry = zipfile.ZipInfo(source.name)
    entry.compress_type, entry.external_attr, hashed, size = how, 0o644 << 16, sha256(), 0
    try:
        content = source.path.open("rb")
    except OSError as error:
        raise WorkspaceError(
            f"{source.path}: {error.strerror or error}; put it back, or bundle the run without photographs"
        ) from error
    with content, archive.open(entry, "w", force_zip64=True) as target:
        while block := content.read(BLOCK):
            hashed.update(block)
            size += len(block)
            if source.content is None:
                target.write(block)
        if source.content is not None:
            target.write(source.content)
    if source.sha256 not in ("", hashed.hexdigest()):
        raise WorkspaceError(source.changed.format(PurePosixPath(source.name).name))
    if source.content is not None:
        return {"bytes": len(source.content), "sha256": sha256(source.content).hexdigest()}
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
