"""File locks, which the system frees when their holder ends, however it ends.

Some file systems, often network shares, have no locks. There a lock is the identity of its holder, written into the
file and valid while that process lives. Two processes that start in the same instant may both hold it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO

from comus_core.files.process_identity import HEARTBEAT, ProcessIdentity, identify, is_alive

NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


class FileLock:
    """A lock that this process holds until it releases it or dies."""

    def __init__(self, file: IO[str], beats: bool) -> None:
        self._file = file
        self._ended = threading.Event()
        file.truncate(0)
        holder = identify(os.getpid()) or ProcessIdentity(os.getpid(), "", "", "")
        file.write(f"{json.dumps(asdict(holder))}\n")
        file.flush()
        self._start = file.tell()
        if beats:
            threading.Thread(target=self._beat, name="lock", daemon=True).start()

    def write(self, text: str) -> None:
        """Write text into the file after its holder's identity, replacing earlier text.

        Raises:
            OSError: the disk is full.
        """
        self._file.seek(self._start)
        self._file.truncate()
        self._file.write(text)
        self._file.flush()

    def holds(self, path: Path) -> bool:
        """Whether the locked file is still the one at `path`: its last holder may have removed it."""
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Release the lock; the file stays, empty."""
        self._ended.set()
        with suppress(OSError):
            self._file.truncate(0)
        self._file.close()

    def _beat(self) -> None:
        """Send a heartbeat for other machines, which cannot see this process."""
        while not self._ended.wait(HEARTBEAT):
            with suppress(OSError, ValueError):  # gone, or closed in this instant
                os.utime(self._file.fileno())


def take_lock(path: Path) -> FileLock | None:
    """Lock a file, creating it if it is missing; None if another process holds the lock.

    Raises:
        OSError: the file cannot be written.
    """
    file = path.open("a+")
    try:
        locks = _flock(file, fcntl.LOCK_EX)
    except BlockingIOError:
        locks, busy = True, True
    else:
        busy = not locks and _holder_lives(path)
    if busy:
        file.close()
        return None
    return FileLock(file, beats=not locks)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of a file; False for a missing file.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        with path.open() as file:
            return not _flock(file, fcntl.LOCK_SH) and _holder_lives(path)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False


def lock_holder(path: Path) -> ProcessIdentity | None:
    """The process that locked a file, dead or alive; None if the lock was released or is being taken."""
    try:
        with path.open() as file:
            return ProcessIdentity(**json.loads(file.readline()))
    except (OSError, ValueError, TypeError):
        return None


def lock_text(path: Path) -> str:
    """What the holder of a lock wrote into its file.

    Raises:
        OSError: the file is gone or cannot be read.
    """
    return path.read_text().partition("\n")[2]


def missing_locks(folder: Path) -> str | None:
    """A warning if the file system of a folder has no file locks; None if it has them, or cannot be tested."""
    try:
        with tempfile.TemporaryFile("w", dir=folder) as file:
            if _flock(file, fcntl.LOCK_EX):
                return None
    except OSError:
        return None
    return f"the file system of {folder} has no file locks: everything works, but run only one program at a time in it"


def _flock(file: IO[str], kind: int) -> bool:
    """Lock an open file without waiting; False where there are no locks.

    Raises:
        BlockingIOError: another process holds it.
    """
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in NO_LOCKS:
            return False
        raise
    return True


def _holder_lives(path: Path) -> bool:
    holder = lock_holder(path)
    try:
        return holder is not None and is_alive(holder, path.stat().st_mtime, time.time())
    except FileNotFoundError:
        return False
