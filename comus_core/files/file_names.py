"""The one rule for names of files that the program writes: valid and distinct on every system.

A foreign name (an image id, an entry of a zip, the name of an upload) is kept where possible. A table beside the files
maps it to its file (image id -> file); it is never derived back from the file's name.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from hashlib import sha256
from typing import TypeVar

LONGEST = 255  # bytes of a name: ext4, XFS, APFS and NTFS (there 255 UTF-16 units, which are never more than bytes)
LONGEST_PATH = 1024  # bytes of folders and name below the folder that files are put in
LONGEST_SUFFIX = 16  # bytes; longer text after a dot is not a suffix
TAG_DIGITS = (8, 16, 64)  # hex digits of the SHA-256 that tell two apart
_FORBIDDEN = re.compile(r'[<>:"|?*\\/\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')
_RESERVED = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{d}{n}" for d in ("COM", "LPT") for n in "0123456789¹²³"
}

Owner = TypeVar("Owner", bound=Hashable)


def plain_name(name: str, longest: int = LONGEST) -> str:
    """One part of a path, valid on every file system: the name itself, or the nearest valid one.

    No separator or character that Windows forbids, no name that it reserves, never hidden or empty, no dot or space at
    the end, at most `longest` bytes of UTF-8; a shortened name gets 8 digits of its hash. Valid names stay.
    """
    plain = _FORBIDDEN.sub("_", name).strip(" ").rstrip(". ")
    if plain.startswith("."):
        plain = "_" + plain[1:]
    if plain.split(".")[0].rstrip(" ").upper() in _RESERVED:
        plain = "_" + plain
    return _fitted(plain or "_", name, longest)


def plain_path(path: str) -> str:
    """A POSIX path of valid names; one longer than `LONGEST_PATH` bytes becomes its last part with a hash."""
    parts = [plain_name(part) for part in path.split("/")]
    path_of_names = "/".join(parts)
    return path_of_names if len(path_of_names.encode()) <= LONGEST_PATH else tagged(parts[-1], path, TAG_DIGITS[1])


def name_key(path: str) -> str:
    """A key that is equal for paths that some file system treats as one: they differ in case or Unicode form only."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def file_names(candidates: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Owner -> the path of its file: the first of its candidates that no other owner has, made valid.

    Where every candidate clashes with another owner's file or folder (see `name_key`), the owner gets its first one
    with digits of its own hash. The order of the owners does not matter. `candidates` are at least one path an owner,
    in order of preference.
    """
    level = dict.fromkeys(candidates, 0)
    paths_of = {owner: plain_path(paths[0]) for owner, paths in candidates.items()}
    while crowded := shared(paths_of):
        for owner in crowded:
            level[owner] += 1
            paths_of[owner] = _candidate(owner, candidates[owner], level[owner])
    return paths_of


def free_name(name: str, taken: set[str]) -> str:
    """A valid name, with a number before its suffix where it is taken; `taken` holds `name_key`s."""
    candidate, number = plain_name(name), 2
    while name_key(candidate) in taken:
        candidate = _joined(plain_name(name), str(number))
        number += 1
    return candidate


def tagged(path: str, owner: str, digits: int = TAG_DIGITS[0]) -> str:
    """The path with digits of the owner's hash before its suffix; its name stays within `LONGEST` bytes."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + _joined(name, _hash(owner)[:digits])


def shared(paths: Mapping[Owner, str]) -> list[Owner]:
    """Owners whose path clashes with another's: the same path, a folder of it, or a path inside such a folder."""
    keys = {owner: name_key(path) for owner, path in paths.items()}
    count = Counter(keys.values())
    folders = {above for folder in {key.rpartition("/")[0] for key in count} for above in _with_above(folder)}
    blocked = folders & set(count)  # one owner's folder is another's file
    return [
        owner
        for owner, key in keys.items()
        if count[key] > 1 or key in blocked or (blocked and blocked & _with_above(key.rpartition("/")[0]))
    ]


def _candidate(owner: str, paths: Sequence[str], level: int) -> str:
    if level < len(paths):
        return plain_path(paths[level])
    digits = TAG_DIGITS[min(level - len(paths), len(TAG_DIGITS) - 1)]
    path = plain_path(paths[0])
    if digits == TAG_DIGITS[-1]:
        path = path.rpartition("/")[2]  # in no folder, so that nothing can clash any more
    return tagged(path, owner, digits)


def _with_above(folder: str) -> set[str]:
    """A folder and its parents."""
    parts = folder.split("/")
    return {"/".join(parts[:n]) for n in range(1, len(parts) + 1)} - {""}


def _fitted(plain: str, name: str, longest: int) -> str:
    if len(plain.encode()) <= longest:
        return plain
    return _joined(plain, _hash(name)[: TAG_DIGITS[0]], longest)


def _joined(name: str, tag: str, longest: int = LONGEST) -> str:
    """`stem-tag.suffix`, the stem shortened where that would be too long."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) > LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    room = longest - len(f"-{tag}{dot}{suffix}".encode())
    return f"{stem.encode()[:room].decode(errors='ignore')}-{tag}{dot}{suffix}"


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
