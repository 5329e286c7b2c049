"""The home and cache folders of the user, who may have neither, as in a container or a cluster job."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from comus_core.files.permissions import may_write

# Variables of libraries that keep compiled code in the user's cache folder.
COMPILED = {
    "NUMBA_CACHE_DIR": "numba",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
    "MPLCONFIGDIR": "matplotlib",
}


def home_folder() -> Path | None:
    """The user's home folder, or None."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def cache_folder() -> Path:
    """The user's cache folder, which may not exist yet; a temporary folder where the user has none."""
    return _users_cache_folder() or _temporary_folder()


def writable_cache_folder() -> Path:
    """The user's cache folder if it is writable, else a temporary one; it may not exist yet."""
    folder = _users_cache_folder()
    return folder if folder is not None and _can_be_written(folder) else _private_folder()


def provide_caches() -> None:
    """Let libraries keep compiled code in a temporary folder where the cache folder is not writable.

    Call it before they are imported. Without it they fail when they first compile, after hours of other work.
    """
    cache = _users_cache_folder()
    if all(name in os.environ for name in COMPILED) or (cache is not None and _can_be_written(cache)):
        return
    folder = _private_folder()
    for variable, name in COMPILED.items():
        os.environ.setdefault(variable, str(folder / name))


def provide_home() -> None:
    """Use a temporary folder as home where there is none: Streamlit does not start without one."""
    if home_folder() is None:
        os.environ["HOME"] = str(_private_folder())


def _users_cache_folder() -> Path | None:
    variable, home = os.environ.get("XDG_CACHE_HOME"), home_folder()
    if variable or home is None:
        return Path(variable) if variable else None
    return home / ".cache"


def _temporary_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"comus-{os.getuid()}"


def _can_be_written(folder: Path) -> bool:
    """Whether files can be written in a folder, which may not exist yet."""
    nearest = next((f for f in (folder, *folder.absolute().parents) if f.exists()), None)
    return nearest is not None and nearest.is_dir() and may_write(nearest)


def _private_folder() -> Path:
    """A folder that only this user can write, if possible the same in the next process: it holds compiled code."""
    folder = _temporary_folder()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022:
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="comus-"))
