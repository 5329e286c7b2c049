"""Which single files outside the workspace are as COMUS wrote them, by notes in the user's cache folder.

A note holds the hash of what was last written to a path. Where notes are lost or cannot be kept, a file counts as
foreign: that costs an option (`--force`), the opposite would cost a person's work.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from comus_core.errors import WorkspaceError
from comus_core.files.atomic import replacing, sha256_of
from comus_core.files.user_folders import writable_cache_folder

NOTES = "written"  # folder of the notes below the cache folder of COMUS


def is_as_written(path: Path) -> bool:
    """Whether a file has the content that COMUS last wrote to it.

    Raises:
        OSError: it cannot be read.
    """
    try:
        return _note_of(path).read_text() == sha256_of(path)
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return False


def note_written(path: Path) -> None:
    """Note the content that COMUS has just written to a file."""
    with suppress(OSError, WorkspaceError), replacing(_note_of(path)) as temporary:
        temporary.write_text(sha256_of(path))


def _note_of(path: Path) -> Path:
    name = sha256(os.fsencode(path.resolve())).hexdigest()
    return writable_cache_folder() / "comus" / NOTES / name
