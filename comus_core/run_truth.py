"""The ground truth of a run: that of its data set, or what came along in its bundle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from comus_core.errors import DatasetError
from comus_core.images.dataset import open_dataset
from comus_core.images.records import GroundTruth
from comus_core.pseudo_masks import from_png
from comus_core.types import ImageId, IndexMask
from comus_core.workspace import Run, Workspace

TRUTH_FILE = "truth.json"


@dataclass(frozen=True)
class BundledTruth:
    """Index masks in the folder of an opened bundle; see `GroundTruth`."""

    folder: Path
    classes: tuple[str, ...]
    ignore: int | None
    masks: dict[ImageId, str]

    def has(self, image_id: ImageId) -> bool:
        """Whether this image has a mask."""
        return image_id in self.masks

    def unclear(self, image_id: ImageId) -> bool:
        """Never: what was unclear did not come along."""
        return False

    def turned(self, image_id: ImageId) -> bool:
        """Never: the masks of a bundle lie as their images are shown."""
        return False

    def mask(self, image_id: ImageId) -> IndexMask:
        """(H, W) class indices and `ignore`.

        Raises:
            DatasetError: there is none, or its file is damaged.
        """
        if image_id not in self.masks:
            raise DatasetError(f"{self.folder}: no ground truth for image '{image_id}'")
        path = self.folder / self.masks[image_id]
        try:
            return from_png(path.read_bytes())
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path}: {error}; open the bundle again") from error

    def files(self) -> tuple[Path, ...]:
        """Every file that the masks come from, sorted."""
        return tuple(sorted(self.folder / name for name in self.masks.values()))


def truth_of_run(workspace: Workspace, run: Run, spec: str | None = None) -> GroundTruth | None:
    """The ground truth that the run was scored with, or that of another data set which it was scored on; or None.

    Raises:
        DatasetError: the data set is no longer where it was.
    """
    if not run.read_only:
        return open_dataset(spec or run.config.dataset, workspace.drawings, run.config.truth).truth
    folder = workspace.images_root(run).parent / "truth"
    listing = folder / TRUTH_FILE
    if not listing.is_file():
        return None
    found = json.loads(listing.read_text())
    return BundledTruth(folder, tuple(found["classes"]), found["ignore"], dict(found["masks"]))
