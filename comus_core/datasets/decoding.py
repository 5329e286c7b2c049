"""Decode an image file to upright RGB, or raise an `ImageError` with the reason."""

from __future__ import annotations

import errno
import os
import re
import stat
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
from PIL import Image, ImageCms, TiffImagePlugin, UnidentifiedImageError

from comus_core.datasets import decoder_plugins
from comus_core.datasets.bit_depth import DeepValues, declared_bits, deep_values
from comus_core.datasets.damaged_files import repair
from comus_core.datasets.exif_turns import SIDEWAYS, upright
from comus_core.datasets.pixel_budget import DECODING
from comus_core.errors import ComusError, ImageError
from comus_core.files.file_kinds import HEAD_BYTES, describe_file, is_raw
from comus_core.files.memory_faults import AT_HAND, OUT_OF_MEMORY, lacks_memory
from comus_core.machine.room import has_room
from comus_core.types import RgbImage

_ORIENTATION = 0x0112  # EXIF tag
_NEW_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 0x00FE, 0x014A, 0xC612  # TIFF tags
_WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
_STRIP_PIXELS = 2**22  # converted at a time, so that a large image is not held twice over
_FRACTIONS = (8, 4, 2)
_PIXELS_OF_A_BYTE = 4  # of a file: 2 bits a pixel, a usual JPEG

T = TypeVar("T")

# Pillow's warnings are reported as errors here or harmless (a broken EXIF block), and would disturb progress bars.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True)
class Decoded:
    """A decoded image with notes on how it was read.

    Attributes:
        pixels: (H, W, 3) uint8, upright.
        notes: for the user; empty for an ordinary file.
    """

    pixels: RgbImage
    notes: tuple[str, ...]


def read_rgb(path: Path, at_least: int | None = None) -> RgbImage:
    """The image of a file, upright, as (H, W, 3) uint8 RGB.

    EXIF orientation is applied (a damaged EXIF block is ignored); an animation or multi-page document gives its first
    frame; transparent pixels are drawn over white. More than 8 bits become 8 by the rule of `bit_depth`: 0-65535
    becomes 0-255, and 10 or 12 bits in 16 are scaled. A JPEG that lacks only its end marker is read. Camera raw files
    and some formats need a package (`decoder_plugins`).

    Args:
        path: the file.
        at_least: pixels that the shorter side must have: a larger image is returned at a half, a quarter or an eighth,
            the smallest that still has them; a JPEG is decoded at that fraction, others are averaged. None: full size.

    Raises:
        ImageError: the file is missing, empty, not a regular file, unreadable, not an image, damaged, truncated, beyond
            Pillow's pixel limit, or of a format that needs a package. Thread-safe: no call changes global state of
            Pillow or of `warnings`.
        ComusError: memory ran out, which says nothing of the file.
    """
    return decode(path, at_least).pixels


def decode(path: Path, at_least: int | None = None) -> Decoded:
    """Like `read_rgb`, with notes on the file; waits while other threads decode too many pixels."""

    def pillow(image: Image.Image, source: IO[bytes]) -> Decoded:
        declared, tiles = declared_bits(image, source), list(getattr(image, "tile", ()))
        shrink = fraction(image.size, at_least)
        if shrink > 1 and image.format in ("JPEG", "MPO"):
            image.draft(None, (image.width // shrink, image.height // shrink))
            shrink = 1
        with DECODING.holding(image.width * image.height):
            image.load()
            turn = _orientation(image)  # after loading: Pillow turns a TIFF itself
            deep = deep_values(image, tiles, source, declared)
            pixels = _in_strips(image.size, shrink, _strips_of(image) if deep is None else _strips_of_values(deep))
            note = deep.note if deep else None
            del deep
            image.close()  # frees Pillow's copy before another thread starts
            return Decoded(upright(pixels, turn), (note,) if note else ())

    def raw() -> Decoded:
        pixels = decoder_plugins.read_raw(path)
        shrink = fraction((pixels.shape[1], pixels.shape[0]), at_least)
        return Decoded(np.array(Image.fromarray(pixels).reduce(shrink)) if shrink > 1 else pixels, ())

    decoded, note = _using(path, pillow, raw)
    return Decoded(decoded.pixels, (*decoded.notes, note)) if note else decoded


def size_hw(path: Path) -> tuple[int, int]:
    """(height, width) of the image that `read_rgb` returns, from the header alone.

    Raises:
        ImageError: see `read_rgb`; damage beyond the header is not noticed.
    """

    def header(image: Image.Image, _: IO[bytes]) -> tuple[int, int]:
        width, height = _stored_size(image)
        return (width, height) if _orientation(image) in SIDEWAYS else (height, width)

    return _using(path, header, lambda: decoder_plugins.raw_size_hw(path))[0]


def stored_lay(path: Path) -> tuple[tuple[int, int], int]:
    """(height, width) as stored, and the EXIF orientation, 1 to 8, that `read_rgb` undoes; from the header alone.

    Raises:
        ImageError: as `size_hw`.
    """

    def header(image: Image.Image, _: IO[bytes]) -> tuple[tuple[int, int], int]:
        width, height = _stored_size(image)
        orientation = _orientation(image)
        return (height, width), orientation if 2 <= orientation <= 8 else 1

    return _using(path, header, lambda: (decoder_plugins.raw_size_hw(path), 1))[0]


def fraction(size: tuple[int, int], at_least: int | None) -> int:
    """The divisor of an image of this size that leaves its shorter side `at_least` pixels."""
    if at_least is None:
        return 1
    return next((k for k in _FRACTIONS if min(size) // k >= at_least), 1)


def _using(path: Path, use: Callable[[Image.Image, IO[bytes]], T], of_raw: Callable[[], T]) -> tuple[T, str | None]:
    """The result of `use` for Pillow's image of a regular file, and a note; an error becomes an `ImageError`."""
    try:
        # O_NONBLOCK: a named pipe called x.jpg must not hang the run; regular files are not affected.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise ImageError("not a regular file (a pipe, socket or device)")
            if state.st_size == 0:
                raise ImageError("empty file (0 bytes)")
            head = file.read(HEAD_BYTES)
            file.seek(0)
            if is_raw(path, head):
                return of_raw(), None
            try:
                return _open(file, use, of_raw), None
            except ImageError:
                raise
            except Exception as error:
                repaired = repair(file, error)
                if repaired is None:
                    raise
                return _open(repaired[0], use, of_raw), repaired[1]
    except ImageError:
        raise
    except Exception as error:  # Pillow's readers raise anything on damaged files
        refused = isinstance(error, OSError) and error.errno not in (None, errno.ENOMEM)
        # Without memory libraries call it damage, and the file would be blamed for good.
        if not refused and not has_room(_needs(path, lacks_memory(error))):
            raise ComusError(f"{path}: {OUT_OF_MEMORY}") from error
        raise ImageError(_reason(path, error)) from None


def _open(source: IO[bytes], use: Callable[[Image.Image, IO[bytes]], T], of_raw: Callable[[], T]) -> T:
    with Image.open(source, formats=decoder_plugins.formats()) as image:
        if _is_thumbnail(image):
            return of_raw()
        _check_size(image)
        return use(image, source)


def _needs(path: Path, lacking: bool) -> int:
    """Bytes that are more than enough to decode the image; with less to be had no damage is believed.

    Unless the error says that memory is `lacking`, no more than the bytes of the file can fill: a damaged header that
    promises a huge image must not end a run on a small machine.
    """
    try:
        with Image.open(path, formats=decoder_plugins.formats()) as image:
            pixels = image.width * image.height
    except Exception:  # no image, or no memory for its header
        pixels = 0
    if not lacking and path.is_file():
        pixels = min(pixels, _PIXELS_OF_A_BYTE * path.stat().st_size)
    return AT_HAND + 16 * min(pixels, Image.MAX_IMAGE_PIXELS or pixels)


def _is_thumbnail(image: Image.Image) -> bool:
    """Whether Pillow sees only the thumbnail in a camera raw file."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    tags = image.tag_v2
    return _DNG_VERSION in tags or (_SUB_IFDS in tags and bool(int(tags.get(_NEW_SUBFILE_TYPE, 0)) & 1))


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    limit = Image.MAX_IMAGE_PIXELS
    if width < 1 or height < 1:
        raise ImageError(f"an image of zero size ({width} x {height} pixels)")
    if limit is not None and width * height > limit:  # Pillow itself only warns up to twice the limit
        pixels = f"{width} x {height} = {width * height} pixels"
        raise ImageError(f"too large: {pixels}, the limit is {limit}; reduce its size")


def _reason(path: Path, error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        size = re.search(r"\d+ pixels", text)
        return f"too large: {size[0] if size else text}, the limit is {Image.MAX_IMAGE_PIXELS}; reduce its size"
    if isinstance(error, UnidentifiedImageError):
        return decoder_plugins.advice(describe_file(path))
    if isinstance(error, FileNotFoundError):
        return "no such file" if not path.is_symlink() else "a link to a file that does not exist"
    if isinstance(error, IsADirectoryError):
        return "a folder, not an image file"
    if isinstance(error, PermissionError):
        return "permission denied: make the file readable"
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "a link to itself"
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read from disk: {error.strerror}"
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return f"truncated: the file ends before the image does ({text})"
    return f"damaged or truncated ({text or type(error).__name__})"


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # the image is intact although its EXIF block is not
        return 1


def _stored_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) before EXIF rotation; some versions of Pillow return that of a TIFF rotated."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return int(image.tag_v2[TiffImagePlugin.IMAGEWIDTH]), int(image.tag_v2[TiffImagePlugin.IMAGELENGTH])
    return image.size


def _strips_of(image: Image.Image) -> Callable[[int, int], Image.Image]:
    def strip(top: int, end: int) -> Image.Image:
        full = (top, end) == (0, image.height)
        return _as_rgb(image if full else image.crop((0, top, image.width, end)))

    return strip


def _strips_of_values(deep: DeepValues) -> Callable[[int, int], Image.Image]:
    return lambda top, end: Image.fromarray(deep.scale(deep.values[top:end]))


def _in_strips(size: tuple[int, int], shrink: int, strip: Callable[[int, int], Image.Image]) -> RgbImage:
    """The image of the parts `strip(top, end)`, each divided by `shrink`, as one (H, W, 3) array."""
    width, height = size
    rows = max(1, _STRIP_PIXELS // width // max(_FRACTIONS)) * max(_FRACTIONS)
    pixels = np.empty((-(-height // shrink), -(-width // shrink), 3), np.uint8)
    for top in range(0, height, rows):
        end = min(height, top + rows)
        part = strip(top, end)
        part = part if part.mode == "RGB" else part.convert("RGB")
        pixels[top // shrink : -(-end // shrink)] = np.asarray(part.reduce(shrink) if shrink > 1 else part)
    return pixels


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _WITH_ALPHA or image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        white = Image.new("RGBA", with_alpha.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, with_alpha)
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert converted is not None  # only an in-place conversion gives None
        return converted
    return image
