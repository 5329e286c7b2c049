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
from pathlib import Path, PurePosixPath

from comus_core.errors import DatasetError
from comus_core.files.file_kinds import EXTENSIONS

_LISTS = (Path("ImageSets", "Segmentation"), Path("ImageSets", "Main"))
MASKS = ("SegmentationClass", "SegmentationClassAug", "SegmentationClassPNG")  # the last is labelme's
ALL = "all"  # the split where there are no lists
_IMAGES = "JPEGImages"
_OF_ONE_CLASS = re.compile(r".+_(train|val|trainval|test)")  # "cat_val" in ImageSets/Main lists where cats are and not
_NAME_AND_MORE = re.compile(rf"(.+?({'|'.join(map(re.escape, EXTENSIONS))}))\s+\S.*", re.IGNORECASE)


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
        there: `image_names`, by which a line is understood.

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


def image_names(root: Path) -> dict[str, list[str]]:
    """Path below JPEGImages without suffix -> the image files of it there.

    Raises:
        DatasetError: a folder cannot be listed.
    """

    def refuse(error: OSError) -> None:
        raise DatasetError(f"{error.filename}: {error.strerror}; make the folder readable") from None

    found: dict[str, list[str]] = defaultdict(list)
    for folder, subfolders, names in os.walk(root / _IMAGES, onerror=refuse):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        below = os.path.relpath(folder, root / _IMAGES)
        for name in sorted(name for name in names if not name.startswith(".")):
            path = PurePosixPath(below, name).as_posix()
            stem, suffix = os.path.splitext(path)
            if suffix.lower() in EXTENSIONS:
                found[unicodedata.normalize("NFC", stem)].append(path)
    return found


def mask_names(root: Path) -> list[str]:
    """Every mask in the first of `MASKS` that holds any, as a path below the root; labelme's first holds none."""
    every = (sorted(p.relative_to(root).as_posix() for p in (root / name).rglob("*.png")) for name in MASKS)
    return next(filter(None, every), [])


def mask_stem(name: str) -> str:
    """The stem of a mask's path, as `image_names` has that of its image."""
    return unicodedata.normalize("NFC", os.path.splitext(name.partition("/")[2])[0])


def mask_path(root: Path, stem: str) -> Path | None:
    """The mask of an image, from the first of `MASKS` that has one."""
    names = dict.fromkeys((stem, unicodedata.normalize("NFD", stem)))  # as some systems store accents
    candidates = (root / folder / f"{name}.png" for folder in MASKS for name in names)
    return next((path for path in candidates if path.is_file()), None)


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
    stem, suffix = os.path.splitext(path)
    stem = unicodedata.normalize("NFC", stem if suffix.lower() in EXTENSIONS else path)
    return stem if stem in there else stem.rpartition("/")[2]
