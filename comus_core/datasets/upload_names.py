"""Names for uploaded files: unchanged where they are valid on every system, and equal for an image and its mask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TypeVar

from comus_core.files.atomic import write_json
from comus_core.files.file_names import LONGEST, TAG_DIGITS, free_name, name_key, plain_name, plain_path, shared, tagged

TABLE = ".comus-names.json"  # in a folder of uploads: file -> original name, for renamed files
PAIRED = ("images", "masks")  # folders whose files are paired by their path without suffix

Entry = TypeVar("Entry", bound=Hashable)


def upload_names(places: Mapping[Entry, PurePosixPath]) -> dict[Entry, PurePosixPath]:
    """The path of each entry, distinct on every file system.

    An image and its mask keep a common name, with a hash if it must be changed. Entries whose paths differ only in the
    case of the suffix get a number.
    """
    parts = {entry: _parts(place) for entry, place in places.items()}
    room: defaultdict[str, int] = defaultdict(lambda: LONGEST)
    for _, stem, suffix in parts.values():
        room[stem] = min(room[stem], LONGEST - len(suffix.encode()))
    level = dict.fromkeys(room, 0)
    while True:
        names = {stem: _stem_name(stem, level[stem], room[stem]) for stem in level}
        different = {(top, stem, suffix.lower()) for top, stem, suffix in parts.values()}
        crowded = shared({key: f"{key[0]}{names[key[1]]}{key[2]}" for key in different})
        raised = {stem for _, stem, _ in crowded if level[stem] < len(TAG_DIGITS)}
        if not raised:
            return _numbered({entry: f"{top}{names[stem]}{suffix}" for entry, (top, stem, suffix) in parts.items()})
        for stem in raised:
            level[stem] += 1


def keep_names(folder: Path, renamed: Iterable[tuple[str, str]]) -> None:
    """Save the original names of renamed files, if there are any.

    `renamed` holds (original name, path below the folder).
    """
    table = {path: original.encode("utf-8", "replace").decode() for original, path in renamed}
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
    numbered: dict[Entry, PurePosixPath] = {}
    taken: defaultdict[str, set[str]] = defaultdict(set)
    for entry, path in paths.items():
        folder, slash, name = path.rpartition("/")
        free = free_name(name, taken[name_key(folder)])
        taken[name_key(folder)].add(name_key(free))
        numbered[entry] = PurePosixPath(f"{folder}{slash}{free}")
    return numbered
