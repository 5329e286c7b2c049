"""Names for the files of an upload: as given where every system takes them, and an image and its mask called alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TypeVar

from comus_core.files.atomic import write_json
from comus_core.files.file_names import LONGEST, TAG_DIGITS, free_name, name_key, plain_name, plain_path, shared, tagged

TABLE = ".comus-names.json"  # in a folder of uploads: file -> what it was called, of those called otherwise
PAIRED = ("images", "masks")  # folders whose files belong together by the path below them, without suffix

Entry = TypeVar("Entry", bound=Hashable)


def upload_names(places: Mapping[Entry, PurePosixPath]) -> dict[Entry, PurePosixPath]:
    """Where each entry goes: no two in one place, whatever the file system.

    What an image and its mask have in common is named once, by a hash of that where it must be changed. Entries of one
    and the same place, but for the case of the suffix, are told apart by a number.

    Args:
        places: entry -> where it would lie.
    """
    parts = {entry: _parts(place) for entry, place in places.items()}
    room: defaultdict[str, int] = defaultdict(lambda: LONGEST)
    for _, stem, suffix in parts.values():
        room[stem] = min(room[stem], LONGEST - len(suffix.encode()))
    level = dict.fromkeys(room, 0)
    while True:
        names = {stem: _stem_name(stem, level[stem], room[stem]) for stem in level}
        different = {(top, stem, suffix.lower()) for top, stem, suffix in parts.values()}
        crowded = shared({one: f"{one[0]}{names[one[1]]}{one[2]}" for one in different})
        raised = {stem for _, stem, _ in crowded if level[stem] < len(TAG_DIGITS)}
        if not raised:
            return _numbered({entry: f"{top}{names[stem]}{suffix}" for entry, (top, stem, suffix) in parts.items()})
        for stem in raised:
            level[stem] += 1


def keep_names(folder: Path, renamed: Iterable[tuple[str, str]]) -> None:
    """Write down what renamed files were called; nothing where none was.

    Args:
        folder: in which they lie.
        renamed: (what it was called, path below the folder).
    """
    table = {now: given.encode("utf-8", "replace").decode() for given, now in renamed}
    if table:
        write_json(folder / TABLE, table)


def _parts(place: PurePosixPath) -> tuple[str, str, str]:
    """`images/` or `masks/` or nothing; the path below it without suffix; the suffix."""
    top = f"{place.parts[0]}/" if len(place.parts) > 1 and place.parts[0] in PAIRED else ""
    return top, str(place)[len(top) : len(str(place)) - len(place.suffix)], place.suffix


def _stem_name(stem: str, level: int, room: int) -> str:
    folder, slash, name = stem.rpartition("/")
    if level:
        name = tagged(name, stem, TAG_DIGITS[level - 1])
    return plain_path(folder) * bool(slash) + slash + plain_name(name, room)


def _numbered(paths: Mapping[Entry, str]) -> dict[Entry, PurePosixPath]:
    found: dict[Entry, PurePosixPath] = {}
    taken: defaultdict[str, set[str]] = defaultdict(set)
    for entry, path in paths.items():
        folder, slash, name = path.rpartition("/")
        own = free_name(name, taken[name_key(folder)])
        taken[name_key(folder)].add(name_key(own))
        found[entry] = PurePosixPath(f"{folder}{slash}{own}")
    return found
