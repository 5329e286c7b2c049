"""`trained:FILE`: a detector that `comus saliency train` learned from images without any label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from comus_core.config import SaliencySettings
from comus_core.errors import WeightsError
from comus_core.machine.alone import each_alone, torch_threads
from comus_core.machine.threads import made_ahead
from comus_core.plugins import split
from comus_core.saliency.preprocessing import resize_antialiased
from comus_core.saliency.spec import DetectorIdentity, DetectorSpec, HasImageId
from comus_core.saliency.trained.network_file import network_facts, read_network
from comus_core.types import FloatArray, ImageId, RgbImage, SoftMap
from comus_core.weights.registry import UNKNOWN, Supervision

NAME = "trained"
TOGETHER = 4  # images that the network sees at once, on the CPU with one thread: 40 % less work than one at a time


@dataclass(frozen=True)
class LearnedDetector:
    """A network of our own; it always sees as many images, so that a map does not depend on its batch."""

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
        groups = [images[start : start + TOGETHER] for start in range(0, len(images), TOGETHER)]
        if self.device == "cpu" and torch_threads() > 1:
            found = each_alone(lambda group: self._maps(self._pixels(group)), groups)
        else:
            with made_ahead(map(self._pixels, groups)) as prepared:  # while the network is at the group before
                found = [self._maps(pixels) for pixels in prepared]
        maps: list[SoftMap] = [soft for group in found for soft in group][: len(images)]
        return [np.zeros_like(soft) if _one_colour(image) else soft for image, soft in zip(images, maps, strict=True)]

    def _pixels(self, group: Sequence[RgbImage]) -> FloatArray:
        """What the network sees of a group, (TOGETHER, side, side, 3) float32; black where there are fewer images."""
        pixels = np.zeros((TOGETHER, self.side, self.side, 3), np.float32)
        for place, image in enumerate(group):
            pixels[place] = resize_antialiased(image, self.side)
        return pixels

    def _maps(self, seen: FloatArray) -> FloatArray:
        """(TOGETHER, side, side) float32."""
        import torch

        pixels = torch.from_numpy(seen).permute(0, 3, 1, 2)  # the channels of a pixel stay side by side in memory
        with torch.inference_mode():
            logits = self.network(pixels.to(self.device))
        return np.asarray(logits[:, 0].sigmoid().cpu().numpy(), np.float32)


def _one_colour(image: RgbImage) -> bool:
    colour = image[0, 0]
    return bool((image[0] == colour).all() and (image == colour).all())  # of most images the first row says it


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
