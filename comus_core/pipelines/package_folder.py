"""Packages kept in the workspace: `packages/RUN/NAME/`, made by the page's job and downloaded from there. No torch."""

from __future__ import annotations

import re
import zipfile
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from comus_core.errors import WorkspaceError
from comus_core.files.atomic import disk_error
from comus_core.files.own_places import make_own, own_place
from comus_core.person import require_operator
from comus_core.runs.run_round import RunRound
from comus_core.settings import require
from comus_core.workspace import Workspace

FOLDER, CARD = "packages", "README.md"
NEEDED = ("onnx", "onnxscript", "onnxruntime")
NAME = re.compile(r"round-\d+-\d{8}-\d{6}-[0-9a-f]{8}")


def require_onnx() -> None:
    """Raise `SettingsError` unless what writes ONNX models is installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    require(
        not missing,
        f"packages are written with {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not "
        "installed: `pip install 'comus-explorer[package]'`",
    )


def packages_folder(workspace: Workspace, run_id: str) -> Path:
    """Where the packages of a run lie."""
    return own_place(workspace.root, FOLDER) / run_id


def new_package(workspace: Workspace, subject: RunRound) -> Path:
    """The folder that a new package of a round goes into; it is not made yet.

    Raises:
        WorkspaceError: nothing can be written in the workspace.
    """
    require_operator()
    folder = packages_folder(workspace, subject.run.id)
    try:
        make_own(folder.parent)
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder) from error
    return folder / f"round-{subject.number}-{datetime.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}"


def packages_of(workspace: Workspace, run_id: str) -> list[Path]:
    """The finished packages of a run, newest first."""
    found = packages_folder(workspace, run_id).glob(f"*/{CARD}")
    folders = [card.parent for card in found if NAME.fullmatch(card.parent.name)]
    return sorted(folders, key=lambda folder: folder.name.split("-", 2)[2], reverse=True)


def stored_package(workspace: Workspace, run_id: str, name: str) -> Path:
    """The folder of a finished package.

    Raises:
        WorkspaceError: the run has none of that name.
    """
    folder = packages_folder(workspace, workspace.runs.get(run_id).id) / name
    if not NAME.fullmatch(name) or not (folder / CARD).is_file():
        raise WorkspaceError(f"run {run_id} has no package {name[:60]}")
    return folder


def zip_package(folder: Path, file: Path) -> None:
    """Write the files of a package into a zip, below one folder; weights do not get smaller, so none is compressed."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, f"{folder.name}/{path.name}")
