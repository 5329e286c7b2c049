"""One image file to upright RGB, or an `ImageError` that says in one sentence why not."""

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
from comus_core.datasets.damaged_files import rescued
from comus_core.datasets.exif_turns import SIDEWAYS, upright
from comus_core.datasets.pixel_budget import DECODING
from comus_core.errors import ImageError
from comus_core.files.file_kinds import HEAD_BYTES, describe_file, is_raw
from comus_core.types import RgbImage

_ORIENTATION = 0x0112  # EXIF tag
_NEW_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 0x00FE, 0x014A, 0xC612  # TIFF tags
_WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
_STRIP_PIXELS = 2**22  # converted at a time, so that a large image is not held twice over
_FRACTIONS = (8, 4, 2)

T = TypeVar("T")

# What Pillow warns of is either a reason given here or of no weight (a broken EXIF block), and would mar progress bars.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True)
class Decoded:
    """An image and what is to be said of how it was read.

    Attributes:
        pixels: (H, W, 3) uint8, upright.
        notes: sentences; none of an ordinary file.
    """

    pixels: RgbImage
    notes: tuple[str, ...]


def read_rgb(path: Path, at_least: int | None = None) -> RgbImage:
    """The image of a file, upright, as (H, W, 3) uint8 RGB.

    EXIF orientation is applied (a damaged EXIF block counts as none); of an animation or a document of many pages the
    first frame is taken; transparent pixels are laid over white, as viewers do. More than 8 bits become 8 by the rule
    of `bit_depth`: 0-65535 becomes 0-255, and 10 or 12 bits in 16 are stretched. A JPEG that lacks only its end marker
    is read. Raw photographs and some formats need a package (`plugins`).

    Args:
        path: the file.
        at_least: pixels that the shorter side need have: a larger image comes at a half, a quarter or an eighth, the
            smallest that still has them; a JPEG is then decoded at that fraction, others are averaged. None is all.

    Raises:
        ImageError: the file is missing, empty, no regular file, unreadable, not an image, damaged, cut off, beyond
            Pillow's limit of pixels, or of a format that needs a package. Holds in every thread: no call changes
            global state of Pillow or of `warnings`.
    """
    return decode(path, at_least).pixels


def decode(path: Path, at_least: int | None = None) -> Decoded:
    """As `read_rgb`, with what is to be noted of the file; waits while other threads decode too many pixels."""

    def whole(image: Image.Image, source: IO[bytes]) -> Decoded:
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
            image.close()  # Pillow's own copy goes before another thread is let in
            return Decoded(upright(pixels, turn), (note,) if note else ())

    def raw() -> Decoded:
        pixels = decoder_plugins.read_raw(path)
        shrink = fraction((pixels.shape[1], pixels.shape[0]), at_least)
        return Decoded(np.array(Image.fromarray(pixels).reduce(shrink)) if shrink > 1 else pixels, ())

    found, note = _using(path, whole, raw)
    return Decoded(found.pixels, (*found.notes, note)) if note else found


def size_hw(path: Path) -> tuple[int, int]:
    """(height, width) of what `read_rgb` would give, from the header alone.

    Raises:
        ImageError: as `read_rgb`, as far as the header shows it.
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
    """By how much an image of this size may be divided so that its shorter side still has `at_least` pixels."""
    if at_least is None:
        return 1
    return next((k for k in _FRACTIONS if min(size) // k >= at_least), 1)


def _using(path: Path, use: Callable[[Image.Image, IO[bytes]], T], of_raw: Callable[[], T]) -> tuple[T, str | None]:
    """What `use` makes of Pillow's image of a regular file, and a note; every fault becomes an `ImageError`."""
    try:
        # O_NONBLOCK: a named pipe called x.jpg must not hang the run; regular files do not care.
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
                return _opened(file, use, of_raw), None
            except ImageError:
                raise
            except Exception as error:
                saved = rescued(file, error)
                if saved is None:
                    raise
                return _opened(saved[0], use, of_raw), saved[1]
    except ImageError:
        raise
    except Exception as error:  # Pillow's format readers let through whatever a damaged file makes them stumble over
        raise ImageError(_reason(path, error)) from None


def _opened(source: IO[bytes], use: Callable[[Image.Image, IO[bytes]], T], of_raw: Callable[[], T]) -> T:
    with Image.open(source, formats=decoder_plugins.formats()) as image:
        if _is_thumbnail(image):
            return of_raw()
        _check_size(image)
        return use(image, source)


def _is_thumbnail(image: Image.Image) -> bool:
    """Whether Pillow sees of a raw photograph only the small picture that cameras put before it."""
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
        raise ImageError(f"too large: {pixels}, the limit is {limit}; scale it down")


def _reason(path: Path, error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        size = re.search(r"\d+ pixels", text)
        return f"too large: {size[0] if size else text}, the limit is {Image.MAX_IMAGE_PIXELS}; scale it down"
    if isinstance(error, UnidentifiedImageError):
        return decoder_plugins.advice(describe_file(path))
    if isinstance(error, FileNotFoundError):
        return "no such file" if not path.is_symlink() else "a link to a file that does not exist"
    if isinstance(error, IsADirectoryError):
        return "a folder, not an image file"
    if isinstance(error, PermissionError):
        return "permission denied: make the file readable"
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "a link that leads back to itself"
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read from disk: {error.strerror}"
    if isinstance(error, MemoryError):
        return "not enough memory to decode it"
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return f"truncated: the file ends before the picture does ({text})"
    return f"damaged or cut off ({text or type(error).__name__})"


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # the picture is whole although its EXIF block is not
        return 1


def _stored_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) before turning; Pillow gives that of a TIFF already turned in some versions."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return int(image.tag_v2[TiffImagePlugin.IMAGEWIDTH]), int(image.tag_v2[TiffImagePlugin.IMAGELENGTH])
    return image.size


def _strips_of(image: Image.Image) -> Callable[[int, int], Image.Image]:
    def strip(top: int, end: int) -> Image.Image:
        whole = (top, end) == (0, image.height)
        return _as_rgb(image if whole else image.crop((0, top, image.width, end)))

    return strip


def _strips_of_values(deep: DeepValues) -> Callable[[int, int], Image.Image]:
    return lambda top, end: Image.fromarray(deep.scale(deep.values[top:end]))


def _in_strips(size: tuple[int, int], shrink: int, strip: Callable[[int, int], Image.Image]) -> RgbImage:
    """The picture that `strip(top, end)` gives in parts, each divided by `shrink`, as one (H, W, 3) array."""
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
        picture = image.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, picture)
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert converted is not None  # only an in-place conversion gives None
        return converted
    return image
