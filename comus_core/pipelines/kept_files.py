"""Files of a run that the workspace keeps for a browser: exports to download, and uploads to import. No torch.

They lie in `exports/RUN/KEY/NAME` and `imports/RUN/KEY/NAME`, and are deleted with their run.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import uuid4

from comus_core.errors import DatasetError, WorkspaceError
from comus_core.files.atomic import disk_error
from comus_core.files.output_folder import PARTIAL, is_locked
from comus_core.files.own_places import is_own, make_own, own_place
from comus_core.files.uploaded import write_uploads
from comus_core.person import require_operator
from comus_core.pipelines.package_folder import FOLDER as PACKAGES
from comus_core.pipelines.saliency_folders import MAPS
from comus_core.workspace import Workspace
from comus_core.workspace.stored import size_of

EXPORTS, IMPORTS = "exports", "imports"
KEY = re.compile(r"[0-9a-f]{8,32}")
MOST_UPLOADS = 5_000  # files uploaded at once: a zip holds any number
UPLOAD_BYTES = 4 << 30  # of all uploads to import that are kept: the oldest go first
UPLOAD_DAY = 24 * 3600.0  # seconds for which an upload stays in any case: its job may be waiting


@dataclass(frozen=True)
class KeptExport:
    """A zip that can be downloaded.

    Attributes:
        key: names it in addresses.
        path: absolute.
        size: bytes.
        when: it was finished, local time.
    """

    key: str
    path: Path
    size: int
    when: datetime


def kept_folders(workspace: Workspace, run_id: str) -> list[Path]:
    """Where the kept files of a run lie, existing or not."""
    return [own_place(workspace.root, name) / run_id for name in (EXPORTS, IMPORTS)]


def export_file(workspace: Workspace, run_id: str, key: str, name: str) -> Path:
    """Where an export that is to be downloaded is written; its folder is made.

    Raises:
        WorkspaceError: the disk is full or not writable.
    """
    folder = own_place(workspace.root, EXPORTS) / run_id / key
    _make(folder)
    return folder / name


def kept_exports(workspace: Workspace, run_id: str) -> list[KeptExport]:
    """The finished exports of a run, the last one first."""
    files = (own_place(workspace.root, EXPORTS) / run_id).glob("*/*.zip")
    found = [_kept(path) for path in files if KEY.fullmatch(path.parent.name) and not path.name.startswith(".")]
    return sorted(found, key=lambda kept: kept.when, reverse=True)


def kept_export(workspace: Workspace, run_id: str, key: str) -> KeptExport:
    """The finished export under a key.

    Raises:
        WorkspaceError: there is none.
    """
    found = next((kept for kept in kept_exports(workspace, workspace.runs.get(run_id).id) if kept.key == key), None)
    if found is None:
        raise WorkspaceError(f"run {run_id} has no export {key[:40]}: it was deleted; export again")
    return found


def unfinished_exports(workspace: Workspace) -> list[Path]:
    """What stopped exports left: the parts of one, with its folder where no finished zip is in it."""
    found = set[Path]()
    for folder in _folders(workspace, EXPORTS):
        finished = any(not path.name.startswith(".") for path in folder.glob("*.zip"))
        found.update(folder.glob(f"{PARTIAL}*") if finished else [folder])
    return sorted(path for path in found if not _in_use(path))


def kept_for_browsers(workspace: Workspace) -> list[Path]:
    """The folders of all finished exports, of all uploads, of all packages and of all soft maps."""
    unfinished = set(unfinished_exports(workspace))
    folders = [path for name in (EXPORTS, IMPORTS, PACKAGES, MAPS) for path in _folders(workspace, name)]
    return sorted(path for path in folders if path not in unfinished and not _in_use(path))


def _in_use(folder: Path) -> bool:
    return is_locked(folder) or any(is_locked(partial) for partial in folder.glob(f"{PARTIAL}*"))


def _folders(workspace: Workspace, name: str) -> list[Path]:
    place = own_place(workspace.root, name)
    return [path for path in place.glob("*/*") if path.is_dir()] if is_own(place) else []


def delete_export(workspace: Workspace, run_id: str, key: str) -> None:
    """Remove an export that was kept for download.

    Raises:
        WorkspaceError: there is none, or it cannot be removed.
    """
    require_operator()
    folder = kept_export(workspace, run_id, key).path.parent
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise disk_error(error, folder) from error


def keep_upload(workspace: Workspace, run_id: str, files: Iterable[tuple[str, IO[bytes]]]) -> Path:
    """Keep files that came from a browser; the path to import: of a single file the file, else their folder.

    Of each name only its last part counts, without what no file name holds.

    Raises:
        DatasetError: no file, or more than `MOST_UPLOADS`.
        WorkspaceError: the disk is full or not writable.
    """
    require_operator()
    given = list(files)
    if not given:
        raise DatasetError("no file: add one first")
    if len(given) > MOST_UPLOADS:
        raise DatasetError(f"{len(given):,} files at once, at most {MOST_UPLOADS:,}: upload them as one zip")
    _bound_uploads(workspace)
    folder = own_place(workspace.root, IMPORTS) / run_id / uuid4().hex[:12]
    _make(folder)
    try:
        written = write_uploads(folder, given, "upload")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise disk_error(error, folder) from error
    return written[0][1] if len(written) == 1 else folder


def _bound_uploads(workspace: Workspace) -> None:
    """Remove the oldest uploads beyond `UPLOAD_BYTES`; each stays for a day."""
    aged = sorted(_folders(workspace, IMPORTS), key=lambda folder: folder.stat().st_mtime)
    excess = sum(size_of(folder) for folder in aged) - UPLOAD_BYTES
    for folder in aged:
        if excess <= 0 or time.time() - folder.stat().st_mtime < UPLOAD_DAY:
            break
        excess -= size_of(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path) -> None:
    try:
        make_own(folder.parents[1])
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder) from error


def _kept(path: Path) -> KeptExport:
    facts = path.stat()
    return KeptExport(path.parent.name, path, facts.st_size, datetime.fromtimestamp(facts.st_mtime))
