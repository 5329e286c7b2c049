"""The folder layouts of COCO data sets, by COCO itself and by tools that export it."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from comus_core.datasets.file_walk import walk_files
from comus_core.errors import DatasetError

_BESIDE = "_annotations.coco.json"  # Roboflow's, in the folder of the images
_SINGLE = ("result.json", "result_coco.json", "labels.json")  # Label Studio's, beside images/; FiftyOne's, beside data/
_TASKS = ("instances_", "captions_", "person_keypoints_", "panoptic_", "stuff_", "image_info_")


@dataclass(frozen=True)
class CocoFiles:
    """The annotation file of a split, and the folder of its images.

    Attributes:
        root: the folder that image paths are relative to.
        folder: of the images, relative to the root; "" for the root itself.
        own_folder: whether all images of this split are in `folder`.
    """

    root: Path
    annotations: Path
    folder: str
    own_folder: bool


def list_splits(spec: str, root: Path) -> tuple[str, ...]:
    """The names of the splits, sorted.

    Raises:
        DatasetError: there is no annotation file, or two for one split.
    """
    return tuple(sorted(_annotation_files(spec, root)))


def find_files(spec: str, root: Path, split: str) -> CocoFiles:
    """The files of a split.

    Raises:
        DatasetError: see `list_splits`; or there is no such split.
    """
    file_of = _annotation_files(spec, root)
    if split not in file_of:
        known_splits = ", ".join(f"{name} ({file_of[name].relative_to(root).as_posix()})" for name in sorted(file_of))
        raise DatasetError(f"data set '{spec}': no split '{split}' in {root}; choose one of {known_splits}")
    annotations = file_of[split]
    if annotations.name == _BESIDE:
        folder = annotations.parent.relative_to(root).as_posix().removeprefix(".")
    else:
        folder = next((name for name in (split, f"images/{split}", "images", "data", "") if (root / name).is_dir()), "")
    return CocoFiles(root, annotations, folder, own_folder=len(file_of) > 1)


def _annotation_files(spec: str, root: Path) -> dict[str, Path]:
    """Split -> its annotation file."""
    files_of: dict[str, list[Path]] = defaultdict(list)
    for split, path in _all_annotations(root):
        files_of[split].append(path)
    duplicate = next((name for name, paths in files_of.items() if len(paths) > 1), None)
    if duplicate is not None:
        names = " and ".join(path.relative_to(root).as_posix() for path in files_of[duplicate])
        raise DatasetError(f"data set '{spec}': the split '{duplicate}' has the annotations {names}; keep one of them")
    if not files_of:
        raise DatasetError(f"data set '{spec}': {_nothing_found(root)}")
    return {name: paths[0] for name, paths in files_of.items()}


def _all_annotations(root: Path) -> Iterator[tuple[str, Path]]:
    """(split, annotation file) in all known layouts."""
    for path in sorted((root / "annotations").glob("*.json")):
        if path.name.startswith("instances_"):
            yield path.stem.removeprefix("instances_"), path
        elif not path.name.startswith((*_TASKS, ".")):
            yield path.stem, path
    for path in (root / _BESIDE, *sorted(root.glob(f"*/{_BESIDE}"))):
        if path.is_file():
            yield path.resolve().parent.name, path
    yield from ((path.stem, path) for path in (root / name for name in _SINGLE) if path.is_file())


def _nothing_found(root: Path) -> str:
    folder = root / "annotations"
    if folder.is_dir():
        return f"no instances_SPLIT.json in {folder}"
    below = sorted(path.parent for path in root.glob("*/annotations") if any(path.glob("*.json")))  # Supervisely's
    suggestion = f"; did you mean {' or '.join(map(str, below[:4]))}?" if below else ""
    return (
        f"no folder {folder}; ROOT must contain annotations/, or SPLIT/{_BESIDE} (Roboflow), or {_SINGLE[0]} "
        f"(Label Studio), or {_SINGLE[-1]} (FiftyOne){suggestion}"
    )


class ImageFinder:
    """Finds the files of annotated images, also by paths from another machine."""

    def __init__(self, files: CocoFiles) -> None:
        self._files = files

    def find(self, file_name: str) -> str | None:
        """The path of an image below the root, or None if there is no such file.

        A name is relative to the folder of the images, to the root, or to the annotation file. Else the file whose path
        shares the longest end with the name is used: annotations may contain paths of another machine.

        Raises:
            DatasetError: several files share the longest end.
        """
        root = self._files.root
        beside = self._files.annotations.parent.relative_to(root).as_posix()
        names = dict.fromkeys([file_name, _portable(file_name), unquote(_portable(file_name))])
        for name in names:
            if _stays_below(name):
                for folder in dict.fromkeys([self._files.folder, "", beside]):
                    path = PurePosixPath(folder, name)
                    if os.path.exists(root / path):
                        return path.as_posix()
        return next((match for name in names if (match := self._by_end(_portable(name)))), None)

    def _by_end(self, name: str) -> str | None:
        parts = _folded(name)
        candidates = self._by_name.get(parts[-1], []) if parts else []
        shared = {path: _shared_end(parts, _folded(path)) for path in candidates}
        best = [path for path in candidates if shared[path] == max(shared.values())]
        if len(best) > 1:
            raise DatasetError(
                f"{self._files.annotations}: the image '{name}' is ambiguous: {' or '.join(best[:4])}; set file_name "
                f"to its path below {self._files.root}, or remove the others"
            )
        return best[0] if best else None

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """Folded file name -> paths below the root; only of the split's own folder where there are other splits."""
        root = self._files.root
        start = root / self._files.folder if self._files.own_folder else root
        paths: dict[str, list[str]] = defaultdict(list)
        for path in walk_files(start, root, []):
            paths[_folded(path.name)[-1]].append(path.relative_to(root).as_posix())
        return paths


def _portable(name: str) -> str:
    """A name without Windows separators, drive, URL or parent folders, which belong to another machine."""
    text = name.replace("\\", "/")
    if "://" in text:
        text = text.partition("://")[2].partition("/")[2]
    if "?d=" in text:  # Label Studio's local files
        text = unquote(text.partition("?d=")[2])
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if parts and len(parts[0]) == 2 and parts[0][1] == ":":
        parts = parts[1:]
    while ".." in parts:
        parts = parts[parts.index("..") + 1 :]
    return "/".join(parts)


def _stays_below(name: str) -> bool:
    return bool(name) and not name.startswith("/") and ".." not in name.split("/") and "\0" not in name


def _folded(path: str) -> list[str]:
    return unicodedata.normalize("NFC", path).casefold().split("/")


def _shared_end(first: list[str], second: list[str]) -> int:
    """The number of equal parts at the end."""
    pairs = zip(reversed(first), reversed(second), strict=False)
    return next((k for k, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
