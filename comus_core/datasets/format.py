"""What a data set's string means, and what a format of data sets is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from comus_core.config import TruthSettings
from comus_core.datasets.records import Dataset, PassedOver

FOLDER = "folder"  # the format of a string that names no other


@dataclass(frozen=True)
class DatasetAddress:
    """A data set's string taken apart; `str` puts it together again.

    Attributes:
        format: name of its `DatasetFormat`.
        root: its folder as written; None where the format has none.
        split: which of its lists of images; "" where the format has none.
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
            ValueError: the format has none.
        """
        if self.root is None:
            raise ValueError(f"data set '{self}' lies in no folder")
        return self.root.expanduser()

    def at(self, folder: Path) -> DatasetAddress:
        """The same data set in another folder."""
        return replace(self, root=folder)


@dataclass(frozen=True)
class DatasetSummary:
    """What a data set seems to hold; the run itself looks closer.

    Attributes:
        images: files found or listed.
        labelled: whether there is ground truth.
        classes: how many without background; None where only reading all of it would tell.
        synthetic: whether the images are drawn.
        largest: pixels of the largest image, see `largest_pixels`; 0 if none could be looked at.
        passed_over: files that are no photographs of the person's.
    """

    images: int
    labelled: bool
    classes: int | None = None
    synthetic: bool = False
    largest: int = 0
    passed_over: tuple[PassedOver, ...] = ()


@dataclass(frozen=True)
class DatasetFormat:
    """One format of data sets, and how to open it: all that the program has to know of it.

    Attributes:
        name: what comes before the first colon of a data set's string.
        title: what a page calls it.
        what: one line for people: which folder is meant, and what lies in it.
        open: address, folder of the program's own drawings, how ground truth is read -> the data set.
        look: address -> summary, in about the time its folder takes to list; nothing is decoded.
        splits: folder -> names of its splits, sorted; None where the format has none.
        a_split: an example of one, for messages.
        has_folder: whether it lies in a folder of the person's.
        lists_at_once: whether its files can be listed while a page waits.
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
        """How a data set of this format is written."""
        if not self.has_folder:
            return self.name
        if self.name == FOLDER:
            return "a folder"
        return f"{self.name}:ROOT:SPLIT" if self.splits else f"{self.name}:ROOT"
