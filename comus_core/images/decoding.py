"""One image file to upright RGB, or an `ImageError` that says in one sentence why not."""

from __future__ import annotations

import errno
import os
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin, UnidentifiedImageError

from comus_core.errors import ImageError
from comus_core.types import RgbImage

_ORIENTATION = 0x0112  # EXIF tag
_SIDEWAYS = (5, 6, 7, 8)  # its values that swap height and width
_WITH_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "DIB", "JPEG2000", "PPM")
_SIGNATURES = (
    (0, b"\xff\xd8", "a JPEG file whose header is damaged or cut off"),
    (0, b"\x89PNG", "a PNG file whose header is damaged or cut off"),
    (0, b"GIF8", "a GIF file whose header is damaged or cut off"),
    (8, b"WEBP", "a WebP file that is damaged or cut off"),
    (0, b"BM", "a BMP file whose header is damaged or cut off"),
    (0, b"II*\0", "a TIFF file that is damaged or cut off, or has pixels of an unknown kind: save it as 8-bit PNG"),
    (0, b"MM\0*", "a TIFF file that is damaged or cut off, or has pixels of an unknown kind: save it as 8-bit PNG"),
    (4, b"ftyp", "a HEIC or AVIF photograph, or a video: save it as JPEG"),
    (0, b"%PDF", "a PDF document, not an image"),
    (0, b"PK\x03\x04", "a ZIP archive, not an image"),
    (0, b"version https://git-lfs", "a Git LFS pointer: fetch the real file with `git lfs pull`"),
)
_SIZE_FIELDS = ((b"\x89PNG", 16, 20, 24), (b"GIF8", 6, 8, 10), (b"BM", 18, 22, 26))  # where width, height begin and end

# What Pillow warns of is either a reason given here or of no weight (a broken EXIF block), and would mar progress bars.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def read_rgb(path: Path) -> RgbImage:
    """The image of a file, upright, as (H, W, 3) uint8 RGB.

    EXIF orientation is applied (a damaged EXIF block counts as none); of an animation or a document of many pages the
    first frame is taken; transparent pixels are laid over white, as viewers do. Grey of 16 bits is divided by 257, so
    that the full range 0-65535 becomes 0-255; 32-bit integers and floats are read as 0-1 (floats only), 0-255 (floats
    only) or 0-65535, whichever is the first that holds all values, and otherwise stretched from their own minimum to
    their maximum (not-a-number counts as 0).

    Raises:
        ImageError: the file is missing, empty, no regular file, unreadable, not an image, damaged, cut off, or beyond
            Pillow's limit of pixels. Holds in every thread: no call changes global state of Pillow or of `warnings`.
    """
    with _opened(path) as image:
        image.load()
        return _to_rgb(_upright(image))


def size_hw(path: Path) -> tuple[int, int]:
    """(height, width) of what `read_rgb` would give, from the header alone.

    Raises:
        ImageError: as `read_rgb`, as far as the header shows it.
    """
    with _opened(path) as image:
        width, height = _stored_size(image)
        return (width, height) if _orientation(image) in _SIDEWAYS else (height, width)


def stored_lay(path: Path) -> tuple[tuple[int, int], int]:
    """(height, width) as stored, and the EXIF orientation, 1 to 8, that `read_rgb` undoes; from the header alone.

    Raises:
        ImageError: as `size_hw`.
    """
    with _opened(path) as image:
        width, height = _stored_size(image)
        orientation = _orientation(image)
        return (height, width), orientation if 2 <= orientation <= 8 else 1


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Pillow's image of a regular file within the limit of pixels; every fault below becomes an `ImageError`."""
    try:
        # O_NONBLOCK: a named pipe called x.jpg must not hang the run; regular files do not care.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise ImageError("not a regular file (a pipe, socket or device)")
            if state.st_size == 0:
                raise ImageError("empty file (0 bytes)")
            with Image.open(file, formats=_FORMATS) as image:
                _check_size(image)
                yield image
    except ImageError:
        raise
    except Exception as error:  # Pillow's format readers let through whatever a damaged file makes them stumble over
        raise ImageError(_reason(path, error)) from None


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
        return _what_it_is(path)
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


def _what_it_is(path: Path) -> str:
    """What a file that Pillow cannot identify seems to be, by its first bytes."""
    with open(path, "rb") as file:
        head = file.read(512)
    for signature, width, height, end in _SIZE_FIELDS:
        if head.startswith(signature) and len(head) >= end and not (any(head[width:height]) and any(head[height:end])):
            return "an image of zero size"
    for offset, signature, words in _SIGNATURES:
        if head[offset:].startswith(signature):
            return words
    if not head.strip(b"\0"):
        return "not an image: the file holds only zero bytes"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "an SVG drawing, not a photograph: save it as PNG"
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page, not an image (a failed download?)"
    return "not an image of a known kind"


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


def _upright(image: Image.Image) -> Image.Image:
    return ImageOps.exif_transpose(image) if 2 <= _orientation(image) <= 8 else image


def _to_rgb(image: Image.Image) -> RgbImage:
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _grey_to_rgb(np.asarray(image))
    if image.mode == "F":
        return _grey_to_rgb(np.nan_to_num(np.asarray(image), nan=0.0, posinf=0.0, neginf=0.0))
    if image.mode in _WITH_ALPHA or image.has_transparency_data:
        picture = image.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        return np.array(Image.alpha_composite(white, picture).convert("RGB"))
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert converted is not None  # only an in-place conversion gives None
        return np.array(converted)
    return np.array(image.convert("RGB"))


def _grey_to_rgb(grey: NDArray[Any]) -> RgbImage:
    low, high = float(grey.min()), float(grey.max())
    values = grey.astype(np.float64)
    if np.issubdtype(grey.dtype, np.floating) and low >= 0 and high <= 1:
        values = values * 255
    elif np.issubdtype(grey.dtype, np.floating) and low >= 0 and high <= 255:
        pass
    elif low >= 0 and high <= 65535:
        values = values / 257
    else:
        values = (values - low) / (high - low) * 255 if high > low else np.zeros_like(values)
    return np.repeat(np.rint(values).astype(np.uint8)[:, :, None], 3, axis=2)
