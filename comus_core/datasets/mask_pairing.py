"""Which mask file belongs to which image, by name; never by a guess."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NoReturn

from comus_core.errors import DatasetError

# From strict to lax: a file system may have composed accents anew, or changed the case.
_FOLDS: tuple[Callable[[str], str], ...] = (
    str,
    lambda name: unicodedata.normalize("NFC", name),
    lambda name: unicodedata.normalize("NFC", name).casefold(),
)


@dataclass(frozen=True)
class Pairing:
    """Image name -> mask name; and the masks that belong to no image, sorted."""

    mask_of: Mapping[str, str]
    without_image: tuple[str, ...]


def pair(images: Sequence[str], masks: Sequence[str]) -> Pairing:
    """Find each image's mask: `a.jpg` has the mask `a.png` or `a.jpg.png`.

    Args:
        images: POSIX paths below the folder of the images.
        masks: POSIX paths below the folder of the masks, each with a suffix.

    Raises:
        DatasetError: a mask that fits several images, or an image that several masks fit; names them.
    """
    mask_of: dict[str, str] = {}
    free = {mask: _stem(mask) for mask in masks}
    for fold in _FOLDS:
        for form in (str, _stem):  # the whole name leaves no doubt, the stem may
            named, fitting = defaultdict(list), defaultdict(list)
            for image in images:
                if image not in mask_of:
                    named[fold(form(image))].append(image)
            for mask, stem in free.items():
                fitting[fold(stem)].append(mask)
            for key, chosen in fitting.items():
                if key not in named:
                    continue
                if len(named[key]) > 1:
                    _refuse_images(named[key], chosen[0])
                if len(chosen) > 1:
                    _refuse_masks(named[key][0], chosen)
                mask_of[named[key][0]] = chosen[0]
                free.pop(chosen[0])
    _require_one_each(mask_of, free)
    return Pairing(mask_of, tuple(sorted(free)))


def _require_one_each(mask_of: Mapping[str, str], free: Mapping[str, str]) -> None:
    fold = _FOLDS[-1]
    taken = {fold(form(image)): image for image in mask_of for form in (_stem, str)}
    for mask, stem in sorted(free.items()):
        if fold(stem) in taken:
            image = taken[fold(stem)]
            _refuse_masks(image, [mask_of[image], mask])


def _refuse_images(images: Sequence[str], mask: str) -> NoReturn:
    raise DatasetError(
        f"the mask {mask} fits {len(images)} images ({', '.join(sorted(images)[:4])}): name it as one of them with its "
        f"suffix, such as {sorted(images)[0]}.png, or move the others away"
    )


def _refuse_masks(image: str, masks: Sequence[str]) -> NoReturn:
    raise DatasetError(
        f"the image {image} has {len(masks)} masks ({', '.join(sorted(masks)[:4])}): keep the right one and move "
        "the others away"
    )


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))
