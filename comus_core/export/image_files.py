"""The image files of an export: copied as they are where other tools read them as the run did, else converted."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PIL import Image

from comus_core.datasets.decoding import read_rgb, stored_lay
from comus_core.errors import ImageError
from comus_core.files.file_names import file_names

SHOWN = (".jpg", ".jpeg", ".png", ".webp", ".bmp")  # what browsers and label tools show
PHOTOGRAPHIC = (*SHOWN[:2], ".webp", ".heic", ".heif", ".avif", ".jfif", ".jpe", ".jp2", ".mpo")  # lossy already
QUALITY = 95  # of a JPEG that is written anew

Made = Literal["copied", "linked", "converted"]


def exported_paths(relatives: Sequence[str], suffixes: Sequence[str], flat: bool) -> dict[str, str]:
    """Path below the folder of the images -> path for the export: valid everywhere, with a suffix that tools read.

    The stems differ too, as labels are named after them. `flat` puts all into one folder. Where all images lie in a
    folder `images`, as beside ground truth, that folder is left out.
    """
    candidates, inside = {}, all(relative.startswith("images/") for relative in relatives)
    for relative in relatives:
        stem, suffix = os.path.splitext(relative.removeprefix("images/") if inside else relative)
        new = (
            suffix
            if suffix in suffixes or (suffixes == SHOWN and suffix.lower() in SHOWN)
            else converted_suffix(suffix, suffixes)
        )
        whole = f"{stem}{suffix.replace('.', '-')}"
        paths = (
            [stem, whole] if not flat else [stem.rpartition("/")[2], stem.replace("/", "_"), whole.replace("/", "_")]
        )
        candidates[relative] = (tuple(f"{path}.stem" for path in paths), new)
    stems = file_names({relative: paths for relative, (paths, _) in candidates.items()})
    return {relative: stems[relative].removesuffix(".stem") + new for relative, (_, new) in candidates.items()}


def converted_suffix(suffix: str, suffixes: Sequence[str]) -> str:
    """The suffix of a file that tools cannot read: JPEG for what is lossy already, else PNG, as far as they read it."""
    if suffix.lower() in PHOTOGRAPHIC or ".png" not in suffixes:
        return ".jpg"
    return ".png"


def put_image(source: Path, target: Path, *, link: bool) -> Made:
    """Put an image file at a place of the export.

    The rule: a file whose suffix stays and that EXIF does not turn is copied byte by byte, or linked. Any other is
    decoded as the run decoded it, so that masks and pixels lie alike in every tool, and written anew: PNG, or JPEG at
    quality 95.

    Raises:
        ImageError: it cannot be read.
    """
    same = _kind(source) == _kind(target)
    if not same or stored_lay(source)[1] != 1:
        target.write_bytes(encoded(source, target.suffix.lower()))
        return "converted"
    target.unlink(missing_ok=True)
    if link:
        target.symlink_to(os.path.abspath(source))
        return "linked"
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        if error.filename == str(source):
            raise ImageError(f"cannot be read from disk: {error.strerror}") from None
        raise
    return "copied"


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    return ".jpg" if suffix == ".jpeg" else suffix


def encoded(source: Path, suffix: str) -> bytes:
    """The bytes of an image file written anew, upright, in 8-bit RGB."""
    file = io.BytesIO()
    kind = {".png": "PNG", ".webp": "WEBP", ".bmp": "BMP"}.get(suffix, "JPEG")
    options = {"quality": QUALITY, "subsampling": 0} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    Image.fromarray(read_rgb(source)).save(file, kind, **options)
    return file.getvalue()
