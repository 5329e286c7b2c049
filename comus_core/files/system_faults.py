"""What the operating system refuses, in a sentence. Last net: what can be foreseen is told where it happens."""

from __future__ import annotations

import errno
import os

OUR_FAULT = "this is a fault of COMUS Explorer, not of yours; please report the lines above"
ADVICE = {
    errno.ENOSPC: "the disk is full; free some space and run again",
    errno.EDQUOT: "your share of the disk is full; free some space and run again",
    errno.EACCES: "you may not do that there; change its permissions, or name another place",
    errno.EPERM: "you may not do that there; change its permissions, or name another place",
    errno.EROFS: "it may only be read there; name another place",
    errno.ENOENT: "there is no such file or folder; check how it is written",
    errno.ENOTDIR: "what should be a folder on the way there is a file; name another place",
    errno.EISDIR: "it is a folder, where a file was expected",
    errno.ENAMETOOLONG: "the name is too long for this file system",
    errno.EMFILE: "too many files are open at once; raise the limit with `ulimit -n 4096`",
    errno.ENOMEM: "there is too little memory; close other programs, or use fewer images at once",
}


def said_of(error: BaseException) -> str | None:
    """What to tell a person about a fault of the system, with the path; None if it is a fault of this program."""
    if isinstance(error, OSError) and error.errno is not None:
        names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
        words = ADVICE.get(error.errno, error.strerror or os.strerror(error.errno))
        return f"{' and '.join(names) or 'a file'}: {words}"
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # pathlib's, of `~` in a path
        return "this user has no home folder; write paths without `~`, or set HOME to a folder"
    if isinstance(error, UnicodeEncodeError):
        letters = error.object[error.start : error.end]
        return f"{letters!a} cannot be written as {error.encoding}; set PYTHONUTF8=1, or rename the file"
    return None
