"""The kind of a file, by its name where that is enough, else by its first bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

# A file with one of these suffixes counts as an image; decoding says why where it is none.
RAW = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw")
UNREADABLE = (".tga", ".exr", ".hdr", ".pcx", ".sgi", ".dds", ".eps")  # reported, not ignored
EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".tiff", ".tif", ".gif"),
    *(".heic", ".heif", ".hif", ".avif", ".jxl", ".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm"),
    *(".qoi", ".psd", ".svg", *RAW, *UNREADABLE),
)
# Files with one of these suffixes are not opened: they are often beside images by the thousand.
NOT_IMAGES = frozenset(
    (
        *(".txt", ".json", ".jsonl", ".xml", ".csv", ".tsv", ".yaml", ".yml", ".md", ".rst", ".html", ".htm", ".pdf"),
        *(".log", ".ini", ".cfg", ".toml", ".py", ".sh", ".ipynb", ".js", ".css", ".xmp", ".aae", ".url", ".lnk"),
        *(".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mp3", ".wav", ".m4a", ".srt", ".zip", ".tar"),
        *(".gz", ".tgz", ".7z", ".rar", ".npy", ".npz", ".mat", ".h5", ".hdf5", ".pkl", ".parquet", ".pt", ".pth"),
        *(".onnx", ".safetensors", ".db", ".sqlite", ".sqlite3", ".doc", ".docx", ".xls", ".xlsx", ".pptx"),
    )
)
HEAD_BYTES = 64  # of a file whose name says nothing

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_TIFF = "a damaged or truncated TIFF file, or one of an unknown pixel type: save it as 8-bit PNG"
_RAW = "a camera raw file"
_DAMAGED = "that is damaged or truncated"
# (offset, signature, what an unreadable file with it is)
_IMAGES = (
    (0, b"\xff\xd8\xff", "a JPEG file with a damaged or truncated header"),
    (0, b"\x89PNG", "a PNG file with a damaged or truncated header"),
    (0, b"GIF8", "a GIF file with a damaged or truncated header"),
    (8, b"WEBP", f"a WebP image {_DAMAGED}"),
    (8, b"CR\2\0", _RAW),
    (0, b"II*\0", _TIFF),
    (0, b"MM\0*", _TIFF),
    (0, b"II+\0", _TIFF),
    (0, b"MM\0+", _TIFF),
    (4, b"ftypavif", f"an AVIF image {_DAMAGED}"),
    (4, b"ftypavis", f"an AVIF image {_DAMAGED}"),
    *((4, b"ftyp" + brand, f"a HEIC or HEIF image {_DAMAGED}") for brand in _HEIC_BRANDS),
    (4, b"ftypcrx ", _RAW),
    (0, b"\xff\x0a", f"a JPEG XL image {_DAMAGED}"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", f"a JPEG XL image {_DAMAGED}"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", f"a JPEG 2000 image {_DAMAGED}"),
    (0, b"\xff\x4f\xff\x51", f"a JPEG 2000 image {_DAMAGED}"),
    (0, b"FUJIFILMCCD-RAW", _RAW),
    (0, b"IIRO", _RAW),
    (0, b"IIU\0", _RAW),
    (0, b"qoif", f"a QOI image {_DAMAGED}"),
    (0, b"8BPS", "a Photoshop file that is damaged or of an unsupported kind: save it as PNG"),
)
# Too short to call a file of any name an image: text may begin like this.
_SHORT = (
    (0, b"\xff\xd8", "a JPEG file with a damaged or truncated header"),
    (0, b"BM", "a BMP file with a damaged or truncated header"),
)
_OTHERS = (
    (4, b"ftyp", "a video, not an image"),
    (0, b"%PDF", "a PDF document, not an image"),
    (0, b"PK\x03\x04", "a ZIP archive, not an image"),
    (0, b"version https://git-lfs", "a Git LFS pointer: fetch the real file with `git lfs pull`"),
)
_SIZE_FIELDS = ((b"\x89PNG", 16, 20, 24), (b"GIF8", 6, 8, 10), (b"BM", 18, 22, 26))  # where width, height begin and end


def looks_like_image(path: Path) -> bool:
    """Whether a file counts as an image, by its suffix, or by its first bytes where the suffix is unknown.

    Raises:
        OSError: the first bytes were needed and cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in EXTENSIONS:
        return True
    return suffix not in NOT_IMAGES and begins_as_image(_head(path, HEAD_BYTES))


def begins_as_image(head: bytes) -> bool:
    """Whether the first `HEAD_BYTES` of a file are those of an image."""
    if _description(_IMAGES, head) is not None:
        return True
    if head.startswith(b"BM") and len(head) >= 30:  # with the four bytes that are always zero and one colour plane
        return head[6:10] == bytes(4) and head[26:28] == b"\1\0"
    return head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in b"\n\r\t "  # PPM and its like


def is_raw(path: Path, head: bytes) -> bool:
    """Whether a file is a camera raw file, by its first bytes, or by its suffix where those are unknown."""
    words = _description(_IMAGES, head)
    return words == _RAW or (path.suffix.lower() in RAW and words in (None, _TIFF))


def describe_file(path: Path) -> str:
    """Describe a file that is not a readable image."""
    head = _head(path, 512)
    for signature, width, height, end in _SIZE_FIELDS:
        if head.startswith(signature) and len(head) >= end and not (any(head[width:height]) and any(head[height:end])):
            return "an image of zero size"
    words = _description((*_IMAGES, *_SHORT, *_OTHERS), head)
    if words is not None:
        return words
    if path.suffix.lower() in UNREADABLE:
        return f"an image of an unsupported format ({path.suffix[1:].upper()}): save it as PNG"
    if not head.strip(b"\0"):
        return "not an image: the file contains only zero bytes"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "an SVG drawing, not a pixel image: save it as PNG"
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page, not an image (a failed download?)"
    return "not an image of a known format"


def _description(signatures: Iterable[tuple[int, bytes, str]], head: bytes) -> str | None:
    return next((words for offset, sign, words in signatures if head[offset:].startswith(sign)), None)


def _head(path: Path, count: int) -> bytes:
    """The first bytes of a regular file; none of a pipe or socket, where reading would block."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        return file.read(count) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
