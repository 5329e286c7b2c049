"""Where a PASCAL VOC folder holds its images, masks and lists of images.

labelme writes no lists: then all images are one split, `all`. CVAT keeps the folders of its tasks below `JPEGImages`
and `SegmentationClass`: an image is known by its path there, without suffix.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from comus_core.datasets.file_walk import find_images
from comus_core.datasets.records import PassedOver, SkippedFile
from comus_core.errors import DatasetError
from comus_core.files.file_kinds import EXTENSIONS

_LISTS = (Path("ImageSets", "Segmentation"), Path("ImageSets", "Main"))
MASKS = ("SegmentationClass", "SegmentationClassAug", "SegmentationClassPNG")  # the last is labelme's
ALL = "all"  # the split where there are no lists
_IMAGES = "JPEGImages"
_OF_ONE_CLASS = re.compile(r".+_(train|val|trainval|test)")  # "cat_val" in ImageSets/Main lists where cats are and not
_NAME_AND_MORE = re.compile(rf"(.+?({'|'.join(map(re.escape, EXTENSIONS))}))\s+\S.*", re.IGNORECASE)


@dataclass(frozen=True)
class VocImages:
    """The images of a VOC folder.

    Attributes:
        names: path below JPEGImages without suffix, as `image_stem` has it -> the image files of it there.
        set_aside: what cannot be used there, with paths below the root.
        passed_over: what was left out there.
    """

    names: Mapping[str, list[str]]
    set_aside: tuple[SkippedFile, ...]
    passed_over: tuple[PassedOver, ...]


def find_root(spec: str, given: Path) -> Path:
    """The folder that holds JPEGImages, and lists or masks: that folder itself, VOCdevkit, or the one that holds it.

    Raises:
        DatasetError: there is none, or there are several.
    """
    if _is_root(given):
        return given
    if not given.is_dir():
        raise DatasetError(f"data set '{spec}': no such folder {given}")
    found = [path for base in (given / "VOCdevkit", given) for path in sorted(base.glob("VOC[0-9]*"))]
    roots = [path for path in (given / "VOCdevkit", *found) if _is_root(path)]
    if len(roots) > 1:
        raise DatasetError(f"data set '{spec}': give one of {' and '.join(map(str, roots))} as ROOT, not {given}")
    if roots:
        return roots[0]
    if _has_labels(given):
        raise DatasetError(
            f"data set '{spec}': {given} holds no folder {_IMAGES}; put the images there (CVAT: export with images)"
        )
    raise DatasetError(
        f"data set '{spec}': {given} is neither VOC2012, VOCdevkit nor the folder that holds it "
        f"(it should contain {_IMAGES}, and {_LISTS[0]}, {_LISTS[1]} or {MASKS[0]})"
    )


def list_splits(spec: str, given: Path) -> tuple[str, ...]:
    """The names of the splits, sorted.

    Raises:
        DatasetError: no VOC folder.
    """
    return _splits(find_root(spec, given))


def split_file(root: Path, split: str) -> Path:
    """The list of a split; the folder of the images where there are no lists.

    Raises:
        DatasetError: there is no such split.
    """
    folder = _lists_folder(root)
    if split not in _splits(root):
        where = folder if folder is not None else f"{root}, which holds no lists of images"
        raise DatasetError(f"no split '{split}' in {where}: there are {', '.join(_splits(root))}")
    return root / _IMAGES if folder is None else folder / f"{split}.txt"


def read_split(root: Path, split: str, there: Mapping[str, object]) -> list[str]:
    """The stems of a split, each once; lists of paths ("/JPEGImages/x.jpg /SegmentationClassAug/x.png") will do.

    Args:
        root: of the data set.
        split: its name.
        there: `VocImages.names`, by which a line is understood.

    Raises:
        DatasetError: there is no such split, or it cannot be read or lists nothing.
    """
    listing = split_file(root, split)
    if listing.is_dir():
        return sorted(there)
    try:
        lines = listing.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"split {listing}: {error}; it should hold one image name a line") from None
    stems = [_stem(line.strip(), there) for line in lines if line.strip()]
    if not stems:
        raise DatasetError(f"split {listing}: lists no image")
    return list(dict.fromkeys(stems))


def find_voc_images(root: Path) -> VocImages:
    """The images in JPEGImages and the folders below it, found as in any folder: by name, else by first bytes."""
    files, set_aside, passed_over = find_images(root, root / _IMAGES)
    found: dict[str, list[str]] = defaultdict(list)
    for file in files:
        name = file.relative.removeprefix(f"{_IMAGES}/")
        found[image_stem(name)].append(name)
    return VocImages(found, tuple(set_aside), passed_over)


def image_stem(name: str) -> str:
    """An image's path without the suffix of a kind of image; other dots belong to its name."""
    stem, suffix = os.path.splitext(name)
    return unicodedata.normalize("NFC", stem if suffix.lower() in EXTENSIONS else name)


def has_masks(root: Path) -> bool:
    """Whether there is any folder of masks."""
    return any((root / folder).is_dir() for folder in MASKS)


def _is_root(folder: Path) -> bool:
    return (folder / _IMAGES).is_dir() and _has_labels(folder)


def _has_labels(folder: Path) -> bool:
    return has_masks(folder) or any((folder / lists).is_dir() for lists in _LISTS)


def _lists_folder(root: Path) -> Path | None:
    """Where the splits are: those of segmentation if there are any, else those of whole images, if there are any."""
    return next((root / lists for lists in _LISTS if _lists(root / lists)), None)


def _splits(root: Path) -> tuple[str, ...]:
    folder = _lists_folder(root)
    return (ALL,) if folder is None else _lists(folder)


def _lists(folder: Path) -> tuple[str, ...]:
    names = sorted(path.stem for path in folder.glob("*.txt"))
    return tuple(name for name in names if folder.name != "Main" or not _OF_ONE_CLASS.fullmatch(name))


def _stem(line: str, there: Mapping[str, object]) -> str:
    """The path below JPEGImages that a line gives, without suffix, if an image is there, else the name alone.

    What stands behind a file's name is its mask's.
    """
    match = _NAME_AND_MORE.fullmatch(line)
    path = (match[1] if match else line).replace("\\", "/").rpartition(f"{_IMAGES}/")[2].lstrip("/")
    stem = image_stem(path)
    return stem if stem in there else stem.rpartition("/")[2]
