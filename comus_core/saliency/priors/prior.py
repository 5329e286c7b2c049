"""A prior as a detector: a formula over one image, without weights and without any supervision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from comus_core.config import SaliencySettings
from comus_core.config.formulas import PriorSettings
from comus_core.machine.device import cpu_cores
from comus_core.machine.threads import Threads
from comus_core.saliency.priors.picture import Picture, picture_of
from comus_core.saliency.spec import DetectorIdentity, DetectorSpec, HasImageId, ItemCost
from comus_core.settings import to_dict
from comus_core.types import ImageId, RgbImage, SoftMap
from comus_core.weights.registry import Supervision

PriorMap = Callable[[Picture], SoftMap]  # (h, w) in [0, 1] at the working size, of an image that is not plain
VERSION = "1"  # raise it when a map changes for the same settings
SUPERPIXELS = ("superpixels", "compactness", "iterations")  # settings that decide the superpixels of `rbd` and `mc`


@dataclass(frozen=True)
class PriorDetector:
    """One prior; images of a batch are computed side by side, each on its own."""

    name: str
    compute: PriorMap
    settings: PriorSettings
    weights_sha256: dict[str, str] = field(default_factory=dict)
    batch_size: int = 16

    @property
    def at_least(self) -> int:
        """Pixels that the shorter side of an image need have: twice the working size."""
        return 2 * self.settings.side

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One map per image at the working size; zero everywhere if the image has no contrast."""
        with Threads() as threads:
            return threads.map(lambda image: prior_map(picture_of(image, self.settings), self.compute), images)


def prior_map(picture: Picture, compute: PriorMap) -> SoftMap:
    """The map of a picture, (h, w) float32 in [0, 1]; zero everywhere if the picture is plain."""
    if picture.plain:
        return np.zeros(picture.image.shape[:2], np.float32)
    return compute(picture)


def prior_spec(name: str, what: str, compute: PriorMap, decided_by: Sequence[str], seconds: float) -> DetectorSpec:
    """The spec of a prior.

    Args:
        name: as in `SaliencySettings.detector`.
        what: one line for people.
        compute: the formula.
        decided_by: the fields of `PriorSettings`, beside `side`, on which the map depends.
        seconds: an image at the default settings takes, on one core.
    """

    def load(settings: SaliencySettings, device: str) -> PriorDetector:
        return PriorDetector(name, compute, settings.priors)

    def identify(settings: SaliencySettings, files: Sequence[HasImageId]) -> DetectorIdentity:
        values = to_dict(settings.priors)
        return DetectorIdentity({"detector": name, "version": VERSION, **{k: values[k] for k in ("side", *decided_by)}})

    def cost(settings: SaliencySettings) -> ItemCost:
        return ItemCost(name, 0.0, seconds * (settings.priors.side / PriorSettings().side) ** 2 / cpu_cores())

    return DetectorSpec(
        name,
        what,
        load,
        supervision=Supervision("none", "none"),
        gflop=0.0,
        version=VERSION,
        identify=identify,
        cost=cost,
    )
