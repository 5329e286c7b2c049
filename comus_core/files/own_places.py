"""The folders that COMUS creates in a workspace: each contains a marker file.

A workspace may also be a person's folder, with folders of the same names. A folder without marker is the person's:
nothing in it is written, used or ignored, and the folder of COMUS gets another name.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from uuid import uuid4

from comus_core.errors import WorkspaceError

MARK = ".comus-own"  # an empty file
ARTIFACTS = "artifacts"  # results of stages, by kind and fingerprint
BUNDLES = "bundles"  # images of imported bundles, one folder per run
CACHE = "cache"  # what can be computed again
UPLOADS = "uploads"  # data sets uploaded in a browser
FINGERPRINT = re.compile(r"[0-9a-f]{16}")
RENAMED = ".comus-"  # prefix of a folder whose plain name a person's folder has


def is_own(folder: Path) -> bool:
    """Whether COMUS created that folder: it has the marker, or artifacts from before there were markers."""
    return (folder / MARK).is_file() or (folder.name == ARTIFACTS and _holds_artifacts(folder))


def _holds_artifacts(folder: Path) -> bool:
    """Whether it contains a KIND/FINGERPRINT/manifest.json."""
    return any(FINGERPRINT.fullmatch(path.parent.name) for path in folder.glob("*/*/manifest.json"))


def own_place(root: Path, name: str) -> Path:
    """The folder that COMUS uses under that name in a workspace, existing or not; never a person's."""
    plain, renamed = root / name, root / f"{RENAMED}{name}"
    persons_folder = os.path.lexists(plain) and not is_own(plain)
    return renamed if persons_folder or is_own(renamed) else plain


def make_own(folder: Path) -> Path:
    """Create a folder with its marker, atomically, if it does not exist yet; returns it.

    Raises:
        OSError: it cannot be created.
        WorkspaceError: a person's file or folder has that name.
    """
    if is_own(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f"{RENAMED}{uuid4().hex}")
    try:
        fresh.mkdir()
        (fresh / MARK).touch()
        os.rename(fresh, folder)  # replaces an empty folder, no other
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if is_own(folder):  # another process has just created it
            return folder
        if os.path.lexists(folder):
            raise WorkspaceError(f"{folder} was not created by COMUS: move it elsewhere, or start again") from None
        raise
    return folder
