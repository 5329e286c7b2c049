"""The folders that this program makes in a workspace: each holds a mark that says so.

A workspace may be a person's folder too, with folders of the same names. What has no mark is theirs: nothing is written
to it, taken from it or passed over in it, and this program's folder of that name is called otherwise.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from uuid import uuid4

from comus_core.errors import WorkspaceError

MARK = ".comus-own"  # an empty file
ARTIFACTS = "artifacts"  # what the stages made, by kind and fingerprint
BUNDLES = "bundles"  # photographs of opened bundles, one folder a run
CACHE = "cache"  # what can be worked out again
UPLOADS = "uploads"  # data sets that came from a browser
FINGERPRINT = re.compile(r"[0-9a-f]{16}")
OTHERWISE = ".comus-"  # before the name of a folder whose name a person has taken


def is_own(folder: Path) -> bool:
    """Whether this program made that folder: it holds the mark, or artifacts from before there were marks."""
    return (folder / MARK).is_file() or (folder.name == ARTIFACTS and _holds_artifacts(folder))


def _holds_artifacts(folder: Path) -> bool:
    """Whether a KIND/FINGERPRINT/manifest.json lies in it, as nobody else would call it."""
    return any(FINGERPRINT.fullmatch(path.parent.name) for path in folder.glob("*/*/manifest.json"))


def own_place(root: Path, name: str) -> Path:
    """This program's folder of that name in a workspace, or where it would be made; never a person's."""
    plain, otherwise = root / name, root / f"{OTHERWISE}{name}"
    taken = os.path.lexists(plain) and not is_own(plain)
    return otherwise if taken or is_own(otherwise) else plain


def make_own(folder: Path) -> Path:
    """Make a folder and its mark, both at once, where it is not there yet; returns it.

    Raises:
        OSError: it cannot be made.
        WorkspaceError: something of a person's has its name.
    """
    if is_own(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f"{OTHERWISE}{uuid4().hex}")
    try:
        fresh.mkdir()
        (fresh / MARK).touch()
        os.rename(fresh, folder)  # an empty folder gives way, any other does not
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if is_own(folder):  # another process made it this instant
            return folder
        if os.path.lexists(folder):
            raise WorkspaceError(f"{folder} is not this program's: move it elsewhere, or start again") from None
        raise
    return folder
