"""The categories of an export: one name each, as its format can hold it, and one colour each."""

from __future__ import annotations

import colorsys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from comus_core.errors import SettingsError
from comus_core.export.records import Colour, ExportCategory
from comus_core.files.file_names import name_key
from comus_core.proposals.pseudo_masks import voc_palette
from comus_core.text import one_line

GOLDEN = 0.6180339887498949  # turns of the colour circle from one further colour to the next: never twice the same


def categories_of(
    known: Sequence[tuple[int, str]], name_of: Callable[[str], str], most: int | None, title: str
) -> tuple[tuple[ExportCategory, ...], list[str]]:
    """The categories with names that the format can hold, and a sentence for each name that had to change.

    The rule: a name is one line; the format replaces what it cannot hold; of categories whose names are equal then,
    without regard to case, the id is added after each name, as in `bird (7)`.

    Args:
        known: (id, name) of each, in the order of the ids.
        name_of: what the format makes of a name.
        most: categories that the format can hold; None for no limit.
        title: of the format, for messages.

    Raises:
        SettingsError: there is no category, or there are too many.
    """
    if not known:
        raise SettingsError("no category to export: restore one, or change the filter of the export")
    if most is not None and len(known) > most:
        raise SettingsError(
            f"{title} holds at most {most} categories, and there are {len(known)}: choose some, or another format"
        )
    held = [name_of(one_line(name)).strip() or f"cluster {k}" for k, name in known]
    count = Counter(name_key(name) for name in held)
    names = [f"{name} ({k})" if count[name_key(name)] > 1 else name for name, (k, _) in zip(held, known, strict=True)]
    taken: set[str] = set()
    for row in range(len(names)):  # another category may be called just that
        while name_key(names[row]) in taken:
            names[row] = f"{names[row]} ({known[row][0]})"
        taken.add(name_key(names[row]))
    categories = tuple(
        ExportCategory(k, index, name, colour)
        for index, ((k, _), name, colour) in enumerate(zip(known, names, colours_of(known), strict=True), 1)
    )
    notes = [
        f"category {k} is called '{new}' in the files, not '{name}'"
        for (k, name), new in zip(known, names, strict=True)
        if name != new
    ]
    return categories, notes


def counted_categories(
    categories: Sequence[ExportCategory], **counts: Mapping[int, int] | None
) -> list[dict[str, Any]]:
    """`id`, `index`, `name` and `color` of each category, with the counts of its id; None where these are not known."""
    return [
        {
            "id": c.id,
            "index": c.index,
            "name": c.name,
            "color": list(c.colour),
            **{what: None if count is None else count.get(c.id, 0) for what, count in counts.items()},
        }
        for c in categories
    ]


def colours_of(known: Sequence[tuple[int, str]]) -> list[Colour]:
    """A colour of its own for each category: PASCAL VOC's of its id + 1 below 254, further ones around the circle."""
    palette, taken, found = voc_palette(), {(0, 0, 0), (224, 224, 192)}, list[Colour]()  # background, VOC's ignore
    for k, _ in known:
        colour: Colour = tuple(int(v) for v in palette[k + 1]) if k < 254 else _further(k)  # type: ignore[assignment]
        step = k
        while colour in taken:
            step += 1_000_003
            colour = _further(step)
        taken.add(colour)
        found.append(colour)
    return found


def _further(number: int) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(number * GOLDEN % 1, 0.55 + number % 5 * 0.1, 0.95 - number % 7 * 0.07)
    return round(red * 255), round(green * 255), round(blue * 255)
