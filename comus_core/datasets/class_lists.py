"""Class lists: reading the formats of annotation tools, one name a line or with colours, and writing them."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from comus_core.errors import DatasetError
from comus_core.text import one_line

BACKGROUND = "background"
COLOURS = "colors.txt"
CLASS_FILES = ("labelmap.txt", "classes.txt", "class_names.txt", COLOURS)  # CVAT's; ours; labelme's; Supervisely's

Colour = tuple[int, int, int]
_LABEL_MAP_LINE = re.compile(r"(?P<name>[^:]+):(?P<colour>\d{1,3},\d{1,3},\d{1,3})?:[^:]*:[^:]*")
_COLOURS_LINE = re.compile(r"(?P<name>.+?)\s+(?P<red>\d{1,3})\s+(?P<green>\d{1,3})\s+(?P<blue>\d{1,3})")
_IGNORED = "__ignore__"  # labelme's name for index -1
_NEUTRAL = "neutral"  # Supervisely's name for the contours, which are ignored


@dataclass(frozen=True)
class ClassList:
    """Classes, and their colours in colour-coded masks.

    Attributes:
        classes: names by class index, "background" first.
        file: the list they were read from.
        colours: (red, green, blue) -> class index; None where the list has no colours.
    """

    classes: tuple[str, ...]
    file: Path
    colours: Mapping[Colour, int] | None = None


def is_background(name: str) -> bool:
    """Whether a name means the background: labelme's `_background_`, CVAT's `background`, and the like."""
    return name.strip("_ ").casefold() == BACKGROUND


def is_reserved(name: str) -> bool:
    """Whether a list cannot hold a category of this name: it means the background, or index -1."""
    return is_background(name) or name == _IGNORED


def find_classes(root: Path) -> ClassList | None:
    """The class list in a folder, or None.

    Raises:
        DatasetError: see `read_classes`; or two lists differ.
    """
    lists = [read_classes(root / name) for name in CLASS_FILES if (root / name).is_file()]
    different = next((listed for listed in lists if listed.classes != lists[0].classes), None)
    if different is not None:
        raise DatasetError(
            f"{root}: {lists[0].file.name} and {different.file.name} list different classes; keep the one that matches "
            "the masks and remove the other"
        )
    return lists[0] if lists else None


def read_classes(path: Path) -> ClassList:
    """The classes of a list, with colours if it is CVAT's label map or Supervisely's list.

    A list starts with the background or omits it. labelme's starts with `__ignore__`, index −1, which is not a class;
    nor is `neutral` in Supervisely's.

    Raises:
        DatasetError: unreadable, a duplicate name or colour, no class, or background not in the first line.
    """
    try:
        stripped = map(one_line, path.read_text(encoding="utf-8-sig").splitlines())
        lines = [line for line in stripped if line]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"class list {path}: {error}; write one name per line in UTF-8") from None
    if path.name == COLOURS:
        return _supervisely(lines, path)
    entries = [line for line in lines if not line.startswith("#")]
    map_lines = [_LABEL_MAP_LINE.fullmatch(line) for line in entries]
    if entries and all(map_lines):
        matches = [match for match in map_lines if match is not None]
        names = _indexed([match["name"].strip() for match in matches], path)
        return ClassList(names, path, _colours([(m["name"].strip(), m["colour"]) for m in matches], names, path))
    return ClassList(_indexed(lines, path), path)


def class_list_text(names: Sequence[str]) -> str:
    """A class list as `read_classes` reads it back: background, then `distinct_names`, one a line."""
    return "".join(f"{name}\n" for name in (BACKGROUND, *distinct_names(names)))


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """Class names without duplicates: a second "dog" becomes "dog (2)", and so does a first "background".

    A new name never equals an existing one: of dog, dog and dog (2) the second becomes "dog (3)". Line breaks in a name
    become spaces.
    """
    originals = [one_line(name) for name in names]
    taken, count = set(originals), Counter[str]()
    distinct: list[str] = []
    for name in originals:
        count[name] += 1
        if count[name] > 1 or name == _IGNORED or is_background(name):
            name = next(candidate for n in itertools.count(2) if (candidate := f"{name} ({n})") not in taken)
            taken.add(name)
        distinct.append(name)
    return tuple(distinct)


def _supervisely(lines: Sequence[str], path: Path) -> ClassList:
    """Supervisely's list: a name and its colour in each line; the masks are colour-coded."""
    matches = [_COLOURS_LINE.fullmatch(line) for line in lines]
    if not all(matches):
        odd = next(line for line, match in zip(lines, matches, strict=True) if match is None)
        raise DatasetError(
            f"class list {path}: the line '{odd:.60}' is not a name followed by red, green and blue; correct it, or "
            "remove the file if it is not a class list"
        )
    entries = [(m["name"], f"{m['red']},{m['green']},{m['blue']}") for m in matches if m and m["name"] != _NEUTRAL]
    names = _indexed([name for name, _ in entries], path)
    return ClassList(names, path, _colours(entries, names, path))


def _indexed(entries: Sequence[str], path: Path) -> tuple[str, ...]:
    """The names by class index, "background" first."""
    names = list(entries)
    if names and names[0] == _IGNORED:
        if len(names) < 2 or not is_background(names[1]):
            raise DatasetError(
                f"class list {path}: `__ignore__` is index -1, so the second line is index 0 and must be _background_; "
                "add it, or remove `__ignore__`"
            )
        names = names[1:]
    if not names or not is_background(names[0]):
        names.insert(0, BACKGROUND)
    names[0] = BACKGROUND
    for line, name in enumerate(entries, start=1):
        misplaced = name not in entries[:1] and name in names[1:]
        if misplaced and (name == _IGNORED or is_background(name)):
            raise DatasetError(
                f"class list {path}: '{name}' is in line {line}, but lines are in the order of the ids in the masks, "
                "and background is 0; move it to the first line, or remove it if the masks have no id for it"
            )
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise DatasetError(f"class list {path}: duplicate name {', '.join(duplicates)}; give each class its own name")
    if len(names) == 1:
        raise DatasetError(f"class list {path}: no class besides background; write one name per line")
    return tuple(names)


def _colours(entries: Sequence[tuple[str, str | None]], names: Sequence[str], path: Path) -> dict[Colour, int] | None:
    """Colour -> class index; None unless every class has a colour."""
    index_of: dict[Colour, int] = {}
    for name, text in entries:
        if name == _IGNORED:
            continue
        if not text:
            return None
        red, green, blue = (int(part) for part in text.split(","))
        index = 0 if is_background(name) else names.index(name)
        if (red, green, blue) in index_of:
            raise DatasetError(f"class list {path}: two classes have the colour {text}; give each class its own")
        index_of[red, green, blue] = index
    index_of.setdefault((0, 0, 0), 0)
    return index_of
