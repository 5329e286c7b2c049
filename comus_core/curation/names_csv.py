"""Names of clusters as CSV: columns `id`, `name` and `size`, as spreadsheets write and read them.

What a person saves from a spreadsheet comes in many forms: UTF-8 with or without a byte order mark, UTF-16,
Windows-1252, with commas, semicolons or tabs. All are read; what is not clear is refused whole, with the line and what
to do.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from comus_core.curation.naming import LONGEST_NAME
from comus_core.errors import SettingsError
from comus_core.files.csv_file import FORMULA, csv_bytes
from comus_core.text import one_line

MOST_BYTES = 4 << 20
SHOWN = 5  # faults that a message lists
ID, NAME = ("id", "cluster", "cluster id"), ("name",)
WHOLE = re.compile(r"[0-9]{1,9}(\.0+)?", re.ASCII)  # a spreadsheet may write 3 as 3.0
ERRORS = ("#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#N/A", "#NUM!", "#NULL!")  # of spreadsheets
QUOTED = re.compile("'+(?=" + FORMULA.removeprefix("^") + ")")
MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
NOT_UTF_8 = "the file is not UTF-8 and was read as Windows-1252: check letters with accents"


@dataclass(frozen=True)
class NameRow:
    """A line of the file: its number, the cluster's id, its name."""

    line: int
    cluster: int
    name: str


@dataclass(frozen=True)
class NameRows:
    """The lines of a file of names, and notes for the person who sent it."""

    rows: tuple[NameRow, ...]
    notes: tuple[str, ...] = ()


def names_csv(ids: Sequence[int], names: Sequence[str], sizes: Sequence[int]) -> bytes:
    """The file: UTF-8 with a byte order mark, which Excel needs; text that looks like a formula is protected."""
    safe = [f"'{name}" if QUOTED.match(name) else name for name in names]  # the apostrophe is the name's own
    return csv_bytes({"id": list(ids), "name": safe, "size": list(sizes)}, bom=True)


def read_names(content: bytes) -> NameRows:
    """The lines of a file with the columns `id` and `name`, in any order, among others.

    Raises:
        SettingsError: it cannot be read without doubt; lists each fault with its line.
    """
    text, notes = _decoded(content)
    lines = [(number, cells) for number, cells in _lines(text) if any(cell.strip() for cell in cells)]
    if not lines:
        raise SettingsError("the file of names is empty: it needs the columns id and name")
    id_at, name_at = _columns(*lines[0])
    rows = [_row(number, cells, id_at, name_at) for number, cells in lines[1:]]
    named = [row for row in rows if isinstance(row, NameRow)]
    refuse([*(row for row in rows if isinstance(row, str)), *_twice(named)])
    if not named:
        raise SettingsError("the file of names has no line below its header")
    return NameRows(tuple(named), notes)


def refuse(faults: Sequence[str]) -> None:
    """Raise one error that lists the first faults of a file, if there are any."""
    if faults:
        more = f"; and {len(faults) - SHOWN:,} more" if len(faults) > SHOWN else ""
        raise SettingsError(f"no name was changed: {'; '.join(faults[:SHOWN])}{more}")


def text_of(content: bytes) -> str:
    """The text of a file in one of the encodings that spreadsheets write.

    Raises:
        SettingsError: it is no text, or too large.
    """
    return _decoded(content)[0]


def _decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    if len(content) > MOST_BYTES:
        raise SettingsError(f"the file of names has {len(content):,} bytes: the limit is {MOST_BYTES:,}")
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    notes: tuple[str, ...] = ()
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise SettingsError(f"the file of names is damaged: it is not {encoding}; save it as CSV UTF-8") from None
        text, notes = _of_windows(content), (NOT_UTF_8,)
    if "\0" in text:
        raise SettingsError("the file of names is not text: save the table as CSV UTF-8, not as a workbook")
    return text, notes


def _of_windows(content: bytes) -> str:
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        raise SettingsError("the encoding of the file of names is unknown: save it as CSV UTF-8") from None


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """Number of the last line and cells of each row."""
    first, _, rest = text.partition("\n")
    skipped, separator = 0, re.fullmatch(r'"?sep=([,;|\t])"?', first.strip("\r"), re.IGNORECASE)
    if separator is not None:  # a line for Excel alone
        text, skipped = rest, 1
        first = rest.partition("\n")[0]
    delimiter = separator.group(1) if separator else max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [(reader.line_num + skipped, cells) for cells in reader]
    except csv.Error as error:
        where = reader.line_num + skipped
        raise SettingsError(f"the file of names cannot be read at line {where} ({error}): check its quotes") from None


def _columns(line: int, cells: Sequence[str]) -> tuple[int, int]:
    titles = [one_line(cell).casefold() for cell in cells]
    found = []
    for column, words in (("id", ID), ("name", NAME)):
        places = [place for place, title in enumerate(titles) if title in words]
        if len(places) != 1:
            shown = one_line(", ".join(cells))[:80]
            wrong = f"has the column {column} {len(places)} times" if places else f"has no column {column}"
            raise SettingsError(
                f"the header of the file of names, line {line}, {wrong}: it reads '{shown}'; it must name id and name"
            )
        found += places
    return found[0], found[1]


def _row(line: int, cells: Sequence[str], id_at: int, name_at: int) -> NameRow | str:
    """A line, or what is wrong with it."""
    number, name = (one_line(cells[place]) if place < len(cells) else "" for place in (id_at, name_at))
    if not WHOLE.fullmatch(number):
        return f"line {line}: '{number[:40]}' is not the id of a cluster; ids are whole numbers from 0"
    cluster = int(number.partition(".")[0])
    if not name:
        return f"line {line}: cluster {cluster} has no name; write one, or remove the line"
    if name in ERRORS or name.startswith("="):
        kind = "an error of the spreadsheet" if name in ERRORS else "a formula"
        return f"line {line}: '{name[:40]}' is {kind}; write the name as text"
    name = name[1:] if QUOTED.match(name) else name
    if len(name) > LONGEST_NAME:
        return f"line {line}: the name of cluster {cluster} has {len(name)} letters; the limit is {LONGEST_NAME}"
    return NameRow(line, cluster, name)


def _twice(rows: Sequence[NameRow]) -> list[str]:
    lines: dict[int, list[int]] = {}
    for row in rows:
        lines.setdefault(row.cluster, []).append(row.line)
    return [
        f"cluster {k} is on {len(at)} lines ({', '.join(map(str, at[:4]))}); keep one"
        for k, at in lines.items()
        if len(at) > 1
    ]
