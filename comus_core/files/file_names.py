"""The one rule for names of files that the program writes: legal on every system, and no two taken for one.

A name of somebody else's (an image id, an entry of a zip, what a browser calls a file) stays as it is where it can.
What stands for it is kept in a table beside the files (image id -> file), never worked out backwards from the name.
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
LONGEST_SUFFIX = 16  # bytes; what comes after a dot and is longer is no suffix
TAG_DIGITS = (8, 16, 64)  # hex digits of the SHA-256 that tell two apart
_FORBIDDEN = re.compile(r'[<>:"|?*\\/\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')
_RESERVED = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{d}{n}" for d in ("COM", "LPT") for n in "0123456789¹²³"
}

Owner = TypeVar("Owner", bound=Hashable)


def plain_name(name: str, longest: int = LONGEST) -> str:
    """One part of a path as every file system takes it: the name itself, or what is nearest to it.

    No separator or letter that Windows forbids, no name that it reserves, never hidden or empty, no dot or space at the
    end, at most `longest` bytes of UTF-8; a name that is shortened gets 8 digits of its hash. Plain names stay.
    """
    plain = _FORBIDDEN.sub("_", name).strip(" ").rstrip(". ")
    if plain.startswith("."):
        plain = "_" + plain[1:]
    if plain.split(".")[0].rstrip(" ").upper() in _RESERVED:
        plain = "_" + plain
    return _fitted(plain or "_", name, longest)


def plain_path(path: str) -> str:
    """A POSIX path with each part made plain; one beyond `LONGEST_PATH` bytes is its last part alone, with its hash."""
    parts = [plain_name(part) for part in path.split("/")]
    whole = "/".join(parts)
    return whole if len(whole.encode()) <= LONGEST_PATH else tagged(parts[-1], path, TAG_DIGITS[1])


def name_key(path: str) -> str:
    """What two paths have in common if some file system takes them for one: case and the way accents are written."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())


def file_names(wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Owner -> the path of its file: the first of its paths that it need not share, made plain.

    Where all of them are shared, in any case or writing of accents, or are a folder of another's, each of those owners
    gets its first path with digits of its own hash. The order of the owners decides nothing.

    Args:
        wanted: owner -> paths that would suit it, best first, at least one.
    """
    level = dict.fromkeys(wanted, 0)
    found = {owner: plain_path(paths[0]) for owner, paths in wanted.items()}
    while crowded := shared(found):
        for owner in crowded:
            level[owner] += 1
            found[owner] = _candidate(owner, wanted[owner], level[owner])
    return found


def free_name(name: str, taken: set[str]) -> str:
    """The plain name, with a number before its suffix where it is taken; `taken` holds `name_key`s."""
    found, number = plain_name(name), 2
    while name_key(found) in taken:
        found = _joined(plain_name(name), str(number))
        number += 1
    return found


def tagged(path: str, owner: str, digits: int = TAG_DIGITS[0]) -> str:
    """The path with digits of the owner's hash before its suffix; its last part stays within `LONGEST` bytes."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + _joined(name, _hash(owner)[:digits])


def shared(paths: Mapping[Owner, str]) -> list[Owner]:
    """Owners whose path is another's too in any case, or a folder in another's path, or lies in such a folder."""
    keys = {owner: name_key(path) for owner, path in paths.items()}
    count = Counter(keys.values())
    folders = {above for folder in {key.rpartition("/")[0] for key in count} for above in _with_above(folder)}
    blocked = folders & set(count)  # a folder of one is a file of another
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
        path = path.rpartition("/")[2]  # in no folder: nothing can be in its way any more
    return tagged(path, owner, digits)


def _with_above(folder: str) -> set[str]:
    """A folder and all above it."""
    parts = folder.split("/")
    return {"/".join(parts[:n]) for n in range(1, len(parts) + 1)} - {""}


def _fitted(plain: str, name: str, longest: int) -> str:
    if len(plain.encode()) <= longest:
        return plain
    return _joined(plain, _hash(name)[: TAG_DIGITS[0]], longest)


def _joined(name: str, tag: str, longest: int = LONGEST) -> str:
    """`stem-tag.suffix`, the stem cut where that would be too long."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix.encode()) > LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    room = longest - len(f"-{tag}{dot}{suffix}".encode())
    return f"{stem.encode()[:room].decode(errors='ignore')}-{tag}{dot}{suffix}"


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
