"""Opening a bundle: checked to the last byte, then a read-only run of this workspace like any other.

Nothing in it can pass for what this workspace computed itself: its artifacts get fingerprints of their own.
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
from comus_core.export.bundle_run import check_decisions, class_names, events_told, run_told
from comus_core.export.bundle_tables import Found, check_artifacts, png_fits
from comus_core.files.atomic import disk_error, write_json
from comus_core.files.file_names import name_key
from comus_core.files.own_folders import LISTING
from comus_core.files.own_places import BUNDLES, make_own, own_place
from comus_core.maintenance.delete import delete, remove_abandoned
from comus_core.pipelines.verb_settings import OpenBundleSettings
from comus_core.runs.run_truth import TRUTH_FILE
from comus_core.runs.run_view import open_run_view
from comus_core.workspace import Run, Workspace
from comus_core.workspace.artifacts import digest
from comus_core.workspace.claims import claimed
from comus_core.workspace.decisions import Event, replay
from comus_core.workspace.manifest import MANIFEST, read_manifest

MOST_LISTING = 256 << 20  # bytes of the listing
MOST_PIXELS_A_BYTE = 20_000  # of stand-ins for photographs, drawn for a bundle of so many bytes
MANIFEST_LINE = 2_000  # bytes that a manifest may have for each file
SPARE = 1 << 28  # bytes that must stay free on the disk
PLACE = re.compile(
    rf"{ARTIFACTS}/[a-z_]+/[0-9a-f]{{16}}/[^/]+(/[^/]+)*|{PHOTOGRAPHS}/[^/]+(/[^/]+)*|{TRUTH}/[0-9]+\.png"
)


def open_bundle(file: Path, workspace: Workspace, settings: OpenBundleSettings = OpenBundleSettings()) -> Run:
    """Make a read-only run of a bundle; one that is open already is given back as it is.

    Raises:
        WorkspaceError: no bundle, of a newer format, damaged, or a file in it has a place or size that it must not
            have; nothing of it stays. Or the disk is full.
    """
    folder = own_place(workspace.root, BUNDLES)
    try:
        with ExitStack() as held, zipfile.ZipFile(file) as archive:
            _bounded(archive, file)
            listing, fingerprint = _listing(archive, file.name)
            known = [r for r in workspace.runs.all(True) if r.provenance.get("bundle", {}).get("sha256") == fingerprint]
            if known:
                return known[0]
            _check(archive, listing["files"], file.name)
            remove_abandoned(workspace)
            make_own(folder)
            _require_space(listing["files"], folder)
            claim = held.enter_context(claimed(workspace.root))
            partial = claim(Path(tempfile.mkdtemp(prefix=".opening-", dir=folder)))
            try:
                _extract(archive, listing["files"], partial, file.name)
                return _take_in(workspace, listing, fingerprint, partial, file.name, file.stat().st_size)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise WorkspaceError(f"{file}: no bundle that can be read ({error}); ask for it anew") from error
    except OSError as error:
        raise disk_error(error, folder) if file.is_file() else WorkspaceError(f"{file}: no such file") from error


def _bounded(archive: zipfile.ZipFile, file: Path) -> None:
    """Refuse a zip that would unpack to far more than it is."""
    try:
        check_entries(archive.infolist(), file.stat().st_size, LISTING)
    except WorkspaceError as error:
        raise WorkspaceError(f"{file.name}: {error}; nothing was opened") from error


def _listing(archive: zipfile.ZipFile, name: str) -> tuple[dict[str, Any], str]:
    """What the bundle says it holds, and the SHA-256 of that."""
    if LISTING not in archive.namelist():
        raise WorkspaceError(f"{name}: not a bundle, it has no {LISTING}; `comus bundle RUN --out FILE` writes one")
    if archive.getinfo(LISTING).file_size > MOST_LISTING:
        raise WorkspaceError(f"{name}: its {LISTING} is too large to be one")
    content = archive.read(LISTING)
    try:
        listing = json.loads(content)
        fields = {"run": dict, "events": list, "photographs": bool, "files": dict}
        whole = listing["format"] == FORMAT and all(isinstance(listing[k], t) for k, t in fields.items())
        newer = listing["format"] > FORMAT
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise WorkspaceError(f"{name}: its {LISTING} is damaged ({error}); ask for the bundle anew") from error
    if newer:
        raise WorkspaceError(f"{name}: written by a newer program (format {listing['format']}): update this one")
    if not whole:
        raise WorkspaceError(f"{name}: its {LISTING} is not of a bundle")
    return listing, sha256(content).hexdigest()


def _check(archive: zipfile.ZipFile, files: dict[str, Any], name: str) -> None:
    """Refuse a zip in which anything is not as listed, or lies where nothing of a bundle lies."""
    entries = [entry for entry in archive.infolist() if entry.filename != LISTING]
    if sorted(entry.filename for entry in entries) != sorted(files):
        raise WorkspaceError(f"{name}: it does not hold the files that it lists; nothing was opened")
    if len({name_key(entry.filename) for entry in entries}) < len(entries):
        raise WorkspaceError(f"{name}: two of its files have one name; nothing was opened")
    for entry in entries:
        if not is_plain(entry.filename) or not PLACE.fullmatch(entry.filename) or ODD.search(entry.orig_filename):
            raise WorkspaceError(f"{name}: {entry.orig_filename[:100]!r} is no place in a bundle; nothing was opened")
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise WorkspaceError(f"{name}: {entry.filename[:100]!r} is a link or device; nothing was opened")
        listed = files[entry.filename]
        if not isinstance(listed, dict) or listed.get("bytes") != entry.file_size or entry.file_size < 0:
            raise WorkspaceError(f"{name}: {entry.filename[:100]!r} is not as large as listed; nothing was opened")


def _require_space(files: dict[str, Any], folder: Path) -> None:
    wanted, free = sum(int(file["bytes"]) for file in files.values()), shutil.disk_usage(folder).free
    if wanted + SPARE > free:
        raise WorkspaceError(f"{wanted:,} bytes to unpack, {free:,} free at {folder}: make room, such as by clean-up")


def _extract(archive: zipfile.ZipFile, files: dict[str, Any], folder: Path, name: str) -> None:
    for place, listed in files.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        hashed, left = sha256(), int(listed["bytes"])
        with archive.open(place) as packed, target.open("xb") as file:
            while block := packed.read(min(BLOCK, left + 1)):
                left -= len(block)
                if left < 0:
                    raise WorkspaceError(f"{name}: {place[:100]!r} holds more than listed; nothing was opened")
                hashed.update(block)
                file.write(block)
        if hashed.hexdigest() != listed.get("sha256"):
            raise WorkspaceError(f"{name}: {place[:100]!r} is damaged; ask for the bundle anew")


def _take_in(
    workspace: Workspace, listing: dict[str, Any], fingerprint: str, partial: Path, name: str, packed_bytes: int
) -> Run:
    """Move what was unpacked to its places, and write the run's row last."""
    try:
        run, events = _run_of(workspace, listing, fingerprint)
        folders = list(_artifact_folders(partial, listing["run"]["artifacts"]))
        new = {old: digest(["bundle", fingerprint, old])[:16] for _, old, _ in folders}
        run = replace(run, artifacts={kind: new[old] for kind, old, _ in folders})
        _check_manifests(folders, listing["files"])
        classes = len(run.provenance["classes"])
        found = check_artifacts({kind: folder for kind, _, folder in folders}, classes)
        check_decisions(replay(events), found.clusters, found.proposals)
        _pictures(partial, found, listing, packed_bytes)
        _truth(partial, found, listing.get("truth"), run.provenance["classes"])
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


def _run_of(workspace: Workspace, listing: dict[str, Any], fingerprint: str) -> tuple[Run, list[Event]]:
    """The run under an id that is free here and that no run of this workspace can get."""
    told = listing["run"]
    base = re.sub(r"[^a-z0-9-]+", "-", str(told["id"]).lower())[:80] + "-shared"
    folder = own_place(workspace.root, BUNDLES)
    taken = {run.id for run in workspace.runs.all(archived=True)} | {path.name for path in folder.iterdir()}
    run_id = next(i for i in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if i not in taken)
    here = {
        "root": f"{folder.name}/{run_id}/{PHOTOGRAPHS}",
        "bundle": {
            "sha256": fingerprint,
            "run": str(told["id"]),
            "photographs": listing["photographs"],
            "opened": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        },
    }
    return run_told(told, run_id, here), events_told(listing["events"])


def _artifact_folders(partial: Path, artifacts: dict[str, str]) -> Iterator[tuple[str, str, Path]]:
    """Kind, fingerprint and folder of each artifact, which must be all those that the run names and no other."""
    found = {(p.parent.name, p.name) for p in (partial / ARTIFACTS).glob("*/*")}
    if found != set(artifacts.items()) or not {"images", "proposals", "clustering"} <= set(artifacts):
        raise WorkspaceError("its artifacts are not those of its run")
    for kind, old in artifacts.items():
        yield kind, old, partial / ARTIFACTS / kind / old


def _rename(folder: Path, kind: str, old: str, new: dict[str, str]) -> None:
    """Write the new fingerprints into an artifact's manifest."""
    manifest = read_manifest(folder)
    key = manifest["key"]
    if (manifest["fingerprint"], key["kind"]) != (old, kind):
        raise WorkspaceError(f"{kind} {old} is called otherwise inside")
    inputs = {name: new.get(value, value) for name, value in key["inputs"].items()}
    write_json(folder / MANIFEST, {**manifest, "fingerprint": new[old], "key": {**key, "inputs": inputs}})


def _check_manifests(folders: list[tuple[str, str, Path]], files: dict[str, Any]) -> None:
    """See that each artifact lists of itself what came along, and that with the same bytes."""
    packed: dict[tuple[str, str], dict[str, Any]] = {(kind, old): {} for kind, old, _ in folders}
    for name, told in files.items():
        top, kind, old, *rest = name.split("/") if name.startswith(f"{ARTIFACTS}/") else ("", "", "", "")
        if top and rest != [MANIFEST]:
            packed[kind, old]["/".join(rest)] = told
    for kind, old, folder in folders:
        if (folder / MANIFEST).stat().st_size > MANIFEST_LINE * (10 + len(packed[kind, old])):
            raise WorkspaceError(f"{kind}: its {MANIFEST} is too large to be one")
        listed = read_manifest(folder)["files"]
        wrong = sorted(
            name for name in {*listed, *packed[kind, old]} if listed.get(name) != packed[kind, old].get(name)
        )
        if wrong:
            raise WorkspaceError(f"{kind}: {wrong[0][:100]!r} is not what its {MANIFEST} lists")


def _pictures(partial: Path, found: Found, listing: dict[str, Any], packed_bytes: int) -> None:
    """See that every image has its photograph, of its size; or draw a grey stand-in."""
    pixels = sum(height * width for height, width in found.sizes.values())
    if not listing["photographs"] and pixels > MOST_PIXELS_A_BYTE * packed_bytes:
        raise WorkspaceError("its images have more pixels than so small a bundle can be about")
    for image_id, name in found.paths.items():
        path, (height, width) = partial / PHOTOGRAPHS / name, found.sizes[image_id]
        if listing["photographs"]:
            if not path.is_file():
                raise WorkspaceError(f"photograph {name[:100]!r} is missing")
            if size_hw(path) != (height, width):
                raise WorkspaceError(f"photograph {name[:100]!r} is not of {width} x {height} pixels")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (width, height), 128).save(path, "PNG")


def _truth(partial: Path, found: Found, told: Any, classes: list[str]) -> None:
    """See that the ground truth is masks of the run's images and classes, and write down what it is."""
    if told is None:
        return
    masks, ignore = dict(told["masks"]), told["ignore"]
    if class_names(told["classes"]) != classes or not (ignore is None or ignore in range(65_536)):
        raise WorkspaceError("its ground truth is not of its run's classes")
    for image_id, name in masks.items():
        if image_id not in found.sizes or not re.fullmatch(r"[0-9]+\.png", name):
            raise WorkspaceError("its ground truth is not as listed")
        with (partial / TRUTH / name).open("rb") as file:
            if not png_fits(file.read(64), found.sizes[image_id]):
                raise WorkspaceError(f"the ground truth of {image_id[:100]!r} is not of its image's size")
    (partial / TRUTH).mkdir(exist_ok=True)
    write_json(partial / TRUTH / TRUTH_FILE, {"classes": classes, "ignore": ignore, "masks": masks})
