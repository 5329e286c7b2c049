"""What a walk over a folder of photographs leaves out on purpose, and how many image files that is.

Hidden files and folders, workspaces, unpacked bundles, and what this program wrote into folders of results.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from comus_core.datasets.records import PassedOver
from comus_core.errors import WorkspaceError
from comus_core.files.own_folders import DATABASE, OF_BUNDLE, own_kind, read_marker
from comus_core.text import counted

REASONS = {
    "workspace": "in a workspace of this program",
    "own": "in a workspace of this program",
    "bundle": "in an unpacked bundle of this program",
    "results": "written by this program as results",
    "hidden": "that are hidden",
}
MOST_ENTRIES = 50_000  # looked at in all that is left out: a look at a folder must stay quick
MOST_PLACES = 5


class OwnFiles:
    """Decides what of each folder of a walk is the person's, and counts the image files among the rest.

    A folder of this program's is left out where it is met below the start. The start itself was asked for: of it only
    what this program made there is left out, known by its mark, so that photographs may lie in a workspace or beside
    results.

    Args:
        start: where the walk starts.
        root: what places are told relative to.
        extensions: suffixes by which image files are counted.
    """

    def __init__(self, start: Path, root: Path, extensions: Collection[str]) -> None:
        self.start, self.root, self.extensions = start, root, tuple(extensions)
        self._files = dict.fromkeys(REASONS.values(), 0)
        self._places: dict[str, list[str]] = {reason: [] for reason in REASONS.values()}
        self._cut: set[str] = set()
        self._seen = 0
        self._listed: set[str] = set()

    def keep(self, folder: Path, subfolders: Sequence[str], names: Sequence[str]) -> tuple[list[str], list[str]]:
        """The subfolders to go on with and the files to look at, sorted."""
        kind = own_kind(subfolders, names)
        names = [name for name in names if kind != "workspace" or not name.startswith(DATABASE)]
        if kind == "results" and not self._note_results(folder):
            kind = None
        if kind is not None and folder != self.start:
            self._leave_folder(REASONS[kind], folder)
            return [], []
        for name in sorted(name for name in subfolders if name.startswith(".")):
            self._leave_folder(REASONS["hidden"], folder / name)
        for name in sorted(name for name in names if name.startswith(".")):
            self._leave_file(REASONS["hidden"], folder / name)
        theirs = [name for name in sorted(subfolders) if not name.startswith(".")]
        inside = [name for name in theirs if kind == "bundle" and name in OF_BUNDLE]
        for name in inside:
            self._leave_folder(REASONS["bundle"], folder / name)
        theirs = [name for name in theirs if name not in inside]
        return theirs, self._without_results(folder, sorted(name for name in names if not name.startswith(".")))

    def result(self) -> tuple[PassedOver, ...]:
        """What was left out so far, by reason; reasons without an image file are not told."""
        return tuple(
            PassedOver(reason, count, tuple(self._places[reason]), reason not in self._cut)
            for reason, count in self._files.items()
            if count
        )

    def _note_results(self, folder: Path) -> bool:
        """Note which files a folder of results lists; whether nothing else was there when it was begun."""
        try:
            marker = read_marker(folder)
        except WorkspaceError:
            return True  # damaged, or of a newer program: what is ours in it cannot be told
        if marker is None:
            return False
        self._listed |= {os.path.join(folder, *name.split("/")) for name in marker.files}
        return marker.alone

    def _without_results(self, folder: Path, names: list[str]) -> list[str]:
        listed = {name for name in names if self._listed and os.path.join(folder, name) in self._listed}
        for name in sorted(listed):
            self._leave_file(REASONS["results"], folder / name)
        return [name for name in names if name not in listed]

    def _leave_folder(self, reason: str, folder: Path) -> None:
        self._count(reason, self._images_below(folder, reason), folder, "/")

    def _leave_file(self, reason: str, file: Path) -> None:
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
            self._seen += len(names) + len(subfolders)
            if self._seen > MOST_ENTRIES:
                self._cut.add(reason)
                break
        return images

    def _is_image(self, name: str) -> bool:
        return name.lower().endswith(self.extensions)


def not_images(files: int) -> tuple[PassedOver, ...]:
    """Other files beside the images; nothing where there are none."""
    return (PassedOver("that are no images", files, ()),) if files else ()


def summed(passed_over: Iterable[PassedOver]) -> tuple[PassedOver, ...]:
    """Each reason once, in the order of their first mention: what several folders left out together."""
    found: dict[str, PassedOver] = {}
    for left in passed_over:
        had = found.get(left.reason, PassedOver(left.reason, 0, ()))
        places = (*had.places, *left.places)[:MOST_PLACES]
        found[left.reason] = PassedOver(left.reason, had.files + left.files, places, had.counted and left.counted)
    return tuple(found.values())


def passed_over_json(passed_over: Iterable[PassedOver]) -> list[dict[str, Any]]:
    """As results hold it: [{`reason`, `files`, `places`, `counted`}]."""
    return [{**asdict(left), "places": list(left.places)} for left in passed_over]


def passed_over_lines(passed_over: Iterable[Mapping[str, Any]]) -> list[str]:
    """What was left out in words, a line a reason; from `passed_over_json`."""
    lines = []
    for left in passed_over:
        at_least = "" if left["counted"] else "at least "
        count = at_least + counted(left["files"], "image file" if left["places"] else "file")
        such = "such as " if len(left["places"]) == MOST_PLACES else ""
        where = f": {such}{', '.join(left['places'])}" if left["places"] else ""
        lines.append(f"passed over {count} {left['reason']}{where}")
    return lines
