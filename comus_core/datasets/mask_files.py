"""Ground truth in mask files, whatever its layout: what is known without reading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from comus_core.datasets.file_walk import walk_files
from comus_core.datasets.orientation import Orientations
from comus_core.types import ImageId


class MaskNames(NamedTuple):
    """POSIX paths below a folder of masks: PNG files, and other files, which are not read."""

    pngs: list[str]
    others: list[str]


def list_masks(folder: Path) -> MaskNames:
    """The files in a folder of masks; empty if there is no such folder."""
    names = [path.relative_to(folder).as_posix() for path in walk_files(folder, folder, [])]
    pngs = [name for name in names if name.lower().endswith(".png")]
    return MaskNames(pngs, [name for name in names if not name.lower().endswith(".png")])


@dataclass(frozen=True, kw_only=True)
class MaskFiles:
    """One mask file an image.

    Attributes:
        masks: the file of each image that has one.
        orientations: the orientation of each mask.
        class_file: the class list in the folder, or None.
    """

    masks: Mapping[ImageId, Path]
    orientations: Orientations
    class_file: Path | None = None

    def has(self, image_id: ImageId) -> bool:
        """Whether this image has a mask of known orientation."""
        return image_id in self.masks and not self.orientations.is_unclear(image_id)

    def unclear(self, image_id: ImageId) -> bool:
        """See `GroundTruth.unclear`."""
        return image_id in self.masks and self.orientations.is_unclear(image_id)

    def turned(self, image_id: ImageId) -> bool:
        """See `GroundTruth.turned`."""
        return image_id in self.masks and self.orientations.is_turned(image_id)

    def files(self) -> tuple[Path, ...]:
        """See `GroundTruth.files`."""
        return tuple(sorted({*self.masks.values(), *([self.class_file] if self.class_file else [])}))
