"""A folder of images, and one that holds `images/`, `masks/` and `classes.txt`."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from comus_core.errors import DatasetError
from comus_core.images.index_masks import check_indices, check_size, read_index_mask
from comus_core.images.records import Dataset, ImageFile, SkippedFile, by_image_id, image_file, slug
from comus_core.types import ImageId, IndexMask

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tiff", ".tif", ".gif")
BACKGROUND = "background"


@dataclass(frozen=True)
class FolderTruth:
    """Masks of the same stem as their image.

    Attributes:
        class_file: the list of names, or None if they were made from the ids found.
        found_ids: the ids that the classes stand for, in their order, or None if id and class index are the same.
    """

    classes: tuple[str, ...]
    ignore: int | None
    masks: Mapping[ImageId, Path]
    images: Mapping[ImageId, Path]
    class_file: Path | None
    found_ids: tuple[int, ...] | None

    def has(self, image_id: ImageId) -> bool:
        """Whether a mask of this image's stem lies in `masks/`."""
        return image_id in self.masks

    def mask(self, image_id: ImageId) -> IndexMask:
        """See `GroundTruth.mask`."""
        if image_id not in self.masks:
            raise DatasetError(f"image '{image_id}': no mask of the same stem in the folder masks/")
        path = self.masks[image_id]
        mask = read_index_mask(path)
        check_size(mask, path, self.images[image_id])
        if self.found_ids is not None:
            mask = self._dense(mask, path)
        check_indices(mask, path, len(self.classes), self.ignore)
        return mask

    def files(self) -> tuple[Path, ...]:
        """See `GroundTruth.files`."""
        return tuple(sorted({*self.masks.values(), *([self.class_file] if self.class_file else [])}))

    def _dense(self, mask: IndexMask, path: Path) -> IndexMask:
        assert self.found_ids is not None and self.ignore is not None
        known = {found: index for index, found in enumerate(self.found_ids)} | {self.ignore: self.ignore}
        unknown = sorted({int(i) for i in np.unique(mask)} - set(known))
        if unknown:
            raise DatasetError(f"ground-truth mask {path}: ids {unknown} appeared after the folder was opened")
        table = np.zeros(max(known) + 1, dtype=np.uint8 if max(known.values()) <= 255 else np.uint16)
        table[list(known)] = list(known.values())
        return table[mask]


def open_folder(spec: str, root: Path) -> Dataset:
    """The images below a folder, with ground truth if it holds `images/` and `masks/`.

    Hidden files and folders are skipped; a folder reached twice through links is read once. A mask is a PNG with its
    image's path below `masks/`; an image without one simply has no ground truth.

    Raises:
        DatasetError: no such folder, no image in it, a bad class list, or masks without any class.
    """
    found, set_aside, labelled = list_images(spec, root)
    files = by_image_id(found)
    truth = _open_truth(root, files) if labelled else None
    return Dataset(spec, slug(root.resolve().name), root, files, truth, False, tuple(set_aside))


def list_images(spec: str, root: Path) -> tuple[list[ImageFile], list[SkippedFile], bool]:
    """The images of a folder's data set, what cannot be used, and whether masks lie beside them.

    Raises:
        DatasetError: no such folder, or no image in it.
    """
    _require_folder(spec, root)
    labelled = (root / "images").is_dir() and (root / "masks").is_dir()
    found, set_aside = find_images(root, root / "images" if labelled else root)
    if not found:
        raise DatasetError(_nothing_found(root / "images" if labelled else root, set_aside))
    return found, set_aside, labelled


def find_images(root: Path, start: Path) -> tuple[list[ImageFile], list[SkippedFile]]:
    """The image files below `start`, by extension, with paths relative to `root`; and what cannot be used."""
    files: list[ImageFile] = []
    skipped: list[SkippedFile] = []
    for path in _walk(start, root, skipped):
        relative = path.relative_to(root).as_posix()
        if path.suffix.lower() not in EXTENSIONS:
            continue
        reason = _unusable(path)
        if reason:
            skipped.append(SkippedFile(_printable(relative), reason))
        else:
            files.append(image_file(root, relative))
    return files, sorted(skipped, key=lambda file: file.path)


def _walk(start: Path, root: Path, skipped: list[SkippedFile]) -> Iterator[Path]:
    """Every visible file below `start`, each folder once, in a fixed order."""

    def note(error: OSError) -> None:
        relative = Path(error.filename).relative_to(root).as_posix()
        skipped.append(SkippedFile(_printable(relative) + "/", f"folder cannot be read: {error.strerror}"))

    seen: set[tuple[int, int]] = set()
    for folder, subfolders, names in os.walk(start, followlinks=True, onerror=note):
        state = os.stat(folder)
        if (state.st_dev, state.st_ino) in seen:
            subfolders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def _unusable(path: Path) -> str | None:
    if _printable(str(path)) != str(path):
        return "the file name is not valid UTF-8: rename it"
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return "a link to a file that does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if regular else "not a regular file (a pipe, socket or device)"


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _require_folder(spec: str, root: Path) -> None:
    if root.is_dir():
        return
    if root.exists():
        raise DatasetError(f"data set '{spec}': {root} is a file; give the folder that holds the images")
    raise DatasetError(
        f"data set '{spec}': no such folder {root}; give a folder, voc:ROOT:SPLIT, coco:ROOT:SPLIT or demo"
    )


def _nothing_found(folder: Path, set_aside: Iterable[SkippedFile]) -> str:
    reasons = "".join(f"; {file.path}: {file.reason}" for file in list(set_aside)[:3])
    kinds = ", ".join(extension[1:] for extension in EXTENSIONS)
    return f"no image in {folder} or the folders below it (looked for {kinds}){reasons}"


def _open_truth(root: Path, files: tuple[ImageFile, ...]) -> FolderTruth:
    stems = {
        path.relative_to(root / "masks").with_suffix("").as_posix(): path
        for path in _walk(root / "masks", root, [])
        if path.suffix.lower() == ".png"
    }
    wanted = {file.image_id: PurePosixPath(file.relative).relative_to("images").with_suffix("") for file in files}
    masks = {image_id: stems[str(stem)] for image_id, stem in wanted.items() if str(stem) in stems}
    if not masks:
        raise DatasetError(
            f"{root}: no file in masks/ has the stem of an image in images/; name a mask as its image, ending in .png, "
            "or move the folder masks/ elsewhere"
        )
    images = {file.image_id: file.path for file in files}
    class_file = root / "classes.txt"
    if class_file.is_file():
        classes = read_classes(class_file)
        ignore = 255 if len(classes) <= 255 else 65535
        return FolderTruth(classes, ignore, masks, images, class_file, None)
    ids = _ids_of(masks.values(), root)
    return FolderTruth((BACKGROUND, *(f"class {i}" for i in ids[1:])), 255, masks, images, None, ids)


def read_classes(path: Path) -> tuple[str, ...]:
    """The names in a class list, "background" first.

    Raises:
        DatasetError: unreadable, a name twice, or none at all.
    """
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"class list {path}: {error}; write one name a line in UTF-8") from None
    if not names or names[0] != BACKGROUND:
        names.insert(0, BACKGROUND)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatasetError(f"class list {path}: {', '.join(twice)} more than once; a name stands for one class")
    if len(names) == 1:
        raise DatasetError(f"class list {path}: no class besides background; write one name a line")
    return tuple(names)


def _ids_of(paths: Iterable[Path], root: Path) -> tuple[int, ...]:
    """The ids that occur in the masks, ascending, 0 first and 255 (ignore) left out."""
    with ThreadPoolExecutor(4) as threads:
        found = set[int]().union(*threads.map(lambda path: {int(i) for i in np.unique(read_index_mask(path))}, paths))
    ids = sorted(found - {0, 255})
    if not ids:
        raise DatasetError(
            f"{root}/masks: no class in any mask, only {sorted(found)} (0 is background, 255 is ignored); "
            "number the classes from 1"
        )
    if len(ids) > 254:
        raise DatasetError(f"{root}/masks: {len(ids)} different ids; add classes.txt with one name a line")
    return (0, *ids)
