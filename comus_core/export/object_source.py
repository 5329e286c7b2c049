"""Where the objects of an export come from: the clusters of a run as decided, or the masks of a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow.compute as pc

from comus_core.export.records import ExportObject
from comus_core.types import ImageId
from comus_core.workspace import Artifact


@dataclass(frozen=True)
class SourceImage:
    """A usable image as the run, or its application to other images, read it.

    Attributes:
        id: see `types.ImageId`.
        relative: POSIX path below the folder of the images.
        root: the folder of the images, absolute.
        height, width: pixels, upright.
        sha256: of the file then.
        pixel_hash: equal for equal pixels.
    """

    id: ImageId
    relative: str
    root: Path
    height: int
    width: int
    sha256: str
    pixel_hash: str

    @property
    def path(self) -> Path:
        """The file, absolute."""
        return self.root / self.relative


class ObjectSource(Protocol):
    """Objects of images, read image by image."""

    @property
    def images(self) -> Sequence[SourceImage]:
        """In the order of their ids."""

    @property
    def categories(self) -> Sequence[tuple[int, str]]:
        """Stable id and name of each category, in the order of the ids."""

    @property
    def checked(self) -> Artifact:
        """The artifact of the images."""

    @property
    def about(self) -> Mapping[str, Any]:
        """What it is, for `comus.json` and for the key of an interrupted export: whatever decides its objects."""

    def holds(self, image_id: ImageId) -> bool:
        """Whether an image may have objects; without reading its masks."""

    def objects(self, image_id: ImageId) -> list[ExportObject]:
        """The objects of an image that are exported."""


@dataclass(frozen=True)
class Scope:
    """Which objects are exported.

    Attributes:
        objects: `all`, `core` or `accepted`.
        categories: stable ids; empty for all.
        proposals: ids; None for all.
    """

    objects: str = "all"
    categories: frozenset[int] = field(default_factory=frozenset)
    proposals: frozenset[str] | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self.objects == "all" and not self.categories and self.proposals is None


def source_images(images: Artifact, root: Path) -> list[SourceImage]:
    """The usable images of an artifact, in the order of their ids."""
    columns = ["image_id", "path", "height", "width", "sha256", "pixel_hash", "reason"]
    table = images.table(columns)
    table = table.filter(pc.is_null(table.column("reason")))
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    found = [SourceImage(i, path, root, h, w, sha, pixels) for i, path, h, w, sha, pixels, _ in rows]
    return sorted(found, key=lambda image: image.id)
