"""`masks:DIR`: the user's own masks or soft maps in a detector's place."""

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
    """The user's own masks in a detector's place; an image without a file has an empty map and so no proposal."""

    name: str
    masks: MasksFolder
    weights_sha256: dict[str, str]  # empty: what the files hold is an input, see `detector_fingerprint`
    batch_size: int = 16
    at_least: int = 1  # it looks at no image

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One map an image at its file's own size, or a single zero where there is no file.

        Raises:
            DatasetError: a file that cannot be read, or that lies on its side beside its image.
        """
        return [self._read(image, image_id) for image, image_id in zip(images, image_ids, strict=True)]

    def _read(self, image: RgbImage, image_id: ImageId) -> SoftMap:
        soft = self.masks.read(image_id)
        if soft is None:
            return np.zeros((1, 1), np.float32)
        (height, width), own = image.shape[:2], soft.shape
        if own == (width, height) and height != width:  # it would be stretched to the image's shape
            raise DatasetError(
                f"{self.masks.find(image_id)}: {own[1]} x {own[0]} pixels, but the image '{image_id}' is {width} x "
                f"{height} once upright; turn the mask as EXIF turns the photograph"
            )
        return soft


def load(settings: SaliencySettings, device: str) -> MasksDetector:
    """The folder in a detector's place.

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


def _cost(settings: SaliencySettings) -> ItemCost:
    return ItemCost(NAME, 0.0)


SPEC = DetectorSpec(
    NAME,
    "your own masks or soft maps, files of the images' stems in DIR",
    load,
    path_kind="folder",
    own_files=lambda folder, ids: MasksFolder(folder).match(ids)[0],
    identify=_identify,
    cost=_cost,
)
