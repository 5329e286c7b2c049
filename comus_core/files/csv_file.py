"""Tables as CSV that a spreadsheet shows as it is: the one place where CSV is written, for commands and pages alike.

UTF-8 with a head, quoted as RFC 4180 asks, lines ending in a line feed everywhere. A spreadsheet runs text that begins
like a formula, whoever wrote it: a file's name, a cluster's name, a class list. Such text gets an apostrophe in front,
as OWASP advises; numbers are written as they are, and Parquet holds every text as it is.
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

    Args:
        table: an Arrow table, or columns by name; None and NaN in a column are empty cells.
        bom: begin with a byte order mark, without which Excel takes UTF-8 for the system's old encoding.
    """
    columns = table if isinstance(table, Mapping) else dict(zip(table.column_names, table.columns, strict=True))
    shown = pa.table({_safe(str(name)): _shown(column) for name, column in columns.items()})
    texts = [column for column in shown.columns if pa.types.is_string(column.type)]
    broken = any(pc.any(pc.match_substring(text, "\r")).as_py() for text in texts)  # Arrow does not see a need there
    file = io.BytesIO()
    options = pyarrow.csv.WriteOptions(quoting_style="all_valid" if broken else "needed")
    pyarrow.csv.write_csv(shown, file, options)
    return (BYTE_ORDER_MARK if bom else b"") + file.getvalue()


def _shown(column: pa.ChunkedArray | Sequence[Any]) -> pa.ChunkedArray | pa.Array:
    """A column of one type whose text no spreadsheet runs; numbers among texts are written as they are."""
    if not isinstance(column, pa.ChunkedArray):
        try:
            column = pa.chunked_array([pa.array(list(column), from_pandas=True)])
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            cells = [None if v is None or v != v else _safe(v) if isinstance(v, str) else str(v) for v in column]
            return pa.array(cells, pa.string())
    if pa.types.is_string(column.type):
        return pc.replace_substring_regex(column, FORMULA, r"'\1")
    return column


def _safe(text: str) -> str:
    return re.sub(FORMULA, r"'\1", text)
