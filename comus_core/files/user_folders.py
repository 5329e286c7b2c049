"""The home and cache folders of the user, who may have neither: a container's user, a job on a cluster."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from comus_core.files.permissions import may_write

# Libraries that keep what they compile in the user's cache folder, or name a folder after the user.
COMPILED = {
    "NUMBA_CACHE_DIR": "numba",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "MPLCONFIGDIR": "matplotlib",
}


def home_folder() -> Path | None:
    """The user's home folder; None where the system knows none."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def cache_folder() -> Path:
    """The user's cache folder, which need not exist yet; a folder for temporary files where the user has none."""
    return _own_cache_folder() or _temporary_folder()


def writable_cache_folder() -> Path:
    """The user's cache folder if it can be written, else one for temporary files; it need not exist yet."""
    own = _own_cache_folder()
    return own if own is not None and _can_be_written(own) else _private_folder()


def provide_caches() -> None:
    """Where the cache folder cannot be written, let libraries keep what they compile in one for temporary files.

    To be called before they are imported. Without it they fail when they first compile, after hours of other work.
    """
    own = _own_cache_folder()
    if all(name in os.environ for name in COMPILED) or (own is not None and _can_be_written(own)):
        return
    folder = _private_folder()
    for variable, name in COMPILED.items():
        os.environ.setdefault(variable, str(folder / name))


def provide_home() -> None:
    """Let the temporary folder stand for a home where there is none: Streamlit does not start without."""
    if home_folder() is None:
        os.environ["HOME"] = str(_private_folder())


def _own_cache_folder() -> Path | None:
    named, home = os.environ.get("XDG_CACHE_HOME"), home_folder()
    if named or home is None:
        return Path(named) if named else None
    return home / ".cache"


def _temporary_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"comus-{os.getuid()}"


def _can_be_written(folder: Path) -> bool:
    """Whether files can be written in a folder that is there or can be made."""
    there = next((f for f in (folder, *folder.absolute().parents) if f.exists()), None)
    return there is not None and there.is_dir() and may_write(there)


def _private_folder() -> Path:
    """A folder that nobody else may write, the same in the next process if that is possible: it holds programs."""
    folder = _temporary_folder()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022:
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="comus-"))
