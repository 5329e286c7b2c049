"""What a file of a bundle may hold, told from its header, before any of it is read: a small file can claim to be huge.

Nothing here reads more of a file than it takes on the disk, nor makes more of it in memory than a few times that.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comus_core.errors import WorkspaceError

SPARSE = 200  # times the bytes of a file that its content may take in memory: tables of counts are mostly zeros
SMALL = 64 << 20  # bytes that the content of any file may take
ZIP_RATIO, ZIP_SMALL = 100, 16 << 20  # the same of the whole zip on disk; deflate itself reaches 1,000
LISTING_RATIO, LISTING_SMALL = 20, 8 << 20  # of its listing, which takes many times its bytes in memory
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
CODECS = ("SNAPPY", "UNCOMPRESSED")  # of tables: what is written here, and at most 21 bytes of one
ODD = re.compile(r"\\|\0|^[A-Za-z]:")  # another system's separator or drive, or an end of text that is none
PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def check_entries(entries: Sequence[zipfile.ZipInfo], zip_bytes: int, listing: str) -> None:
    """Refuse a zip whose directory promises more than such a file can honestly hold.

    Raises:
        WorkspaceError: too much, packed in another way, or encrypted.
    """
    for entry in entries:
        if entry.compress_type not in METHODS or entry.flag_bits & 1:
            raise WorkspaceError(f"{entry.filename[:100]!r} is packed in a way that bundles are not")
    total = sum(entry.file_size for entry in entries)
    if total > max(ZIP_SMALL, ZIP_RATIO * zip_bytes):
        raise WorkspaceError(f"{zip_bytes:,} bytes that unpack to {total:,} are no bundle")
    listed = sum(entry.file_size for entry in entries if entry.filename == listing)
    if listed > max(LISTING_SMALL, LISTING_RATIO * zip_bytes):
        raise WorkspaceError(f"its {listing} of {listed:,} bytes is too large to be one")


def is_plain(path: str) -> bool:
    """Whether a POSIX path stays below where it starts."""
    place = PurePosixPath(path)
    return bool(place.parts) and not place.is_absolute() and ".." not in place.parts and not ODD.search(path)


def bounded_table(path: Path) -> pa.Table:
    """A Parquet table, read whole once it is known what it takes.

    Raises:
        WorkspaceError: no table, packed in another way, or it takes far more memory than such a file can.
    """
    try:
        with pq.ParquetFile(path) as file:
            _check_columns(file, path)
            wide = [f.name for f in file.schema_arrow if _is_text(f.type)]
            taken = file.metadata.num_rows * sum(_width(f.type) for f in file.schema_arrow)
        _check_size(taken, path)
        if wide:
            _check_size(taken + _text_bytes(path, wide), path)
        with pq.ParquetFile(path) as file:
            return file.read()
    except (pa.ArrowException, ValueError, OSError) as error:
        raise WorkspaceError(f"{_place(path)} is no table that can be read ({error})") from error


def array_of(path: Path) -> np.ndarray[Any, Any]:
    """A NumPy file, memory-mapped: its header says what its bytes are, and nothing is unpickled.

    Raises:
        WorkspaceError: no array, or not as many bytes as its header says.
    """
    try:
        array: np.ndarray[Any, Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return array
    except (ValueError, OSError, EOFError, OverflowError, MemoryError) as error:
        raise WorkspaceError(f"{_place(path)} is no array that can be read ({error})") from error


def arrays_of(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of a NumPy zip, read once it is known what they take.

    Raises:
        WorkspaceError: no such file, or its arrays are larger than such a file can hold.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_entries(archive.infolist(), path.stat().st_size, "")
            for entry in archive.infolist():
                with archive.open(entry) as member:
                    _check_header(member, entry, path)
        with np.load(path, allow_pickle=False) as members:
            return {name: members[name] for name in members.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError, MemoryError) as error:
        raise WorkspaceError(f"{_place(path)} holds no arrays that can be read ({error})") from error


def png_size(content: bytes) -> tuple[int, int, int, int]:
    """(height, width, bits, colour type) that a PNG's header tells; 0 and 3 are grey and palette.

    Raises:
        WorkspaceError: the bytes do not begin as a PNG.
    """
    if not content.startswith(PNG_START) or len(content) < 26:
        raise WorkspaceError("a picture in it is no PNG")
    width, height, bits, colours = struct.unpack(">IIBB", content[16:26])
    return height, width, bits, colours


def _check_columns(file: pq.ParquetFile, path: Path) -> None:
    for group in range(file.metadata.num_row_groups):
        part = file.metadata.row_group(group)
        for number in range(part.num_columns):
            if part.column(number).compression not in CODECS:
                raise ValueError(f"packed by {part.column(number).compression}")
    for column in file.schema_arrow:
        if not _is_text(column.type) and _width(column.type) == 0:
            raise ValueError(f"a column of {column.type}")


def _text_bytes(path: Path, columns: Sequence[str]) -> int:
    """What columns of text or bytes take in memory; each different value is held once to tell it."""
    total = 0
    with pq.ParquetFile(path, read_dictionary=list(columns)) as file:
        for group in range(file.metadata.num_row_groups):
            for name in columns:
                for chunk in file.read_row_group(group, columns=[name]).column(0).chunks:
                    values = chunk if isinstance(chunk, pa.DictionaryArray) else chunk.dictionary_encode()
                    lengths = pc.binary_length(values.dictionary).cast(pa.int64())
                    total += int(pc.sum(lengths.take(values.indices)).as_py() or 0)
    return total


def _check_size(taken: int, path: Path) -> None:
    size = path.stat().st_size
    if taken > SMALL + SPARSE * size:
        raise WorkspaceError(
            f"{_place(path)} of {size:,} bytes would take {taken:,} in memory: it is no table of a run"
        )


def _check_header(member: Any, entry: zipfile.ZipInfo, path: Path) -> None:
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(member)
    if dtype.hasobject or int(np.prod(shape, dtype=object)) * dtype.itemsize > entry.file_size:
        raise ValueError(f"{entry.filename} of {path.name} is larger than its bytes")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _width(kind: pa.DataType) -> int:
    """Bytes of a value in memory; 0 of a kind that no table of a run has, or that has no fixed size."""
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size) * _width(kind.value_type)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return int(kind.bit_width) // 8
    return 8 if _is_text(kind) else 0


def _place(path: Path) -> str:
    return "/".join(path.parts[-3:])
