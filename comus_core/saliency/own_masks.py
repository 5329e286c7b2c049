"""`masks:DIR`: the user's masks or soft maps instead of a detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from comus_core.config import SaliencySettings
from comus_core.errors import DatasetError
from comus_core.plugins import split
from comus_core.saliency.masks_folder import MasksFolder
from comus_core.saliency.spec import DetectorIdentity, DetectorSpec, HasImageId, ItemCost
from comus_core.types import ImageId, RgbImage, SoftMap

NAME = "masks"


@dataclass(frozen=True)
class MasksDetector:
    """The user's masks instead of a detector; an image without mask has an empty map and no proposal."""

    name: str
    masks: MasksFolder
    weights_sha256: dict[str, str]  # empty: the files are an input, see `detector_fingerprint`
    batch_size: int = 16
    at_least: int = 1  # the image is not used

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One map per image at the size of its file, or a single zero without a file.

        Raises:
            DatasetError: an unreadable file, or one with width and height swapped.
        """
        return [self._read(image, image_id) for image, image_id in zip(images, image_ids, strict=True)]

    def _read(self, image: RgbImage, image_id: ImageId) -> SoftMap:
        soft = self.masks.read(image_id)
        if soft is None:
            return np.zeros((1, 1), np.float32)
        (height, width), mask_hw = image.shape[:2], soft.shape
        if mask_hw == (width, height) and height != width:  # it would be stretched to the image's shape
            raise DatasetError(
                f"{self.masks.find(image_id)}: {mask_hw[1]} x {mask_hw[0]} pixels, but the upright image '{image_id}' "
                f"is {width} x {height}; rotate the mask as EXIF rotates the image"
            )
        return soft


def load(settings: SaliencySettings, device: str) -> MasksDetector:
    """The folder of masks as a detector.

    Raises:
        DatasetError: there is no such folder.
    """
    return MasksDetector(settings.detector, _folder(settings), {})


def _identify(settings: SaliencySettings, files: Sequence[HasImageId]) -> DetectorIdentity:
    masks = _folder(settings)
    matched, missing = masks.match([file.image_id for file in files])
    return DetectorIdentity({"detector": NAME}, {}, masks.fingerprint(matched.values()), tuple(missing))


def _folder(settings: SaliencySettings) -> MasksFolder:
    return MasksFolder(Path(split(settings.detector)[1]).expanduser())


SPEC = DetectorSpec(
    NAME,
    "your own masks or soft maps, named like the images, in DIR",
    load,
    path_kind="folder",
    asks=("Path of your masks on the server", "a folder with one file per image"),
    own_files=lambda folder, ids: MasksFolder(folder).match(ids)[0],
    identify=_identify,
    cost=lambda _: ItemCost(NAME, 0.0),
)
