"""Which mask file belongs to which image, by name; never by a guess."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NoReturn

from comus_core.errors import DatasetError

# From strict to lax: a file system may have changed the Unicode form or the case.
_FOLDS: tuple[Callable[[str], str], ...] = (
    str,
    lambda name: unicodedata.normalize("NFC", name),
    lambda name: unicodedata.normalize("NFC", name).casefold(),
)


@dataclass(frozen=True)
class Pairing:
    """Image name -> mask name, and the masks without image, sorted."""

    mask_of: Mapping[str, str]
    without_image: tuple[str, ...]


def pair(images: Sequence[str], masks: Sequence[str]) -> Pairing:
    """Match masks to images: `a.jpg` has the mask `a.png` or `a.jpg.png`.

    Both are POSIX paths below their own folder.

    Raises:
        DatasetError: a mask matches several images, or several masks match an image.
    """
    mask_of: dict[str, str] = {}
    free = {mask: _stem(mask) for mask in masks}
    for fold in _FOLDS:
        for form in (str, _stem):  # the full name first, the stem may be ambiguous
            images_of, masks_of = defaultdict(list), defaultdict(list)
            for image in images:
                if image not in mask_of:
                    images_of[fold(form(image))].append(image)
            for mask, stem in free.items():
                masks_of[fold(stem)].append(mask)
            for key, matches in masks_of.items():
                if key not in images_of:
                    continue
                if len(images_of[key]) > 1:
                    _refuse_images(images_of[key], matches[0])
                if len(matches) > 1:
                    _refuse_masks(images_of[key][0], matches)
                mask_of[images_of[key][0]] = matches[0]
                free.pop(matches[0])
    _require_one_each(mask_of, free)
    return Pairing(mask_of, tuple(sorted(free)))


def _require_one_each(mask_of: Mapping[str, str], free: Mapping[str, str]) -> None:
    fold = _FOLDS[-1]
    image_of = {fold(form(image)): image for image in mask_of for form in (_stem, str)}
    for mask, stem in sorted(free.items()):
        if fold(stem) in image_of:
            image = image_of[fold(stem)]
            _refuse_masks(image, [mask_of[image], mask])


def _refuse_images(images: Sequence[str], mask: str) -> NoReturn:
    raise DatasetError(
        f"the mask {mask} matches {len(images)} images ({', '.join(sorted(images)[:4])}): name it like one of them "
        f"including the suffix, such as {sorted(images)[0]}.png, or remove the other images"
    )


def _refuse_masks(image: str, masks: Sequence[str]) -> NoReturn:
    raise DatasetError(
        f"the image {image} has {len(masks)} masks ({', '.join(sorted(masks)[:4])}): keep one and remove the others"
    )


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))
