"""A folder of masks or soft maps, one file per image, for `masks:DIR`."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from comus_core.errors import DatasetError
from comus_core.files.atomic import sha256_of
from comus_core.types import ImageId, SoftMap

SUFFIXES = (".png", ".npy", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
_COCO_DIGITS = 12  # COCO's file names are ids with leading zeros
_VOID = 255  # of palette masks


@dataclass(frozen=True)
class MasksFolder:
    """A folder of masks, named like their images, at the same relative path or at the top.

    Binary masks are boolean and signed integer arrays, palette and 1-bit images (index 0, and 255 beside other indices,
    is background), and grey images if no grey file of the folder exceeds 1. Soft maps are all other grey images and
    unsigned arrays, divided by the largest value of their type, and float arrays in [0, 1].
    """

    folder: Path

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise DatasetError(f"masks:{self.folder}: no such folder")

    def find(self, image_id: ImageId) -> Path | None:
        """The file of an image, or None; by the exact name, else by its composed Unicode form."""
        names = list(self._candidates(image_id))
        match = next((name for name in names if name in self._names), None)
        if match is None:
            composed = (unicodedata.normalize("NFC", name) for name in names)
            match = next((self._composed[name] for name in composed if name in self._composed), None)
        return None if match is None else self.folder / match

    def read(self, image_id: ImageId) -> SoftMap | None:
        """The soft map of an image at the size of its file, (h, w) float32 in [0, 1]; None without a file.

        Raises:
            DatasetError: the file is damaged, coloured, or has values out of range.
        """
        file = self.find(image_id)
        if file is None:
            return None
        values, hard = _decode(file)
        if hard or (self._zero_one and np.issubdtype(values.dtype, np.integer)):
            return (values > 0).astype(np.float32)
        if np.issubdtype(values.dtype, np.integer):
            return (values / np.float64(np.iinfo(values.dtype).max)).astype(np.float32)
        if not (values.min() >= 0 and values.max() <= 1):
            raise DatasetError(f"{file}: values must be finite and between 0 and 1; correct the soft map")
        return values.astype(np.float32)

    def match(self, image_ids: Sequence[ImageId]) -> tuple[dict[ImageId, Path], list[ImageId]]:
        """The file of every image that has one, and the images without file.

        Raises:
            DatasetError: no image has a file, or two images would share one.
        """
        pairs = [(i, self.find(i)) for i in image_ids]
        file_of = {i: file for i, file in pairs if file is not None}
        if image_ids and not file_of:
            raise DatasetError(
                f"masks:{self.folder}: no masks for the {len(image_ids)} images, such as '{image_ids[0]}'; name each "
                f"mask like its image, with one of the suffixes {', '.join(SUFFIXES)}"
            )
        owners: dict[Path, ImageId] = {}
        for image_id, file in file_of.items():
            if owners.setdefault(file, image_id) != image_id:
                raise DatasetError(
                    f"masks:{self.folder}: '{owners[file]}' and '{image_id}' share the mask {file.name}; "
                    f"name their masks '{owners[file]}.png' and '{image_id}.png'"
                )
        return file_of, [i for i, file in pairs if file is None]

    def fingerprint(self, files: Iterable[Path]) -> str:
        """A hash of the relative names and contents of these files, and of the meaning of grey values."""
        total = hashlib.sha256(b"zero-one" if self._zero_one else b"full range")
        for file in sorted(files):
            total.update(f"{file.relative_to(self.folder).as_posix()}\0{sha256_of(file)}\n".encode())
        return total.hexdigest()

    @cached_property
    def _names(self) -> frozenset[str]:
        """Every file below the folder."""
        files = (f for f in self.folder.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())
        return frozenset(f.relative_to(self.folder).as_posix() for f in files)

    @cached_property
    def _composed(self) -> dict[str, str]:
        """Composed Unicode form of a name -> its name."""
        return {unicodedata.normalize("NFC", name): name for name in sorted(self._names)}

    @cached_property
    def _zero_one(self) -> bool:
        """Whether grey values are 0 and 1; decided per folder, as a faint soft map may not exceed 1 of 255."""
        return all(values.max(initial=0) <= 1 for values in self._integer_files())

    def _integer_files(self) -> Iterator[NDArray[Any]]:
        for name in sorted(self._names):
            try:
                values, hard = _decode(self.folder / name)
            except DatasetError:
                continue  # reported for its image, if it has one
            if not hard and np.issubdtype(values.dtype, np.integer):
                yield values

    def _candidates(self, image_id: ImageId) -> Iterator[str]:
        path = PurePosixPath(image_id)
        stems = [image_id, str(path.with_suffix("")), path.name, path.stem]
        if image_id.isdecimal():
            stems.append(image_id.zfill(_COCO_DIGITS))
        for stem in dict.fromkeys(stems):
            for suffix in SUFFIXES:
                yield from (stem + suffix, stem + suffix.upper())


def _decode(file: Path) -> tuple[NDArray[Any], bool]:
    """(h, w) values of a file, and whether every non-zero value is foreground."""
    try:
        if file.suffix.lower() == ".npy":
            return _decode_array(file, np.load(file, allow_pickle=False))
        with Image.open(file) as image:
            return _decode_image(file, image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DatasetError(f"cannot read the mask {file} ({error}); replace or remove it") from None


def _decode_array(file: Path, values: NDArray[Any]) -> tuple[NDArray[Any], bool]:
    if values.ndim != 2 or not values.size or values.dtype.kind not in "biuf":
        raise DatasetError(
            f"{file}: must be an array (h, w) of booleans, integers or floats, "
            f"but has shape {values.shape} and type {values.dtype}"
        )
    if values.dtype.kind == "i" and not np.isin(values, (0, 1)).all():
        raise DatasetError(f"{file}: signed integers must be 0 and 1; save a soft map as floats in [0, 1]")
    return values, values.dtype.kind in "bi"


def _decode_image(file: Path, image: Image.Image) -> tuple[NDArray[Any], bool]:
    if image.mode == "1":
        return np.asarray(image), True
    if image.mode == "P":
        indices = np.asarray(image)
        has_classes = bool(((indices > 0) & (indices != _VOID)).any())
        return (indices > 0) & ~(has_classes & (indices == _VOID)), True
    if image.mode == "F":
        return np.asarray(image), False
    if image.mode.startswith("I"):
        return _as_16_bit(file, np.asarray(image)), False  # Pillow opens 16-bit grey as "I" or "I;16"
    if image.mode not in ("L", "LA"):
        channels = np.asarray(image.convert("RGB"))
        if (channels != channels[..., :1]).any():
            raise DatasetError(f"{file}: a mask must be a grey or palette image, or an array (.npy)")
        return channels[..., 0], False
    return np.asarray(image.convert("L")), False


def _as_16_bit(file: Path, values: NDArray[Any]) -> NDArray[np.uint16]:
    if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise DatasetError(f"{file}: grey values of more than 16 bits; save the soft map with 8 or 16 bits")
    return values.astype(np.uint16)
