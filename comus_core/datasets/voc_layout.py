"""The layout of a PASCAL VOC folder: images, masks and lists of images.

labelme writes no lists: then all images are one split, `all`. CVAT keeps the folders of its tasks below `JPEGImages`
and `SegmentationClass`: the id of an image is its path there, without suffix.
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
from comus_core.datasets.records import IgnoredFiles, SkippedFile
from comus_core.errors import DatasetError
from comus_core.files.file_kinds import EXTENSIONS

_LISTS = (Path("ImageSets", "Segmentation"), Path("ImageSets", "Main"))
MASKS = ("SegmentationClass", "SegmentationClassAug", "SegmentationClassPNG")  # the last is labelme's
ALL = "all"  # the split without lists
_IMAGES = "JPEGImages"
_OF_ONE_CLASS = re.compile(r".+_(train|val|trainval|test)")  # "cat_val" in ImageSets/Main lists where cats are and not
_NAME_AND_MORE = re.compile(rf"(.+?({'|'.join(map(re.escape, EXTENSIONS))}))\s+\S.*", re.IGNORECASE)


@dataclass(frozen=True)
class VocImages:
    """The images of a VOC folder.

    Attributes:
        names: `image_stem` of a path below JPEGImages -> the files with that stem.
        skipped: unusable files, with paths below the root.
        ignored: see `find_images`.
    """

    names: Mapping[str, list[str]]
    skipped: tuple[SkippedFile, ...]
    ignored: tuple[IgnoredFiles, ...]


def find_root(spec: str, folder: Path) -> Path:
    """The folder of JPEGImages and lists or masks: `folder`, or VOCdevkit or VOC2012 in it.

    Raises:
        DatasetError: there is none, or more than one.
    """
    if _is_root(folder):
        return folder
    if not folder.is_dir():
        raise DatasetError(f"data set '{spec}': no such folder {folder}")
    candidates = [path for base in (folder / "VOCdevkit", folder) for path in sorted(base.glob("VOC[0-9]*"))]
    roots = [path for path in (folder / "VOCdevkit", *candidates) if _is_root(path)]
    if len(roots) > 1:
        raise DatasetError(f"data set '{spec}': choose one of {' and '.join(map(str, roots))} as ROOT, not {folder}")
    if roots:
        return roots[0]
    if _has_labels(folder):
        raise DatasetError(
            f"data set '{spec}': {folder} has no folder {_IMAGES}; copy the images there (CVAT: export with images)"
        )
    raise DatasetError(
        f"data set '{spec}': {folder} is neither VOC2012, VOCdevkit nor the folder that contains it; it must contain "
        f"{_IMAGES}, and {_LISTS[0]}, {_LISTS[1]} or {MASKS[0]}"
    )


def list_splits(spec: str, folder: Path) -> tuple[str, ...]:
    """The names of the splits, sorted.

    Raises:
        DatasetError: no VOC folder.
    """
    return _splits(find_root(spec, folder))


def split_file(root: Path, split: str) -> Path:
    """The list of a split; the folder of the images if there are no lists.

    Raises:
        DatasetError: there is no such split.
    """
    folder = _lists_folder(root)
    if split not in _splits(root):
        where = folder if folder is not None else f"{root}, which has no lists of images"
        raise DatasetError(f"no split '{split}' in {where}: choose one of {', '.join(_splits(root))}")
    return root / _IMAGES if folder is None else folder / f"{split}.txt"


def read_split(root: Path, split: str, names: Mapping[str, object]) -> list[str]:
    """The stems of a split without duplicates; it may list paths ("/JPEGImages/x.jpg /SegmentationClassAug/x.png").

    `names` are `VocImages.names`, to interpret a line.

    Raises:
        DatasetError: there is no such split, or it is unreadable or empty.
    """
    listing = split_file(root, split)
    if listing.is_dir():
        return sorted(names)
    try:
        lines = listing.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"split {listing}: {error}; write one image name per line") from None
    stems = [_stem(line.strip(), names) for line in lines if line.strip()]
    if not stems:
        raise DatasetError(f"split {listing}: lists no images")
    return list(dict.fromkeys(stems))


def find_voc_images(root: Path) -> VocImages:
    """The images in JPEGImages and its subfolders; see `find_images`."""
    files, skipped, ignored = find_images(root, root / _IMAGES)
    names: dict[str, list[str]] = defaultdict(list)
    for file in files:
        name = file.relative.removeprefix(f"{_IMAGES}/")
        names[image_stem(name)].append(name)
    return VocImages(names, tuple(skipped), ignored)


def image_stem(name: str) -> str:
    """An image's path without the suffix of an image format; other dots are part of its name."""
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
    """The folder of the splits: those of segmentation, else those of whole images, else None."""
    return next((root / lists for lists in _LISTS if _lists(root / lists)), None)


def _splits(root: Path) -> tuple[str, ...]:
    folder = _lists_folder(root)
    return (ALL,) if folder is None else _lists(folder)


def _lists(folder: Path) -> tuple[str, ...]:
    names = sorted(path.stem for path in folder.glob("*.txt"))
    return tuple(name for name in names if folder.name != "Main" or not _OF_ONE_CLASS.fullmatch(name))


def _stem(line: str, names: Mapping[str, object]) -> str:
    """The path below JPEGImages in a line, without suffix, if that image exists, else the name alone.

    Text after the file name is the path of its mask.
    """
    match = _NAME_AND_MORE.fullmatch(line)
    path = (match[1] if match else line).replace("\\", "/").rpartition(f"{_IMAGES}/")[2].lstrip("/")
    stem = image_stem(path)
    return stem if stem in names else stem.rpartition("/")[2]
