"""Files that a walk over a folder of images ignores, and their number.

These are hidden files and folders, workspaces, unpacked bundles, and results that COMUS wrote.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from comus_core.datasets.records import IgnoredFiles
from comus_core.errors import WorkspaceError
from comus_core.files.own_folders import DATABASE, OF_BUNDLE, own_kind, read_marker
from comus_core.text import counted

REASONS = {
    "workspace": "in a workspace",
    "own": "in a workspace",
    "bundle": "in an unpacked bundle",
    "results": "results of COMUS",
    "hidden": "hidden",
}
MOST_ENTRIES = 50_000  # counted in ignored folders: listing a folder must stay fast
MOST_PLACES = 5


class OwnFiles:
    """Decides what to ignore in each folder of a walk, and counts the ignored image files.

    A COMUS folder below the start is ignored entirely. In the start itself, which the user chose, only files that COMUS
    wrote are ignored, by their marker, so that images may be in a workspace or beside results. Places are relative to
    `root`; `extensions` are those of the image files that are counted.
    """

    def __init__(self, start: Path, root: Path, extensions: Collection[str]) -> None:
        self.start, self.root, self.extensions = start, root, tuple(extensions)
        self._files = dict.fromkeys(REASONS.values(), 0)
        self._places: dict[str, list[str]] = {reason: [] for reason in REASONS.values()}
        self._inexact: set[str] = set()
        self._entries = 0
        self._listed: set[str] = set()

    def keep(self, folder: Path, subfolders: Sequence[str], names: Sequence[str]) -> tuple[list[str], list[str]]:
        """The subfolders and files to use, sorted."""
        kind = own_kind(subfolders, names)
        names = [name for name in names if kind != "workspace" or not name.startswith(DATABASE)]
        if kind == "results" and not self._note_results(folder):
            kind = None
        if kind is not None and folder != self.start:
            self._ignore_folder(REASONS[kind], folder)
            return [], []
        for name in sorted(name for name in subfolders if name.startswith(".")):
            self._ignore_folder(REASONS["hidden"], folder / name)
        for name in sorted(name for name in names if name.startswith(".")):
            self._ignore_file(REASONS["hidden"], folder / name)
        visible = [name for name in sorted(subfolders) if not name.startswith(".")]
        of_bundle = [name for name in visible if kind == "bundle" and name in OF_BUNDLE]
        for name in of_bundle:
            self._ignore_folder(REASONS["bundle"], folder / name)
        visible = [name for name in visible if name not in of_bundle]
        return visible, self._without_results(folder, sorted(name for name in names if not name.startswith(".")))

    def result(self) -> tuple[IgnoredFiles, ...]:
        """The ignored files so far, by reason; without reasons of no image file."""
        return tuple(
            IgnoredFiles(reason, count, tuple(self._places[reason]), reason not in self._inexact)
            for reason, count in self._files.items()
            if count
        )

    def _note_results(self, folder: Path) -> bool:
        """Note the files that a folder of results lists; whether it was empty before."""
        try:
            marker = read_marker(folder)
        except WorkspaceError:
            return True  # damaged, or of a newer version: its files are unknown
        if marker is None:
            return False
        self._listed |= {os.path.join(folder, *name.split("/")) for name in marker.files}
        return marker.alone

    def _without_results(self, folder: Path, names: list[str]) -> list[str]:
        listed = {name for name in names if self._listed and os.path.join(folder, name) in self._listed}
        for name in sorted(listed):
            self._ignore_file(REASONS["results"], folder / name)
        return [name for name in names if name not in listed]

    def _ignore_folder(self, reason: str, folder: Path) -> None:
        self._count(reason, self._images_below(folder, reason), folder, "/")

    def _ignore_file(self, reason: str, file: Path) -> None:
        self._count(reason, int(self._is_image(file.name)), file, "")

    def _count(self, reason: str, images: int, place: Path, end: str) -> None:
        self._files[reason] += images
        if images and len(self._places[reason]) < MOST_PLACES:
            self._places[reason].append(
                place.relative_to(self.root).as_posix().encode("utf-8", "replace").decode() + end
            )

    def _images_below(self, folder: Path, reason: str) -> int:
        images = 0
        for _, subfolders, names in os.walk(folder):
            images += sum(1 for name in names if self._is_image(name))
            self._entries += len(names) + len(subfolders)
            if self._entries > MOST_ENTRIES:
                self._inexact.add(reason)
                break
        return images

    def _is_image(self, name: str) -> bool:
        return name.lower().endswith(self.extensions)


def not_images(files: int) -> tuple[IgnoredFiles, ...]:
    """Files that are not images; empty if there are none."""
    return (IgnoredFiles("not images", files, ()),) if files else ()


def merge_ignored(groups: Iterable[IgnoredFiles]) -> tuple[IgnoredFiles, ...]:
    """The ignored files of several folders, one entry per reason, in order of appearance."""
    merged: dict[str, IgnoredFiles] = {}
    for group in groups:
        earlier = merged.get(group.reason, IgnoredFiles(group.reason, 0, ()))
        places, exact = (*earlier.places, *group.places)[:MOST_PLACES], earlier.counted and group.counted
        merged[group.reason] = IgnoredFiles(group.reason, earlier.files + group.files, places, exact)
    return tuple(merged.values())


def ignored_json(groups: Iterable[IgnoredFiles]) -> list[dict[str, Any]]:
    """Ignored files as in results: [{`reason`, `files`, `places`, `counted`}]."""
    return [{**asdict(group), "places": list(group.places)} for group in groups]


def ignored_lines(groups: Iterable[Mapping[str, Any]]) -> list[str]:
    """Ignored files in words, one line per reason; from `ignored_json`."""
    lines = []
    for group in groups:
        at_least = "" if group["counted"] else "at least "
        count = at_least + counted(group["files"], "image file" if group["places"] else "file")
        such_as = "such as " if len(group["places"]) == MOST_PLACES else ""
        places = f": {such_as}{', '.join(group['places'])}" if group["places"] else ""
        lines.append(f"ignored {count} ({group['reason']}){places}")
    return lines
