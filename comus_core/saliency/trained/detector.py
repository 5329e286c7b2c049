"""`trained:FILE`: a detector that `comus saliency train` learned from images without any label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from comus_core.config import SaliencySettings
from comus_core.errors import WeightsError
from comus_core.machine.threads import made_ahead
from comus_core.plugins import split
from comus_core.saliency.preprocessing import resize_antialiased
from comus_core.saliency.spec import DetectorIdentity, DetectorSpec, HasImageId
from comus_core.saliency.trained.network_file import network_facts, read_network
from comus_core.types import FloatArray, ImageId, RgbImage, SoftMap
from comus_core.weights.registry import UNKNOWN, Supervision

NAME = "trained"


@dataclass(frozen=True)
class LearnedDetector:
    """A network of our own; images are computed one by one, so that a map does not depend on its batch."""

    name: str
    network: Any  # SaliencyNetwork; torch is loaded with it
    side: int
    device: str
    weights_sha256: dict[str, str]
    batch_size: int = 8

    @property
    def at_least(self) -> int:
        """Pixels that the shorter side of an image need have: twice what the network sees."""
        return 2 * self.side

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One (side, side) map per image, which is squashed to it; empty where it has a single colour."""
        with made_ahead(map(self._pixels, images)) as prepared:  # resized while the network is at the one before
            return [self._soft_map(pixels) for pixels in prepared]

    def _pixels(self, image: RgbImage) -> FloatArray | None:
        """What the network sees of an image, (side, side, 3) float32; None of a single colour."""
        if (image == image[0, 0]).all():
            return None
        return resize_antialiased(image, self.side).copy()

    def _soft_map(self, seen: FloatArray | None) -> SoftMap:
        import torch

        if seen is None:
            return np.zeros((self.side, self.side), np.float32)
        pixels = torch.from_numpy(seen).permute(2, 0, 1)[None]
        with torch.inference_mode():
            logits = self.network(pixels.to(self.device))
        return np.asarray(logits[0, 0].sigmoid().cpu().numpy(), np.float32)


def load(settings: SaliencySettings, device: str) -> LearnedDetector:
    """The detector of the file that the setting names.

    Raises:
        WeightsError: there is no such file, or it is no detector.
    """
    return detector_of(settings.detector, NAME, _file(settings), device)


def detector_of(name: str, weights: str, path: Path, device: str) -> LearnedDetector:
    """The detector of a file, whose hash is kept under the name `weights`.

    Raises:
        WeightsError: there is no such file, or it is no detector.
    """
    from comus_core.saliency.trained.network import folded
    from comus_core.weights.store import file_sha256

    side = int(network_facts(path)["side"])
    return LearnedDetector(name, folded(read_network(path, device)), side, device, {weights: file_sha256(path)})


def _identify(settings: SaliencySettings, files: Sequence[HasImageId]) -> DetectorIdentity:
    from comus_core.weights.store import file_sha256

    path = _file(settings)
    return DetectorIdentity({"detector": NAME, "side": network_facts(path)["side"]}, {NAME: file_sha256(path)})


def _owes(settings: SaliencySettings) -> Supervision:
    """What the file says of itself; of one that cannot be read nothing is known."""
    try:
        supervision: Supervision = network_facts(_file(settings))["supervision"]
    except WeightsError:
        return UNKNOWN
    return supervision


def _file(settings: SaliencySettings) -> Path:
    return Path(split(settings.detector)[1]).expanduser()


SPEC = DetectorSpec(
    NAME,
    "your own detector, trained on images alone by comus saliency train",
    load,
    path_kind="file",
    asks=("Path of your detector on the server", "the file that comus saliency train wrote"),
    owes=_owes,
    identify=_identify,
    gflop=1.0,
)
