"""The ways to refine soft maps, by the name in `SaliencySettings.refine`, and a detector whose maps are refined."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from PIL import Image

from comus_core.config import SaliencySettings
from comus_core.machine.threads import Threads
from comus_core.proposals.resizing import resize_bilinear
from comus_core.saliency.spec import Detector, ObjectDetector, united
from comus_core.settings import require, to_dict
from comus_core.types import ImageId, RgbImage, SoftMap, SoftMaps


@dataclass(frozen=True)
class Refiner:
    """A way to refine: the module of this room that has its name.

    Attributes:
        version: raise it when its maps change for the same settings.
        needs: the module of a package that is not installed with this program, and what installs it.
    """

    version: int = 1
    needs: tuple[str, str] | None = None


REFINERS = {
    "guided": Refiner(),
    "bilateral": Refiner(),
    "crf": Refiner(needs=("pydensecrf", "pip install pydensecrf2")),
}


@dataclass(frozen=True)
class RefinedDetector:
    """A detector whose soft maps are refined along the edges of their images; an empty map stays empty."""

    detector: Detector
    settings: SaliencySettings

    @property
    def name(self) -> str:
        """As in `SaliencySettings.detector`."""
        return self.detector.name

    @property
    def weights_sha256(self) -> dict[str, str]:
        """Those of the detector."""
        return self.detector.weights_sha256

    @property
    def batch_size(self) -> int:
        """That of the detector."""
        return self.detector.batch_size

    @property
    def at_least(self) -> int:
        """Pixels that the shorter side of an image need have, for the detector and for the refinement."""
        return max(self.detector.at_least, self.settings.refinement.side)

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One map per image, its longer side at most `refinement.side` pixels."""
        maps = self.detector.soft_maps(images, image_ids)
        with Threads() as threads:
            return threads.map(lambda pair: refined(*pair, self.settings), zip(maps, images, strict=True))


@dataclass(frozen=True)
class RefinedObjects(RefinedDetector):
    """The same of a detector that tells objects apart: the map of each object is refined."""

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One map an image: the refined maps of its objects united."""
        return [united(maps) for maps in self.object_maps(images, image_ids)]

    def object_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMaps]:
        """(n, h, w) an image, the longer side at most `refinement.side` pixels."""
        found = cast(ObjectDetector, self.detector).object_maps(images, image_ids)
        with Threads() as threads:
            return threads.map(self._refined, zip(found, images, strict=True))

    def _refined(self, pair: tuple[SoftMaps, RgbImage]) -> SoftMaps:
        maps, image = pair
        return np.stack([refined(soft, image, self.settings) for soft in maps]) if len(maps) else maps


def refined(soft: SoftMap, image: RgbImage, settings: SaliencySettings) -> SoftMap:
    """A soft map refined in the way of the settings.

    Args:
        soft: (h, w) in [0, 1], of any size.
        image: (H, W, 3) uint8.
        settings: `refine` and the constants.

    Returns:
        float32 in [0, 1], of the image's size, reduced to at most `refinement.side` pixels on the longer side.
    """
    height, width = image.shape[:2]
    scale = min(1.0, settings.refinement.side / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    enlarged = resize_bilinear(soft, size)
    if settings.refine == "none" or enlarged.min() == enlarged.max():
        return np.asarray(enlarged, np.float32)
    small = np.array(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))
    module = importlib.import_module(f"comus_core.saliency.refinement.{settings.refine}")
    refine: Callable[[SoftMap, RgbImage, Any], SoftMap] = module.refine
    return refine(enlarged, small, getattr(settings.refinement, settings.refine))


def check(settings: SaliencySettings) -> None:
    """Raise `SettingsError` where the way to refine needs a package that is not installed."""
    needs = REFINERS[settings.refine].needs if settings.refine != "none" else None
    if needs is not None:
        message = f"saliency.refine '{settings.refine}' needs {needs[0]}: `{needs[1]}`, or choose guided or bilateral"
        require(importlib.util.find_spec(needs[0]) is not None, message)


def refinement_identity(settings: SaliencySettings) -> dict[str, Any]:
    """What of the refinement decides the maps, as JSON values; nothing where there is none."""
    name = settings.refine
    if name == "none":
        return {}
    constants = to_dict(getattr(settings.refinement, name))
    return {"refine": {"by": name, "version": REFINERS[name].version, "side": settings.refinement.side, **constants}}
