"""Formats that Pillow reads with plug-ins: HEIC by `pi-heif`, JPEG XL and camera raw files if a package is installed.

Pillow reads AVIF itself. Of the two packages for HEIC the one that only decodes is required: its wheels hold libheif
and libde265 (LGPL 3), those of `pillow-heif` also the encoder x265 (GPL 2).
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image

from comus_core.errors import ImageError
from comus_core.types import RgbImage

_ALWAYS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "DIB", "JPEG2000", "PPM", "AVIF", "QOI", "PSD")
# start of a file's description -> (the format in Pillow, the package to install)
_MISSING = {
    "a HEIC": ("HEIF", "pi-heif"),
    "an AVIF": ("AVIF", "--upgrade pillow"),
    "a JPEG XL": ("JXL", "pillow-jxl-plugin"),
    "a JPEG 2000": ("JPEG2000", "--upgrade pillow"),
}


@lru_cache(maxsize=1)
def formats() -> tuple[str, ...]:
    """The readable formats, by Pillow's names."""
    heif = _installed("pi_heif") or _installed("pillow_heif")
    if heif is not None:
        heif.register_heif_opener()
    _installed("pillow_jxl")  # registers itself
    Image.init()
    return tuple(name for name in (*_ALWAYS, "HEIF", "JXL") if name in Image.OPEN)


def advice(description: str) -> str:
    """The description of an unreadable file, with the package to install if its format needs one."""
    for start, (name, package) in _MISSING.items():
        if description.startswith(start) and name not in formats():
            kind = description.removesuffix(" that is damaged or truncated")
            return f"{kind}: `pip install {package}` to read it, or save it as JPEG"
    return description


def read_raw(path: Path) -> RgbImage:
    """A camera raw file developed with the camera's white balance, upright, (H, W, 3) uint8.

    Raises:
        ImageError: `rawpy` is not installed.
        Exception: any error of rawpy.
    """
    with _rawpy(path).imread(str(path)) as raw:
        developed: RgbImage = raw.postprocess(use_camera_wb=True)
        return developed


def raw_size_hw(path: Path) -> tuple[int, int]:
    """(height, width) of what `read_raw` would give.

    Raises:
        ImageError, Exception: as `read_raw`.
    """
    with _rawpy(path).imread(str(path)) as raw:
        sizes = raw.sizes
        return (sizes.iwidth, sizes.iheight) if sizes.flip in (5, 6) else (sizes.iheight, sizes.iwidth)


def _rawpy(path: Path) -> Any:
    rawpy = _installed("rawpy")
    if rawpy is None:
        kind = path.suffix[1:].upper() or "raw"
        raise ImageError(
            f"a camera raw file ({kind}): `pip install rawpy` to read it, or develop it and save it as JPEG"
        )
    return rawpy


def _installed(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None
