"""Export a run as one zip: artifacts, decisions, ground truth, and optionally the images.

Training rounds are not included: they are scored on other data sets, and their networks are large.
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

FORMAT = 1  # raised when an older version cannot open what a newer one writes
ARTIFACTS, PHOTOGRAPHS, TRUTH = "artifacts", "photographs", "truth"
BLOCK = 1 << 20


Readable = Callable[[str, Path], Path]  # (image, its file) -> the file to read; may raise


@dataclass(frozen=True)
class Source:
    """A file that goes into the zip.

    Attributes:
        name: in the zip.
        path: of the file.
        content: replaces the file's content, if that refers to file names that are not valid on every system.
        sha256: at the time of the run; '' if it is not known.
        changed: the error message if the file has changed, with `{}` for its name.
    """

    name: str
    path: Path
    content: bytes | None = None
    sha256: str = ""
    changed: str = ""


@dataclass(frozen=True)
class BundleFile:
    """A written bundle: its file, bytes, number of images, and whether it replaced another file."""

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
) -> BundleFile:
    """Write a run to a zip for `open_bundle`.

    `readable` is called for every image: a server refuses links out of the allowed folders.

    Raises:
        SettingsError: the zip cannot be written, or another file exists there.
        WorkspaceError: no such run, it has no clusters yet, an image is missing, a file has changed since the run, or
            the disk is full.
    """
    out = writable_file(Path(settings.out).expanduser(), force=settings.force, is_own=is_bundle_file)
    run = workspace.runs.get(run.id)
    if "clustering" not in run.artifacts:
        raise WorkspaceError(f"run {run.id} has no clusters yet: bundle it when it is done")
    if run.state == "running":
        raise WorkspaceError(f"run {run.id} is running: bundle it when it is done, or cancel it first")
    photographs = settings.images and bool(run.provenance.get("bundle", {}).get("photographs", True))
    rows = _usable_rows(workspace.artifact(run, "images")) if photographs else []
    names = portable_names(row["path"] for row in rows)
    files = [source for kind in run.artifacts for source in _of_artifact(workspace.artifact(run, kind))]
    files += [_image(workspace.images_root(run), row, names[row["path"]], readable) for row in rows]
    entries: dict[str, dict[str, Any]] = {}
    remove_abandoned(workspace)
    replaced = is_foreign(out, is_bundle_file)
    with (
        claimed(workspace.root) as claim,
        replacing(out) as temporary,
        zipfile.ZipFile(claim(temporary), "w", allowZip64=True) as archive,
    ):
        for step, source in enumerate(files):
            on_progress(Progress("bundle", step, len(files)))
            entries[source.name] = _add_file(archive, source)
        truth = _add_truth(archive, workspace, run, entries)
        text = json.dumps(_listing(workspace, run, photographs, truth, entries), ensure_ascii=False)
        archive.writestr(LISTING, text, zipfile.ZIP_DEFLATED)
    on_progress(Progress("bundle", len(files), len(files)))
    return BundleFile(out, out.stat().st_size, len(rows), replaced)


def _listing(
    workspace: Workspace, run: Run, photographs: bool, truth: dict[str, Any] | None, files: dict[str, Any]
) -> dict[str, Any]:
    events = workspace.decisions.events(run.id, run.artifacts["clustering"])
    kept = {name: getattr(run, name) for name in ("id", "name", "note", "state", "provenance", "artifacts", "result")}
    return {
        "format": FORMAT,
        "run": {**kept, "config": to_dict(run.config)},
        "events": [{k: v for k, v in asdict(event).items() if k not in ("id", "by")} for event in events],
        "photographs": photographs,
        "truth": truth,
        "files": files,
    }


def _usable_rows(images: Artifact) -> list[dict[str, Any]]:
    """Path and SHA-256 of the usable images."""
    return [row for row in images.table(["path", "reason", "sha256"]).to_pylist() if row["reason"] is None]


def _of_artifact(artifact: Artifact) -> list[Source]:
    """The files that the artifact lists, and its manifest.

    File names in tables are changed to names that are valid on every system.
    """
    start = f"{ARTIFACTS}/{artifact.kind}/{artifact.fingerprint}"
    changed = (
        f"{artifact.kind} {artifact.fingerprint}: {{}} has changed since it was written; `comus verify` says what to do"
    )
    names, contents = _renamed(artifact)
    sources = [
        Source(f"{start}/{names.get(name, name)}", artifact.file(name), contents.get(name), entry["sha256"], changed)
        for name, entry in artifact.manifest()["files"].items()
    ]
    return [*sources, Source(f"{start}/{MANIFEST}", artifact.file(MANIFEST), contents.get(MANIFEST))]


def _renamed(artifact: Artifact) -> tuple[dict[str, str], dict[str, bytes]]:
    """File of the artifact -> its name in the bundle, and file -> changed content."""
    if artifact.kind == "images":
        return {}, renamed_files(artifact, "path", portable_names(row["path"] for row in _usable_rows(artifact)))
    if artifact.kind == "pseudo_masks":
        names = portable_names(artifact.table(["file"]).column(0).to_pylist())
        return names, renamed_files(artifact, "file", names)
    return {}, {}


def _image(root: Path, row: dict[str, Any], name: str, readable: Readable) -> Source:
    path = readable(row["path"], root / row["path"])
    changed = "image {} has changed since the run: restore the old file, or bundle the run without images"
    return Source(f"{PHOTOGRAPHS}/{name}", path, None, row["sha256"], changed)


def _add_file(archive: zipfile.ZipFile, source: Source) -> dict[str, Any]:
    """Add a file; images are stored, other files are compressed."""
    compression = zipfile.ZIP_STORED if source.name.startswith(f"{PHOTOGRAPHS}/") else zipfile.ZIP_DEFLATED
    entry = zipfile.ZipInfo(source.name)
    entry.compress_type, entry.external_attr, hashed, size = compression, 0o644 << 16, sha256(), 0
    try:
        content = source.path.open("rb")
    except OSError as error:
        raise WorkspaceError(
            f"{source.path}: {error.strerror or error}; restore it, or bundle the run without images"
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
    archive: zipfile.ZipFile, workspace: Workspace, run: Run, entries: dict[str, dict[str, Any]]
) -> dict[str, Any] | None:
    """The ground truth as index masks; None if there is none, or the data set is missing."""
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
        entries[name] = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
        masks[image_id] = f"{number}.png"
    return {"classes": list(truth.classes), "ignore": truth.ignore, "masks": masks}
