"""A CSV of categories: a line an object with its id, or a line a cluster with its name. It holds no masks."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comus_core.files.csv_file import FORMULA
from comus_core.imports.reader import ReaderSpec
from comus_core.imports.records import Collected, ImportedCategory, ImportedObject, ReadFile
from comus_core.imports.source import Source
from comus_core.text import one_line

OBJECT_ID = ("object_id", "object id", "proposal_id", "proposal id", "proposal", "object", "comus_id")
ID, NAME = ("id", "cluster", "cluster id", "category id", "category_id"), ("name", "category name", "category_name")
CATEGORY = (*NAME, "category", "label", "class")
WHOLE = re.compile(r"[0-9]{1,9}(\.0+)?", re.ASCII)
ERRORS = ("#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#N/A", "#NUM!", "#NULL!")  # of spreadsheets
QUOTED = re.compile("'(?=" + FORMULA.removeprefix("^") + ")")
ENCODINGS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"", "utf-8-sig"))


def recognises(source: Source) -> bool:
    """Whether it is a CSV file whose header names an id, and a name or category."""
    return any(_columns(_header(source.head(name))) is not None for name in _files(source))


def read(source: Source) -> ReadFile:
    """Every line: its object, or its cluster, and the name.

    Raises:
        ValueError: no CSV file has such columns.
    """
    collected, some = Collected(), False
    for name in _files(source):
        try:
            lines = _lines(_text(source.content(name)))
        except ValueError as error:
            collected.refuse(source.label(name), "", str(error))
            continue
        columns = _columns(lines[0][1]) if lines else None
        if columns is None:
            continue
        some = True
        for number, cells in lines[1:]:
            _line(source.label(name), f"line {number}", cells, columns, collected)
    if not some:
        why = f" ({collected.problems[0].line})" if collected.problems else ""
        raise ValueError(f"no CSV file has the columns object_id and category, or id and name{why}")
    return collected.read("csv", str(source.path), complete=False)


@dataclass(frozen=True)
class _Columns:
    """Places of the columns in a line.

    `of_objects` says whether the id is that of an object; `category` is the number beside the name of its category.
    """

    id: int
    name: int
    of_objects: bool
    category: int | None = None


def _files(source: Source) -> list[str]:
    return source.named(".csv", ".tsv")


def _header(head: bytes) -> list[str]:
    try:
        lines = _lines(_text(head.rpartition(b"\n")[0] or head))
    except ValueError:
        return []
    return lines[0][1] if lines else []


def _columns(cells: Sequence[str]) -> _Columns | None:
    place_of: dict[str, int] = {}
    for place, cell in enumerate(cells):
        place_of.setdefault(one_line(cell).casefold(), place)
    of_object, of_cluster = _first(place_of, OBJECT_ID), _first(place_of, ID)
    of_objects = of_object is not None or "image" in place_of or "image_id" in place_of
    at = of_object if of_object is not None else of_cluster
    name = _first(place_of, CATEGORY if of_objects else NAME)
    category = place_of.get("category") if of_objects and place_of.get("category") != name else None
    return _Columns(at, name, of_objects, category) if at is not None and name is not None and name != at else None


def _first(place_of: Mapping[str, int], names: Sequence[str]) -> int | None:
    return next((place_of[name] for name in names if name in place_of), None)


def _line(label: str, place: str, cells: Sequence[str], columns: _Columns, collected: Collected) -> None:
    key, name = (one_line(cells[at]) if at < len(cells) else "" for at in (columns.id, columns.name))
    if not key:
        return collected.refuse(label, place, "it has no id; left out")
    if not name and columns.of_objects:
        return  # nothing is said of this object's category
    if not name or name in ERRORS or name.startswith("="):
        what = f"'{name[:40]}' is a formula or an error of the spreadsheet" if name else "it has no name"
        return collected.refuse(label, place, f"{what}; write the name as text")
    name = QUOTED.sub("", name, count=1)
    if columns.of_objects:
        key = QUOTED.sub("", key, count=1)
        at = columns.category
        number = one_line(cells[at]) if at is not None and at < len(cells) else ""
        number = number.partition(".")[0] if WHOLE.fullmatch(number) else ""
        collected.objects.append(ImportedObject("", name, number or None, None, key, label, place))
    elif not WHOLE.fullmatch(key):
        collected.refuse(label, place, f"'{key[:40]}' is not the id of a cluster, a whole number; left out")
    else:
        collected.categories.append(ImportedCategory(name, key.partition(".")[0], label, place))


def _text(content: bytes) -> str:
    encoding = next(name for mark, name in ENCODINGS if content.startswith(mark))
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            raise ValueError("its encoding is unknown; save it as CSV UTF-8") from None
    if "\0" in text:
        raise ValueError("it is not text; save the table as CSV UTF-8, not as a workbook")
    return text


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """Number and cells of each line that is not empty; separated by commas, semicolons or tabs."""
    first, _, rest = text.partition("\n")
    separator = re.fullmatch(r'"?sep=([,;|\t])"?', first.strip("\r"), re.IGNORECASE)
    skipped = 1 if separator else 0
    text = rest if separator else text
    delimiter = separator.group(1) if separator else max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [(reader.line_num + skipped, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num + skipped} cannot be read ({error}); check its quotes") from None


READER = ReaderSpec("csv", "CSV: the category of each object by its id, or the name of each cluster", recognises, read)
