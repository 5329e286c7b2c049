"""Where a PASCAL VOC folder holds its images, masks and lists of images."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

from comus_core.errors import DatasetError
from comus_core.images.kinds import EXTENSIONS

_LISTS = (Path("ImageSets", "Segmentation"), Path("ImageSets", "Main"))
MASKS = ("SegmentationClass", "SegmentationClassAug", "SegmentationClassPNG")  # the last is labelme's
_OF_ONE_CLASS = re.compile(r".+_(train|val|trainval|test)")  # "cat_val" in ImageSets/Main lists where cats are and not
_NAME_AND_MORE = re.compile(rf"(.+?({'|'.join(map(re.escape, EXTENSIONS))}))\s+\S.*", re.IGNORECASE)


def find_root(spec: str, given: Path) -> Path:
    """The folder that holds JPEGImages, from that folder itself, VOCdevkit, or the one that holds it.

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
    raise DatasetError(
        f"data set '{spec}': {given} is neither VOC2012, VOCdevkit nor the folder that holds it "
        f"(it should contain JPEGImages and {_LISTS[0]} or {_LISTS[1]})"
    )


def list_splits(spec: str, given: Path) -> tuple[str, ...]:
    """The names of the splits, sorted.

    Raises:
        DatasetError: no VOC folder.
    """
    return _splits(_lists_folder(find_root(spec, given)))


def split_file(root: Path, split: str) -> Path:
    """The list of a split.

    Raises:
        DatasetError: there is no such split.
    """
    folder = _lists_folder(root)
    if split not in _splits(folder):
        there = ", ".join(_splits(folder)) or "none"
        raise DatasetError(f"no split '{split}' in {folder}: there are {there}")
    return folder / f"{split}.txt"


def read_split(root: Path, split: str) -> list[str]:
    """The stems of a split, each once; lists of paths ("/JPEGImages/x.jpg /SegmentationClassAug/x.png") will do.

    Raises:
        DatasetError: there is no such split, or it cannot be read or lists nothing.
    """
    listing = split_file(root, split)
    try:
        lines = listing.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"split {listing}: {error}; it should hold one image name a line") from None
    stems = [_stem(line.strip()) for line in lines if line.strip()]
    if not stems:
        raise DatasetError(f"split {listing}: lists no image")
    return list(dict.fromkeys(stems))


def image_names(root: Path) -> dict[str, list[str]]:
    """Stem -> the image files of it in JPEGImages.

    Raises:
        DatasetError: the folder cannot be listed.
    """
    found: dict[str, list[str]] = defaultdict(list)
    try:
        with os.scandir(root / "JPEGImages") as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as error:
        raise DatasetError(f"{root / 'JPEGImages'}: {error.strerror}; make the folder readable") from None
    for name in names:
        stem, suffix = os.path.splitext(name)
        if suffix.lower() in EXTENSIONS and not name.startswith("."):
            found[unicodedata.normalize("NFC", stem)].append(name)
    return found


def mask_names(root: Path) -> list[str]:
    """Every mask in the first of `MASKS` that there is, as a path below the root."""
    folder = next((root / name for name in MASKS if (root / name).is_dir()), None)
    return [] if folder is None else sorted(p.relative_to(root).as_posix() for p in folder.glob("*.png"))


def mask_stem(name: str) -> str:
    """The stem of a mask's path, as `image_names` has that of its image."""
    return unicodedata.normalize("NFC", os.path.splitext(name.rpartition("/")[2])[0])


def mask_path(root: Path, stem: str) -> Path | None:
    """The mask of an image, from the first of `MASKS` that has one."""
    names = dict.fromkeys((stem, unicodedata.normalize("NFD", stem)))  # as some systems store accents
    candidates = (root / folder / f"{name}.png" for folder in MASKS for name in names)
    return next((path for path in candidates if path.is_file()), None)


def has_masks(root: Path) -> bool:
    """Whether there is any folder of masks."""
    return any((root / folder).is_dir() for folder in MASKS)


def _is_root(folder: Path) -> bool:
    return (folder / "JPEGImages").is_dir() and any((folder / lists).is_dir() for lists in _LISTS)


def _lists_folder(root: Path) -> Path:
    """Where the splits are: those of segmentation if there are any, else those of whole images."""
    return next((root / lists for lists in _LISTS if any((root / lists).glob("*.txt"))), root / _LISTS[0])


def _splits(folder: Path) -> tuple[str, ...]:
    names = sorted(path.stem for path in folder.glob("*.txt"))
    return tuple(name for name in names if folder.name != "Main" or not _OF_ONE_CLASS.fullmatch(name))


def _stem(line: str) -> str:
    """The name that a line gives, without folder and suffix; what stands behind a file's name is its mask's."""
    match = _NAME_AND_MORE.fullmatch(line)
    name = (match[1] if match else line).replace("\\", "/").rpartition("/")[2]
    stem, suffix = os.path.splitext(name)
    return unicodedata.normalize("NFC", stem if suffix.lower() in EXTENSIONS else name)
