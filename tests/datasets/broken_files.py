"""Forty files that cannot be used, each broken in a way that its name says."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

FORMATS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "bmp": "BMP", "tiff": "TIFF", "gif": "GIF"}


def picture(seed: int, width: int = 64, height: int = 48) -> Image.Image:
    """A noisy photograph, so that no format can squeeze it into its first bytes."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def write_broken(folder: Path) -> dict[str, str]:
    """Write all of them; file name -> words that the reason must hold."""
    folder.mkdir(parents=True)
    wanted: dict[str, str] = {}
    for kinds in (_cut_off(), _nothing_in_them(), _something_else(), _too_large(), _zero_size(), _damaged()):
        for name, (content, words) in kinds.items():
            (folder / name).write_bytes(content)
            wanted[name] = words
    (folder / "link-to-nothing.jpg").symlink_to(folder / "gone.jpg")
    os.mkfifo(folder / "named-pipe.jpg")
    (folder / "locked.jpg").write_bytes(encoded(picture(7), "JPEG"))
    (folder / "locked.jpg").chmod(0)
    return wanted | {
        "link-to-nothing.jpg": "a link to a file that does not exist",
        "named-pipe.jpg": "not a regular file",
        "locked.jpg": "permission denied",
    }


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def png_claiming(width: int, height: int) -> bytes:
    return png_header(width, height) + png_chunk(b"IDAT", zlib.compress(b"")) + png_chunk(b"IEND", b"")


def _cut_off() -> dict[str, tuple[bytes, str]]:
    words = dict.fromkeys(FORMATS, "truncated: the file ends before the image does") | {"webp": "damaged or truncated"}
    files = {}
    for suffix, kind in FORMATS.items():
        whole = encoded(picture(1), kind)
        files[f"half-of-it.{suffix}"] = (whole[: len(whole) // 2], words[suffix])
        files[f"first-bytes-only.{suffix}"] = (whole[:12], "truncated" if suffix == "jpg" else "damaged or truncated")
    return files


def _nothing_in_them() -> dict[str, tuple[bytes, str]]:
    empty = {f"empty.{suffix}": (b"", "empty file (0 bytes)") for suffix in ("jpg", "png", "webp", "tif")}
    zeros = {f"zero-bytes.{suffix}": (bytes(5000), "only zero bytes") for suffix in ("jpg", "bmp")}
    return empty | zeros


def _something_else() -> dict[str, tuple[bytes, str]]:
    return {
        "text.jpg": (b"this is a shopping list\n" * 20, "not an image of a known format"),
        "web-page.jpg": (b"<!DOCTYPE html>\n<html><body>404</body></html>", "an HTML page"),
        "drawing.png": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        "document.jpg": (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj", "a PDF document"),
        "archive.png": (b"PK\x03\x04" + bytes(60), "a ZIP archive"),
        "pointer.jpg": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git LFS pointer"),
        "phone.jpg": (struct.pack(">I", 24) + b"ftypheic" + bytes(40), "a HEIC or HEIF image"),
        "random.webp": (np.random.default_rng(3).bytes(4000), "not an image of a known format"),
    }


def _too_large() -> dict[str, tuple[bytes, str]]:
    gif = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0)
    bmp = b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 20000, 20000, 1, 24, *[0] * 6)
    tags = [(256, 4, 20000), (257, 4, 20000), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (279, 4, 1)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    tiff = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + bytes(4)
    return {
        "bomb.png": (png_claiming(20000, 20000), "limit"),
        "a-little-over-the-limit.png": (png_claiming(12000, 8000), "12000 x 8000 = 96000000 pixels, the limit is"),
        "bomb.gif": (gif + b"\x02\x00\x3b", "limit"),
        "bomb.bmp": (bmp, "limit"),
        "bomb.tif": (tiff, "limit"),
    }


def _zero_size() -> dict[str, tuple[bytes, str]]:
    bmp = bytearray(encoded(picture(5), "BMP"))
    bmp[18:26] = bytes(8)
    gif = bytearray(encoded(picture(5), "GIF"))
    frame = gif.index(b",\0\0\0\0")
    gif[6:10] = gif[frame + 5 : frame + 9] = bytes(4)
    return {
        "zero-size.png": (png_claiming(0, 0), "zero"),
        "zero-size.bmp": (bytes(bmp), "zero"),
        "zero-size.gif": (bytes(gif), "zero"),
    }


def _damaged() -> dict[str, tuple[bytes, str]]:
    whole = encoded(picture(6), "PNG")
    middle = len(whole) // 2
    pixels = whole[:middle] + bytes(b ^ 0xFF for b in whole[middle : middle + 40]) + whole[middle + 40 :]
    header = whole[:18] + b"\x77" + whole[19:]
    jpeg = encoded(picture(6), "JPEG")
    scan = jpeg.index(b"\xff\xc0")
    return {
        "flipped-bits.png": (pixels, "damaged"),
        "wrong-checksum.png": (header, "damaged"),
        "no-frame.jpg": (jpeg[:scan] + b"\xff\xd9", "damaged"),
    }
