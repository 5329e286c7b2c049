"""Tables as CSV for spreadsheets: the one place where commands and pages write CSV.

UTF-8 with a header, quoted by RFC 4180, lines ending in a line feed on every system. A spreadsheet runs text that
begins like a formula, whoever wrote it: a file name, a cluster's name, a class list. Such text gets an apostrophe in
front, as OWASP advises; numbers stay as they are, and Parquet keeps all text unchanged.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FORMULA = "^([=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"  # the last four are = + - @ in full width


def csv_bytes(table: pa.Table | Mapping[str, Sequence[Any]], *, bom: bool = False) -> bytes:
    """The content of a CSV file.

    None and NaN in a column are empty cells. With `bom` it begins with a byte order mark, without which Excel does not
    recognise UTF-8.
    """
    columns = table if isinstance(table, Mapping) else dict(zip(table.column_names, table.columns, strict=True))
    safe = pa.table({_escaped(str(name)): _protected(column) for name, column in columns.items()})
    texts = [column for column in safe.columns if pa.types.is_string(column.type)]
    broken = any(pc.any(pc.match_substring(text, "\r")).as_py() for text in texts)  # Arrow does not see a need there
    file = io.BytesIO()
    options = pyarrow.csv.WriteOptions(quoting_style="all_valid" if broken else "needed")
    pyarrow.csv.write_csv(safe, file, options)
    return (BYTE_ORDER_MARK if bom else b"") + file.getvalue()


def _protected(column: pa.ChunkedArray | Sequence[Any]) -> pa.ChunkedArray | pa.Array:
    """A column of one type whose text no spreadsheet runs as a formula; numbers among texts stay as they are."""
    if not isinstance(column, pa.ChunkedArray):
        try:
            column = pa.chunked_array([pa.array(list(column), from_pandas=True)])
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            cells = [None if v is None or v != v else _escaped(v) if isinstance(v, str) else str(v) for v in column]
            return pa.array(cells, pa.string())
    if pa.types.is_string(column.type):
        return pc.replace_substring_regex(column, FORMULA, r"'\1")
    return column


def _escaped(text: str) -> str:
    return re.sub(FORMULA, r"'\1", text)
