"""What an export format is: a name, words, and a writer. One format is one file and one line in `export_formats`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO, Any, Literal, Protocol

from comus_core.export.records import ExportCategory, ExportImage, ExportObject
from comus_core.pipelines.export_settings import ExportSettings

Pictures = Literal["beside", "always", "needed", "never"]
OPTION_DEFAULTS: Mapping[str, Any] = {"masks": "rle", "tolerance": 0.3, "margin": 0.0, "cutout": False}
OPTIONS = tuple(OPTION_DEFAULTS)  # settings that only some formats follow


class Part(Protocol):
    """Where a writer puts what it makes of some images; kept until the export is complete, also over a restart."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the export; `name` is a POSIX path below its root."""

    def line(self, stream: str, content: bytes) -> None:
        """Keep a line for the end, under a name of the writer's choice; without line breaks in it."""


class Export(Protocol):
    """The whole export at its end: the lines in the order of the images, and its own files."""

    def lines(self, stream: str) -> Iterator[bytes]:
        """The lines kept under a name, read from disk; none where nothing was."""

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """A file of the export, to be written piece by piece; `name` is a POSIX path below its root."""

    def write(self, name: str, content: bytes) -> None:
        """A small file of the export."""


@dataclass(frozen=True)
class ExportPlan:
    """What is exported.

    Attributes:
        settings: as asked, masks, tolerance and margin filled in.
        categories: in the order of their index.
        images: all of them, in the order of their ids.
        splits: `("train", "val")`, or `("",)` without splits.
        about: what `comus.json` says: run, settings, decisions, supervision, licences.
    """

    settings: ExportSettings
    categories: tuple[ExportCategory, ...]
    images: Sequence[ExportImage]
    splits: tuple[str, ...] = ("",)
    about: Mapping[str, Any] = field(default_factory=dict)

    def category_of(self) -> dict[int, ExportCategory]:
        """Stable id -> category."""
        return {category.id: category for category in self.categories}


class ExportWriter(Protocol):
    """Writes one export. It holds no state from image to image: those of an earlier attempt are not added again."""

    def add(self, image: ExportImage, objects: Sequence[ExportObject], part: Part) -> None:
        """Write an image's own files, and keep what the files of the whole export need.

        Raises:
            ImageError: its file cannot be read; before anything is kept. The image is left out.
        """

    def finish(self, export: Export) -> None:
        """Write the files of the whole export."""


@dataclass(frozen=True)
class ExportFormat:
    """An export format's fixed facts, and its writer: all that the program has to know of it.

    Attributes:
        name: as in `ExportSettings.format`.
        title: its name on pages.
        what: one line for people: what is written, and which tools read it.
        writer: plan -> writer.
        image_file: id-based POSIX path without split (such as `a/b.jpg`), split -> path below the export's root.
        options: of `OPTIONS`, those that it follows; others are refused.
        defaults: of these options, where they differ from `OPTION_DEFAULTS`.
        pictures: whether image files lie beside if `images` says so, always lie beside, are needed to make its own
            files, or are never part of it.
        suffixes: of image files that its readers take; others are converted. Empty: all that browsers show.
        flat: whether its readers want all images in one folder.
        most_categories: that it can hold; None is no limit.
        name_of: a category's name as decided -> as this format can hold it.
        version: raised when its files change for the same objects: a restart then begins anew.
    """

    name: str
    title: str
    what: str
    writer: Callable[[ExportPlan], ExportWriter]
    image_file: Callable[[str, str], str] = lambda path, split: "/".join(filter(None, ("images", split, path)))
    options: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    pictures: Pictures = "beside"
    suffixes: tuple[str, ...] = ()
    flat: bool = False
    most_categories: int | None = None
    name_of: Callable[[str], str] = lambda name: name
    version: int = 1

    @property
    def written(self) -> str:
        """How a setting names it."""
        return self.name

    @property
    def option_defaults(self) -> dict[str, Any]:
        """The default of each of its options."""
        return {name: {**OPTION_DEFAULTS, **self.defaults}[name] for name in self.options}


def json_list(export: Export, stream: str) -> Iterable[bytes]:
    """The lines of a stream as the inside of a JSON list."""
    separator = b""
    for line in export.lines(stream):
        yield separator + line
        separator = b",\n"
