"""Operating system errors as one sentence, for those that no other code has reported with more detail."""

from __future__ import annotations

import errno
import os

from comus_core.files.memory_faults import NO_THREAD, OUT_OF_MEMORY, lacks_memory

BUG = "this is a bug in COMUS Explorer; please report the lines above"
ADVICE = {
    errno.ENOSPC: "the disk is full; free some space and run again",
    errno.EDQUOT: "your disk quota is full; free some space and run again",
    errno.EACCES: "permission denied; change its permissions, or choose another location",
    errno.EPERM: "permission denied; change its permissions, or choose another location",
    errno.EROFS: "the file system is read-only; choose another location",
    errno.ENOENT: "no such file or folder; check the spelling",
    errno.ENOTDIR: "a parent of it is a file, not a folder; choose another location",
    errno.EISDIR: "it is a folder; a file was expected",
    errno.ENAMETOOLONG: "the name is too long for this file system",
    errno.EMFILE: "too many open files; raise the limit with `ulimit -n 4096`",
}


def system_message(error: BaseException) -> str | None:
    """The message for an error of the operating system, with the path; None if the error is a bug in COMUS."""
    if isinstance(error, RuntimeError) and NO_THREAD in str(error):  # its stack has no place, or there are too many
        return "no more threads can be started; close other programs, or raise `ulimit -v` and `ulimit -u`"
    if lacks_memory(error):
        return OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno is not None:
        names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
        advice = ADVICE.get(error.errno, error.strerror or os.strerror(error.errno))
        return f"{' and '.join(names) or 'a file'}: {advice}"
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # pathlib's, of `~` in a path
        return "this user has no home folder; write paths without `~`, or set HOME to a folder"
    if isinstance(error, UnicodeEncodeError):
        letters = error.object[error.start : error.end]
        return f"{letters!a} cannot be written as {error.encoding}; set PYTHONUTF8=1, or rename the file"
    return None
