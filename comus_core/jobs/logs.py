"""A job's log, what its process printed in all attempts, and its result."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from comus_core.errors import WorkspaceError
from comus_core.files.own_places import make_own, own_place
from comus_core.jobs.records import Job

FOLDER = "jobs"
LOG_BYTES = 4 << 20  # of a log, beyond which it goes on in a new file; the one before is kept, no more


def jobs_folder(root: Path) -> Path:
    """Where a workspace keeps logs and the supervisor's lock; made if it is not there.

    Raises:
        OSError: it cannot be made.
    """
    return make_own(own_place(root, FOLDER))


def log_path(root: Path, job_id: int) -> Path:
    """The log of a job; derived, so that a moved workspace finds its logs."""
    return own_place(root, FOLDER) / f"{job_id}.log"


def result_path(job: Job) -> Path:
    """The file of a finished job's result, beside its log."""
    return job.log_path.with_suffix(".json")


def read_result(job: Job) -> Any:
    """What the verb of a finished job returned, as JSON.

    Raises:
        WorkspaceError: it has not finished, or its file is gone or damaged.
    """
    if job.state != "done":
        raise WorkspaceError(f"job {job.id} has no result: it is {job.state}")
    path = result_path(job)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"the result of job {job.id} is gone ({path}: {error}): start it again") from None


def rotate(path: Path, limit: int = LOG_BYTES) -> bool:
    """Put a log that is larger than `limit` aside as `NAME.1`, instead of the one before; whether it was.

    A process that has it open goes on writing to the file that was put aside: see `rotate_own_output`.
    """
    if log_size(path) <= limit:
        return False
    try:
        os.replace(path, earlier_log(path))
    except OSError:  # read-only
        return False
    return True


def rotate_own_output(path: Path, limit: int = LOG_BYTES) -> None:
    """Rotate the log that this process's standard output and error go to, and go on in the new file.

    Nothing is done where they go elsewhere.
    """
    try:
        if not os.path.samestat(os.fstat(1), path.stat()):
            return
    except OSError:
        return
    if not rotate(path, limit):
        return
    new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(new, f"--- continued from {earlier_log(path).name}\n".encode())
        for stream in (1, 2):
            os.dup2(new, stream)
    finally:
        os.close(new)


def log_size(path: Path) -> int:
    """Bytes of a log; 0 if it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def earlier_log(path: Path) -> Path:
    """Where the part of a log before the present one is."""
    return path.with_name(f"{path.name}.1")


def append_line(path: Path, line: str) -> None:
    """Add a line to a log that another process may be writing."""
    with path.open("a") as file:
        file.write(line + "\n")


def read_log(job: Job, tail_bytes: int = 65536) -> str:
    """The end of the log, whole lines only; empty before the job started."""
    text, left = read_tail(job.log_path, tail_bytes), tail_bytes - log_size(job.log_path)
    return (read_tail(earlier_log(job.log_path), left) if left > 0 else "") + text


def read_from(path: Path, start: int) -> bytes:
    """What a growing file holds after its first `start` bytes, up to the last whole line; empty if it is not there."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            text = file.read()
    except FileNotFoundError:
        return b""
    return text[: text.rfind(b"\n") + 1]


def read_tail(path: Path, tail_bytes: int) -> str:
    """The last whole lines of a text file within so many bytes; empty if it is not there."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - tail_bytes)
            file.seek(max(0, start - 1))
            if start and file.read(1) != b"\n":
                file.readline()
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def last_words(path: Path) -> str:
    """The last line that says something, to be quoted; empty if there is none."""
    lines = [line.strip() for line in read_tail(path, 8192).splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
