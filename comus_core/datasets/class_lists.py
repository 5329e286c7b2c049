"""Lists of classes: read as tools write them, one name a line or with colours; written so that they read the same."""

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
    """Classes, and the colours that stand for them in masks of colours.

    Attributes:
        classes: names by class index, "background" first.
        file: where they stand.
        colours: (red, green, blue) -> class index; None where the list has no colours.
    """

    classes: tuple[str, ...]
    file: Path
    colours: Mapping[Colour, int] | None = None


def is_background(name: str) -> bool:
    """Whether tools mean the background by this name: labelme's `_background_`, CVAT's `background`, and the like."""
    return name.strip("_ ").casefold() == BACKGROUND


def find_classes(root: Path) -> ClassList | None:
    """The class list that lies in a folder, or None.

    Raises:
        DatasetError: see `read_classes`; or two lists that differ.
    """
    found = [read_classes(root / name) for name in CLASS_FILES if (root / name).is_file()]
    other = next((one for one in found if one.classes != found[0].classes), None)
    if other is not None:
        raise DatasetError(
            f"{root}: {found[0].file.name} and {other.file.name} name different classes; keep the one that the masks "
            "follow and move the other away"
        )
    return found[0] if found else None


def read_classes(path: Path) -> ClassList:
    """The names of a class list, and its colours if it is CVAT's label map.

    A list starts with the background or leaves it out. labelme's starts with `__ignore__`, which stands for index −1
    and is no class; neither is the `neutral` of Supervisely's colours.

    Raises:
        DatasetError: unreadable, a name or colour twice, no class at all, or an order that leaves open which index is
            whose.
    """
    try:
        given = map(one_line, path.read_text(encoding="utf-8-sig").splitlines())
        lines = [line for line in given if line]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"class list {path}: {error}; write one name a line in UTF-8") from None
    if path.name == COLOURS:
        return _supervisely(lines, path)
    entries = [line for line in lines if not line.startswith("#")]
    map_lines = [_LABEL_MAP_LINE.fullmatch(line) for line in entries]
    if entries and all(map_lines):
        found = [match for match in map_lines if match is not None]
        names = _indexed([match["name"].strip() for match in found], path)
        return ClassList(names, path, _colours([(m["name"].strip(), m["colour"]) for m in found], names, path))
    return ClassList(_indexed(lines, path), path)


def class_list_text(names: Sequence[str]) -> str:
    """A class list as `read_classes` reads it back: background, then `distinct_names`, one a line."""
    return "".join(f"{name}\n" for name in (BACKGROUND, *distinct_names(names)))


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of object classes, each given to one: a second "dog" is "dog (2)", as is a first "background".

    A name that is somebody's own is never made up for another: of dog, dog and dog (2) the second is "dog (3)".

    Args:
        names: in the order of the indices 1, 2, …; line breaks in them become spaces.
    """
    given = [one_line(name) for name in names]
    taken, found = set(given), Counter[str]()
    distinct: list[str] = []
    for name in given:
        found[name] += 1
        if found[name] > 1 or name == _IGNORED or is_background(name):
            name = next(other for n in itertools.count(2) if (other := f"{name} ({n})") not in taken)
            taken.add(name)
        distinct.append(name)
    return tuple(distinct)


def _supervisely(lines: Sequence[str], path: Path) -> ClassList:
    """Supervisely's list: a name and its colour a line; only the colours count in the masks."""
    matches = [_COLOURS_LINE.fullmatch(line) for line in lines]
    if not all(matches):
        odd = next(line for line, match in zip(lines, matches, strict=True) if match is None)
        raise DatasetError(
            f"class list {path}: the line '{odd:.60}' is no name with its red, green and blue; correct it, or move the "
            "file away if it is no list of classes"
        )
    entries = [(m["name"], f"{m['red']},{m['green']},{m['blue']}") for m in matches if m and m["name"] != _NEUTRAL]
    names = _indexed([name for name, _ in entries], path)
    return ClassList(names, path, _colours(entries, names, path))


def _indexed(given: Sequence[str], path: Path) -> tuple[str, ...]:
    """The names by class index, "background" first."""
    names = list(given)
    if names and names[0] == _IGNORED:
        if len(names) < 2 or not is_background(names[1]):
            raise DatasetError(
                f"class list {path}: `__ignore__` stands for index -1, so the second line is index 0 and must be "
                "_background_; add it, or remove `__ignore__`"
            )
        names = names[1:]
    if not names or not is_background(names[0]):
        names.insert(0, BACKGROUND)
    names[0] = BACKGROUND
    for line, name in enumerate(given, start=1):
        later = name not in given[:1] and name in names[1:]
        if later and (name == _IGNORED or is_background(name)):
            raise DatasetError(
                f"class list {path}: '{name}' stands on line {line}, but the order of lines is that of the ids in the "
                "masks, and background is 0; put it first, or remove it if the masks do not count it"
            )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(f"class list {path}: {', '.join(twice)} more than once; a name stands for one class")
    if len(names) == 1:
        raise DatasetError(f"class list {path}: no class besides background; write one name a line")
    return tuple(names)


def _colours(entries: Sequence[tuple[str, str | None]], names: Sequence[str], path: Path) -> dict[Colour, int] | None:
    """Colour -> class index; None unless every class has a colour."""
    found: dict[Colour, int] = {}
    for name, text in entries:
        if name == _IGNORED:
            continue
        if not text:
            return None
        red, green, blue = (int(part) for part in text.split(","))
        index = 0 if is_background(name) else names.index(name)
        if (red, green, blue) in found:
            raise DatasetError(f"class list {path}: the colour {text} stands for two classes; give each its own")
        found[red, green, blue] = index
    found.setdefault((0, 0, 0), 0)
    return found
