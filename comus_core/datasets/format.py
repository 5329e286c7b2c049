"""The address of a data set, its summary, and the description of a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from comus_core.config import TruthSettings
from comus_core.datasets.records import Dataset, IgnoredFiles

FOLDER = "folder"  # the default format


@dataclass(frozen=True)
class DatasetAddress:
    """A parsed data set string; `str` gives the string.

    Attributes:
        format: name of its `DatasetFormat`.
        root: its folder as written; None if the format has none.
        split: its list of images; "" if the format has no splits.
    """

    format: str
    root: Path | None = None
    split: str = ""

    def __str__(self) -> str:
        if self.root is None:
            return self.format
        if self.format == FOLDER:
            return str(self.root)
        return f"{self.format}:{self.root}:{self.split}" if self.split else f"{self.format}:{self.root}"

    @property
    def folder(self) -> Path:
        """The folder, with `~` replaced.

        Raises:
            ValueError: the format has no folder.
        """
        if self.root is None:
            raise ValueError(f"data set '{self}' has no folder")
        return self.root.expanduser()

    def at(self, folder: Path) -> DatasetAddress:
        """The same data set in another folder."""
        return replace(self, root=folder)


@dataclass(frozen=True)
class DatasetSummary:
    """A quick summary of a data set; a run checks every file.

    Attributes:
        images: number of files.
        labelled: whether there is ground truth.
        classes: their number without background; None if it is unknown without reading the masks.
        synthetic: whether the images are drawn.
        largest: pixels of the largest image, see `largest_pixels`; 0 if none can be read.
        ignored: files that are hidden, written by COMUS, or not images.
    """

    images: int
    labelled: bool
    classes: int | None = None
    synthetic: bool = False
    largest: int = 0
    ignored: tuple[IgnoredFiles, ...] = ()


@dataclass(frozen=True)
class DatasetFormat:
    """A data set format, and how to open it.

    Attributes:
        name: before the first colon of a data set's string.
        title: its name on pages.
        what: one line for people: which folder to choose, and its content.
        open: address, folder for drawn scenes, how to read ground truth -> the data set.
        look: address -> summary, in about the time it takes to list its folder; nothing is decoded.
        splits: folder -> names of its splits, sorted; None if the format has none.
        a_split: an example of a split, for messages.
        has_folder: whether it is in a folder of the user.
        lists_at_once: whether its files can be listed while a page loads.
    """

    name: str
    title: str
    what: str
    open: Callable[[DatasetAddress, Path, TruthSettings], Dataset]
    look: Callable[[DatasetAddress], DatasetSummary]
    splits: Callable[[Path], tuple[str, ...]] | None = None
    a_split: str = ""
    has_folder: bool = True
    lists_at_once: bool = True

    @property
    def written(self) -> str:
        """The pattern of a data set's string in this format."""
        if not self.has_folder:
            return self.name
        if self.name == FOLDER:
            return "a folder"
        return f"{self.name}:ROOT:SPLIT" if self.splits else f"{self.name}:ROOT"
