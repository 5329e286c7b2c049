"""The neutral record: what a file says, whatever its format, and what of it cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from comus_core.imports.outlines import Outline


@dataclass(frozen=True, slots=True)
class Problem:
    """What of a file is not used: the file, the place or value in it, and a sentence that says why and what to do."""

    file: str
    value: str
    message: str

    @property
    def line(self) -> str:
        """All in one line."""
        return f"{self.file}, {self.value}: {self.message}" if self.value else f"{self.file}: {self.message}"


@dataclass(frozen=True, slots=True)
class ImportedImage:
    """An image that a file lists.

    Attributes:
        reference: its name as written.
        size_hw: height and width, where the file says them.
        file: where it is listed.
        place: the entry or line there.
    """

    reference: str
    size_hw: tuple[int, int] | None
    file: str
    place: str


@dataclass(frozen=True, slots=True)
class ImportedCategory:
    """A category that a file lists; `key` is its id there, where it has one."""

    name: str
    key: str | None
    file: str
    place: str


@dataclass(frozen=True, slots=True)
class ImportedObject:
    """An object of a file.

    Attributes:
        image: the name of its image as written; "" where only its id says it.
        category: the name of its category; None where the file has none for it.
        category_key: the category's id in the file.
        outline: run lengths, polygons or a box; None where the file says nothing about its mask.
        object_id: the id with which it was exported; None where the file holds none.
        file: where it is.
        place: the annotation, line or shape there.
        whole: it holds all pixels of its category in that image, of one object or several.
        void: pixels of no category that is known: objects below them stay as they are.
    """

    image: str
    category: str | None
    category_key: str | None
    outline: Outline | None
    object_id: str | None
    file: str
    place: str
    whole: bool = False
    void: bool = False


@dataclass(frozen=True)
class ReadFile:
    """All that a reader found.

    Attributes:
        format: the reader's name.
        path: the file or folder.
        images: those listed, also those without an object.
        objects: in the order of the file.
        categories: those listed.
        problems: what cannot be used.
        notes: what was read in a way that a person should know.
        unsure: names of images of which an object could not be read, so that a missing one may be that.
        complete: whether a listed image is listed with all its objects, so that a missing one was removed.
        export: what `comus.json` beside it says; empty where there is none.
        content: SHA-256 of what was read, see `content_hash`.
    """

    format: str
    path: str
    images: tuple[ImportedImage, ...] = ()
    objects: tuple[ImportedObject, ...] = ()
    categories: tuple[ImportedCategory, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    unsure: frozenset[str] = frozenset()
    complete: bool = True
    export: Mapping[str, Any] = field(default_factory=dict)
    content: str = ""


@dataclass
class Collected:
    """What a reader gathers as it goes through its files."""

    images: list[ImportedImage] = field(default_factory=list)
    objects: list[ImportedObject] = field(default_factory=list)
    categories: list[ImportedCategory] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)
    export: dict[str, Any] = field(default_factory=dict)

    def refuse(self, file: str, value: str, message: str, image: str | None = None) -> None:
        """List a problem; `image` is the name of the image whose object is not read."""
        self.problems.append(Problem(file, value, message))
        if image is not None:
            self.unsure.add(image)

    def read(self, name: str, path: str, *, complete: bool = True) -> ReadFile:
        """All of it as the result of the reader of that name."""
        return ReadFile(
            name,
            path,
            tuple(self.images),
            tuple(self.objects),
            tuple(self.categories),
            tuple(self.problems),
            tuple(self.notes),
            frozenset(self.unsure),
            complete,
            self.export,
        )
