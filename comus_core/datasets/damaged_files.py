"""Files that Pillow refuses although their pixels are complete: a JPEG without end marker, a PNG with long text."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from random import Random
from typing import IO

from PIL import Image

from comus_core.files.memory_faults import lacks_memory

END = b"\xff\xd9"
# Appended in place of the end: without markers, and decoding to large numbers, so that each of them gives other pixels
# wherever a part of the image is missing.
_FILLERS = (
    *(b"\0" * 256, b"\xfe" * 256, b"\x7e" * 256, b"\xfb\xef\xbe" * 85, b"\xf7\xbd" * 128),
    *(bytes(Random(seed).randrange(255) for _ in range(256)) for seed in range(12)),
)
_PNG = b"\x89PNG\r\n\x1a\n"
_TEXT = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
_TURN = b"Raw profile type exif\0"  # the one text that holds the orientation


def repair(source: IO[bytes], error: Exception) -> tuple[BytesIO, str] | None:
    """The repaired file and a note for the user; None if the file is damaged as Pillow says."""
    source.seek(0)
    head = source.read(8)
    source.seek(0)
    if head == _PNG and isinstance(error, ValueError) and "text" in str(error).lower():
        return BytesIO(_without_text(source.read())), "unusually large metadata was not read"
    if head[:2] == b"\xff\xd8" and isinstance(error, OSError) and "truncated" in str(error):
        content = source.read().rstrip(b"\xff")
        if _lacks_only_its_end(content):
            return BytesIO(content + END), "the end marker is missing, the image is complete"
    return None


def _without_text(content: bytes) -> bytes:
    kept, place = [_PNG], len(_PNG)
    while place + 8 <= len(content):
        length, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        end = place + 12 + length
        if kind not in _TEXT or content[place + 8 :].startswith(_TURN):
            kept.append(content[place:end])
        place = end
    return b"".join(kept)


def _lacks_only_its_end(content: bytes) -> bool:
    """Whether a JPEG without end marker holds all its pixels.

    Every scan must have begun, and the last must be complete: what is appended then changes no pixel.
    """
    if not _scans_of(content).complete:
        return False
    first = None
    for filler in _FILLERS:
        try:
            with Image.open(BytesIO(content + filler + END), formats=["JPEG"]) as image:
                image.load()
                digest = hashlib.sha256()
                for top in range(0, image.height, 256):
                    digest.update(image.crop((0, top, image.width, min(image.height, top + 256))).tobytes())
        except (OSError, SyntaxError) as error:
            if lacks_memory(error):
                raise
            return False
        first = first or digest.digest()
        if digest.digest() != first:
            return False
    return True


@dataclass
class _Scans:
    """The headers of a JPEG: missing coefficients of each component, expected and actual restarts."""

    missing: dict[int, set[int]] = field(default_factory=dict)  # component -> coefficients not yet at full precision
    sampling: dict[int, tuple[int, int]] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    interval: int = 0
    scans: int = 0
    restarts: int = 0

    @property
    def complete(self) -> bool:
        if not self.missing or any(self.missing.values()):
            return False
        if not self.interval:
            return True
        # A file that ends between two restart intervals looks complete: count them. Of one scan only; others are cut.
        return self.scans == 1 and self.restarts == -(-self._units // self.interval) - 1

    @property
    def _units(self) -> int:
        """The number of minimum coded units in the only scan."""
        across, down = (max(s[k] for s in self.sampling.values()) if len(self.sampling) > 1 else 1 for k in (0, 1))
        return -(-self.size[0] // (8 * across)) * -(-self.size[1] // (8 * down))


def _scans_of(content: bytes) -> _Scans:
    jpeg = _Scans()
    for marker, body in _segments(content):
        if marker in (0xC0, 0xC1, 0xC2) and len(body) >= 6:
            jpeg.size = int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")
            for k in range(6, min(len(body), 6 + 3 * body[5]) - 2, 3):
                jpeg.missing[body[k]] = set(range(64))
                jpeg.sampling[body[k]] = body[k + 1] >> 4, body[k + 1] & 15
        elif marker == 0xDD:
            jpeg.interval = int.from_bytes(body[:2], "big")
        elif marker == 0xDA and body and len(body) >= 4 + 2 * body[0]:
            jpeg.scans += 1
            first, last, precision = body[2 * body[0] + 1 :][:3]
            if precision & 15 == 0:
                for k in range(body[0]):
                    jpeg.missing.get(body[1 + 2 * k], set()).difference_update(range(first, last + 1))
        elif 0xD0 <= marker <= 0xD7:
            jpeg.restarts += 1
    return jpeg


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, content of its segment); restart markers among the pixels have no content."""
    place = 2
    while (place := content.find(b"\xff", place)) >= 0 and place + 1 < len(content):
        marker = content[place + 1]
        place += 2
        if marker in (0, 0xFF):  # pixels, or filling
            place -= marker == 0xFF
        elif 0xD0 <= marker <= 0xD9 or marker == 1:
            yield marker, b""
        else:
            length = int.from_bytes(content[place : place + 2], "big")
            yield marker, content[place + 2 : place + length]
            place += length
