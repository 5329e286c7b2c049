"""Size limits for files of a bundle, checked from headers before reading: a small file can expand to a huge one.

Nothing here uses more memory than a few times the size of a file on disk.
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

SPARSE = 200  # limit of memory to file size: tables of counts are mostly zeros
SMALL = 64 << 20  # bytes of memory that any file may use
ZIP_RATIO, ZIP_SMALL = 100, 16 << 20  # the same for the zip on disk; deflate can reach 1,000
LISTING_RATIO, LISTING_SMALL = 20, 8 << 20  # for its listing, which needs many times its size in memory
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
CODECS = ("SNAPPY", "UNCOMPRESSED")  # of tables written here, with a ratio of at most 21
ODD = re.compile(r"\\|\0|^[A-Za-z]:")  # a Windows separator or drive, or a zero byte
PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def check_entries(entries: Sequence[zipfile.ZipInfo], zip_bytes: int, listing: str) -> None:
    """Refuse a zip that would expand too much.

    Raises:
        WorkspaceError: too large, another compression, or encrypted.
    """
    for entry in entries:
        if entry.compress_type not in METHODS or entry.flag_bits & 1:
            raise WorkspaceError(f"{entry.filename[:100]!r} has an unsupported compression or is encrypted")
    total = sum(entry.file_size for entry in entries)
    if total > max(ZIP_SMALL, ZIP_RATIO * zip_bytes):
        raise WorkspaceError(f"{zip_bytes:,} bytes expand to {total:,}, too much for a bundle")
    listing_bytes = sum(entry.file_size for entry in entries if entry.filename == listing)
    if listing_bytes > max(LISTING_SMALL, LISTING_RATIO * zip_bytes):
        raise WorkspaceError(f"its {listing} of {listing_bytes:,} bytes is too large")


def is_plain(path: str) -> bool:
    """Whether a POSIX path stays in its folder."""
    place = PurePosixPath(path)
    return bool(place.parts) and not place.is_absolute() and ".." not in place.parts and not ODD.search(path)


def bounded_table(path: Path) -> pa.Table:
    """A Parquet table, read after checking its size in memory.

    Raises:
        WorkspaceError: not a table, another compression, or too large in memory.
    """
    try:
        with pq.ParquetFile(path) as file:
            _check_columns(file, path)
            text_columns = [f.name for f in file.schema_arrow if _is_text(f.type)]
            memory = file.metadata.num_rows * sum(_width(f.type) for f in file.schema_arrow)
        _check_size(memory, path)
        if text_columns:
            _check_size(memory + _text_bytes(path, text_columns), path)
        with pq.ParquetFile(path) as file:
            return file.read()
    except (pa.ArrowException, ValueError, OSError) as error:
        raise WorkspaceError(f"{_place(path)} is not a readable table ({error})") from error


def array_of(path: Path) -> np.ndarray[Any, Any]:
    """A NumPy file, memory-mapped, without unpickling.

    Raises:
        WorkspaceError: not an array, or another size than in its header.
    """
    try:
        array: np.ndarray[Any, Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return array
    except (ValueError, OSError, EOFError, OverflowError, MemoryError) as error:
        raise WorkspaceError(f"{_place(path)} is not a readable array ({error})") from error


def arrays_of(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays of a NumPy zip, read after checking their size.

    Raises:
        WorkspaceError: not such a file, or its arrays are too large.
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
        raise WorkspaceError(f"{_place(path)} has no readable arrays ({error})") from error


def png_size(content: bytes) -> tuple[int, int, int, int]:
    """(height, width, bits, colour type) from a PNG's header; 0 and 3 are grey and palette.

    Raises:
        WorkspaceError: not a PNG.
    """
    if not content.startswith(PNG_START) or len(content) < 26:
        raise WorkspaceError("an image in it is not a PNG")
    width, height, bits, colours = struct.unpack(">IIBB", content[16:26])
    return height, width, bits, colours


def _check_columns(file: pq.ParquetFile, path: Path) -> None:
    for group in range(file.metadata.num_row_groups):
        part = file.metadata.row_group(group)
        for number in range(part.num_columns):
            if part.column(number).compression not in CODECS:
                raise ValueError(f"compressed by {part.column(number).compression}")
    for column in file.schema_arrow:
        if not _is_text(column.type) and _width(column.type) == 0:
            raise ValueError(f"a column of {column.type}")


def _text_bytes(path: Path, columns: Sequence[str]) -> int:
    """The memory of columns of text or bytes, computed from their distinct values."""
    total = 0
    with pq.ParquetFile(path, read_dictionary=list(columns)) as file:
        for group in range(file.metadata.num_row_groups):
            for name in columns:
                for chunk in file.read_row_group(group, columns=[name]).column(0).chunks:
                    values = chunk if isinstance(chunk, pa.DictionaryArray) else chunk.dictionary_encode()
                    lengths = pc.binary_length(values.dictionary).cast(pa.int64())
                    total += int(pc.sum(lengths.take(values.indices)).as_py() or 0)
    return total


def _check_size(memory: int, path: Path) -> None:
    size = path.stat().st_size
    if memory > SMALL + SPARSE * size:
        raise WorkspaceError(
            f"{_place(path)} of {size:,} bytes would use {memory:,} in memory, too much for a table of a run"
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
    """Bytes of a value in memory; 0 for a type that tables of runs do not have, or of variable size."""
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size) * _width(kind.value_type)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return int(kind.bit_width) // 8
    return 8 if _is_text(kind) else 0


def _place(path: Path) -> str:
    return "/".join(path.parts[-3:])
