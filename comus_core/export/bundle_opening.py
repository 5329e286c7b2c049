"""Open a bundle: check it completely, then add it as a read-only run of this workspace.

Its artifacts get new fingerprints, so that they cannot be confused with those computed in this workspace.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from comus_core.datasets.decoding import size_hw
from comus_core.errors import ComusError, WorkspaceError
from comus_core.export.bundle import ARTIFACTS, BLOCK, FORMAT, PHOTOGRAPHS, TRUTH
from comus_core.export.bundle_limits import ODD, check_entries, is_plain
from comus_core.export.bundle_run import check_decisions, check_redrawn, class_names, read_events, read_run
from comus_core.export.bundle_tables import BundleContent, check_artifacts, png_fits
from comus_core.export.demo_bundle import DEMO, DEMO_BUNDLE
from comus_core.files.atomic import disk_error, write_json
from comus_core.files.file_names import name_key
from comus_core.files.own_folders import LISTING
from comus_core.files.own_places import BUNDLES, make_own, own_place
from comus_core.maintenance.delete import delete, remove_abandoned
from comus_core.person import require_operator
from comus_core.pipelines.verb_settings import OpenBundleSettings
from comus_core.runs.run_truth import TRUTH_FILE
from comus_core.runs.run_view import open_run_view
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Run, Workspace
from comus_core.workspace.artifacts import digest
from comus_core.workspace.claims import claimed
from comus_core.workspace.decisions import Event, replay
from comus_core.workspace.manifest import MANIFEST, read_manifest

MAX_LISTING = 256 << 20  # bytes of the listing
MAX_PIXELS_PER_BYTE = 20_000  # of grey placeholder images, per byte of the bundle
MANIFEST_LINE = 2_000  # limit of bytes per file in a manifest
SPARE = 1 << 28  # bytes that must stay free on the disk
PLACE = re.compile(
    rf"{ARTIFACTS}/[a-z_]+/[0-9a-f]{{16}}/[^/]+(/[^/]+)*|{PHOTOGRAPHS}/[^/]+(/[^/]+)*|{TRUTH}/[0-9]+\.png"
)


def open_bundle(
    file: Path,
    workspace: Workspace,
    settings: OpenBundleSettings = OpenBundleSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> Run:
    """Make a read-only run of a bundle; one that is open already is given back as it is.

    Args:
        file: the zip; `demo` is the one that ships with the program, whose run may be decided on.
        workspace: where the run goes.
        settings: none.
        device: not used.
        on_progress: not used.

    Raises:
        WorkspaceError: not a bundle, a newer format, damaged, or with a file of invalid path or size; nothing of it is
            kept. Or the disk is full.
    """
    require_operator()
    folder, shipped = own_place(workspace.root, BUNDLES), str(file) == DEMO
    file = DEMO_BUNDLE if shipped else file
    try:
        with ExitStack() as held, zipfile.ZipFile(file) as archive:
            _check_sizes(archive, file)
            listing, fingerprint = _listing(archive, file.name)
            existing = [
                r for r in workspace.runs.all(True) if r.provenance.get("bundle", {}).get("sha256") == fingerprint
            ]
            if existing:
                return existing[0]
            _check(archive, listing["files"], file.name)
            remove_abandoned(workspace)
            make_own(folder)
            _require_space(listing["files"], folder)
            claim = held.enter_context(claimed(workspace.root))
            partial = claim(Path(tempfile.mkdtemp(prefix=".opening-", dir=folder)))
            try:
                _extract(archive, listing["files"], partial, file.name)
                about = {"sha256": fingerprint, "changeable": shipped}
                return _add_run(workspace, listing, about, partial, file.name, file.stat().st_size)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise WorkspaceError(f"{file}: not a readable bundle ({error}); get a new copy") from error
    except OSError as error:
        raise disk_error(error, folder) if file.is_file() else WorkspaceError(f"{file}: no such file") from error


def _check_sizes(archive: zipfile.ZipFile, file: Path) -> None:
    """Refuse a zip that would expand too much."""
    try:
        check_entries(archive.infolist(), file.stat().st_size, LISTING)
    except WorkspaceError as error:
        raise WorkspaceError(f"{file.name}: {error}; nothing was opened") from error


def _listing(archive: zipfile.ZipFile, name: str) -> tuple[dict[str, Any], str]:
    """The listing of the bundle, and its SHA-256."""
    if LISTING not in archive.namelist():
        raise WorkspaceError(f"{name}: not a bundle (no {LISTING}); `comus bundle RUN --out FILE` writes one")
    if archive.getinfo(LISTING).file_size > MAX_LISTING:
        raise WorkspaceError(f"{name}: its {LISTING} is too large")
    content = archive.read(LISTING)
    try:
        listing = json.loads(content)
        fields = {"run": dict, "events": list, "photographs": bool, "files": dict}
        complete = listing["format"] == FORMAT and all(isinstance(listing[k], t) for k, t in fields.items())
        newer = listing["format"] > FORMAT
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WorkspaceError(f"{name}: its {LISTING} is damaged ({error}); get a new copy") from error
    if newer:
        raise WorkspaceError(f"{name}: written by a newer version of COMUS (format {listing['format']}); update COMUS")
    if not complete:
        raise WorkspaceError(f"{name}: its {LISTING} is not from a bundle")
    return listing, sha256(content).hexdigest()


def _check(archive: zipfile.ZipFile, files: dict[str, Any], name: str) -> None:
    """Refuse a zip with files that differ from the listing or have invalid paths."""
    entries = [entry for entry in archive.infolist() if entry.filename != LISTING]
    if sorted(entry.filename for entry in entries) != sorted(files):
        raise WorkspaceError(f"{name}: its files differ from its listing; nothing was opened")
    if len({name_key(entry.filename) for entry in entries}) < len(entries):
        raise WorkspaceError(f"{name}: two of its files have the same name; nothing was opened")
    for entry in entries:
        if not is_plain(entry.filename) or not PLACE.fullmatch(entry.filename) or ODD.search(entry.orig_filename):
            raise WorkspaceError(
                f"{name}: {entry.orig_filename[:100]!r} is not a valid path in a bundle; nothing was opened"
            )
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise WorkspaceError(f"{name}: {entry.filename[:100]!r} is a link or device; nothing was opened")
        listed = files[entry.filename]
        if not isinstance(listed, dict) or listed.get("bytes") != entry.file_size or entry.file_size < 0:
            raise WorkspaceError(f"{name}: {entry.filename[:100]!r} has another size than listed; nothing was opened")


def _require_space(files: dict[str, Any], folder: Path) -> None:
    required, free = sum(int(file["bytes"]) for file in files.values()), shutil.disk_usage(folder).free
    if required + SPARE > free:
        raise WorkspaceError(
            f"{required:,} bytes to unpack, {free:,} free at {folder}: free some space, for example with `comus clean`"
        )


def _extract(archive: zipfile.ZipFile, files: dict[str, Any], folder: Path, name: str) -> None:
    for place, listed in files.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, remaining = sha256(), int(listed["bytes"])
        with archive.open(place) as packed, target.open("xb") as file:
            while block := packed.read(min(BLOCK, remaining + 1)):
                remaining -= len(block)
                if remaining < 0:
                    raise WorkspaceError(f"{name}: {place[:100]!r} has more bytes than listed; nothing was opened")
                digest.update(block)
                file.write(block)
        if digest.hexdigest() != listed.get("sha256"):
            raise WorkspaceError(f"{name}: {place[:100]!r} is damaged; get a new copy")


def _add_run(
    workspace: Workspace, listing: dict[str, Any], about: dict[str, Any], partial: Path, name: str, packed_bytes: int
) -> Run:
    """Move the unpacked files into the workspace, and write the run's row last; `about` is for its provenance."""
    try:
        run, events = _run_of(workspace, listing, about)
        folders = list(_artifact_folders(partial, listing["run"]["artifacts"]))
        new = {old: digest(["bundle", about["sha256"], old])[:16] for _, old, _ in folders}
        run = replace(run, artifacts={kind: new[old] for kind, old, _ in folders})
        _check_manifests(folders, listing["files"])
        classes = len(run.provenance["classes"])
        content = check_artifacts({kind: folder for kind, _, folder in folders}, classes)
        decided = replay(events)
        check_decisions(decided, content.clusters, content.proposals, content.sizes)
        check_redrawn(decided, content.proposals, content.proposal_sizes, content.sizes)
        _check_images(partial, content, listing, packed_bytes)
        _check_truth(partial, content, listing.get("truth"), run.provenance["classes"])
        for kind, old, folder in folders:
            _rename(folder, kind, old, new)
        places = [(folder, workspace.artifacts.root / kind / new[old]) for kind, old, folder in folders]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ComusError) as error:
        raise WorkspaceError(f"{name}: its content is damaged ({error}); nothing was opened") from error
    make_own(workspace.artifacts.root)
    for folder, target in places:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)  # of an opening that was killed
        os.replace(folder, target)
    home = workspace.images_root(run).parent
    make_own(home)
    for part in (PHOTOGRAPHS, TRUTH):
        if (partial / part).is_dir():
            os.replace(partial / part, home / part)
    workspace.decisions.copy(run.id, run.artifacts["clustering"], events)
    run = workspace.runs.add(run)
    try:
        _ = open_run_view(workspace, run).counts
    except (ComusError, KeyError, ValueError, TypeError) as error:
        delete(run, workspace)
        raise WorkspaceError(f"{name}: its tables do not fit together ({error}); nothing was opened") from error
    return run


def _run_of(workspace: Workspace, listing: dict[str, Any], about: dict[str, Any]) -> tuple[Run, list[Event]]:
    """The run with a new id that no other run of this workspace has or can get."""
    fields = listing["run"]
    base = re.sub(r"[^a-z0-9-]+", "-", str(fields["id"]).lower())[:80] + "-shared"
    folder = own_place(workspace.root, BUNDLES)
    used = {run.id for run in workspace.runs.all(archived=True)} | {path.name for path in folder.iterdir()}
    run_id = next(i for i in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if i not in used)
    additions = {
        "root": f"{folder.name}/{run_id}/{PHOTOGRAPHS}",
        "bundle": {
            **about,
            "run": str(fields["id"]),
            "photographs": listing["photographs"],
            "opened": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        },
    }
    return read_run(fields, run_id, additions), read_events(listing["events"])


def _artifact_folders(partial: Path, artifacts: dict[str, str]) -> Iterator[tuple[str, str, Path]]:
    """Kind, fingerprint and folder of each artifact, which must be exactly those of the run."""
    folders = {(p.parent.name, p.name) for p in (partial / ARTIFACTS).glob("*/*")}
    if folders != set(artifacts.items()) or not {"images", "proposals", "clustering"} <= set(artifacts):
        raise WorkspaceError("its artifacts are not those of its run")
    for kind, old in artifacts.items():
        yield kind, old, partial / ARTIFACTS / kind / old


def _rename(folder: Path, kind: str, old: str, new: dict[str, str]) -> None:
    """Write the new fingerprints into an artifact's manifest."""
    manifest = read_manifest(folder)
    key = manifest["key"]
    if (manifest["fingerprint"], key["kind"]) != (old, kind):
        raise WorkspaceError(f"{kind} {old} has another name in its manifest")
    inputs = {name: new.get(value, value) for name, value in key["inputs"].items()}
    write_json(folder / MANIFEST, {**manifest, "fingerprint": new[old], "key": {**key, "inputs": inputs}})


def _check_manifests(folders: list[tuple[str, str, Path]], files: dict[str, Any]) -> None:
    """Check that the manifest of each artifact matches the files in the bundle."""
    packed: dict[tuple[str, str], dict[str, Any]] = {(kind, old): {} for kind, old, _ in folders}
    for name, entry in files.items():
        top, kind, old, *rest = name.split("/") if name.startswith(f"{ARTIFACTS}/") else ("", "", "", "")
        if top and rest != [MANIFEST]:
            packed[kind, old]["/".join(rest)] = entry
    for kind, old, folder in folders:
        if (folder / MANIFEST).stat().st_size > MANIFEST_LINE * (10 + len(packed[kind, old])):
            raise WorkspaceError(f"{kind}: its {MANIFEST} is too large")
        entries = read_manifest(folder)["files"]
        wrong = sorted(
            name for name in {*entries, *packed[kind, old]} if entries.get(name) != packed[kind, old].get(name)
        )
        if wrong:
            raise WorkspaceError(f"{kind}: {wrong[0][:100]!r} differs from its {MANIFEST}")


def _check_images(partial: Path, content: BundleContent, listing: dict[str, Any], packed_bytes: int) -> None:
    """Check that every image file exists with its size, or draw grey placeholders."""
    pixels = sum(height * width for height, width in content.sizes.values())
    if not listing["photographs"] and pixels > MAX_PIXELS_PER_BYTE * packed_bytes:
        raise WorkspaceError("its images have too many pixels for a bundle of its size")
    for image_id, name in content.paths.items():
        path, (height, width) = partial / PHOTOGRAPHS / name, content.sizes[image_id]
        if listing["photographs"]:
            if not path.is_file():
                raise WorkspaceError(f"image {name[:100]!r} is missing")
            if size_hw(path) != (height, width):
                raise WorkspaceError(f"image {name[:100]!r} is not of {width} x {height} pixels")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (width, height), 128).save(path, "PNG")


def _check_truth(partial: Path, content: BundleContent, listed: Any, classes: list[str]) -> None:
    """Check that the ground truth matches the run's images and classes, and store its listing."""
    if listed is None:
        return
    masks, ignore = dict(listed["masks"]), listed["ignore"]
    if class_names(listed["classes"]) != classes or not (ignore is None or ignore in range(65_536)):
        raise WorkspaceError("its ground truth has other classes than the run")
    for image_id, name in masks.items():
        if image_id not in content.sizes or not re.fullmatch(r"[0-9]+\.png", name):
            raise WorkspaceError("its ground truth differs from its listing")
        with (partial / TRUTH / name).open("rb") as file:
            if not png_fits(file.read(64), content.sizes[image_id]):
                raise WorkspaceError(f"the ground truth of {image_id[:100]!r} has another size than the image")
    (partial / TRUTH).mkdir(exist_ok=True)
    write_json(partial / TRUTH / TRUTH_FILE, {"classes": classes, "ignore": ignore, "masks": masks})
