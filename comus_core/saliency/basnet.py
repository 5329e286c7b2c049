"""The paper's saliency: BASNet, unsupervised (trained on DeepUSPS pseudo-labels) or supervised (DUTS masks)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comus_core.config import SaliencySettings
from comus_core.saliency.preprocessing import normalise, resize_plain
from comus_core.saliency.spec import DetectorSpec
from comus_core.types import ImageId, RgbImage, SoftMap

if TYPE_CHECKING:
    from torch import nn

SIDE = 256  # pixels: every image is squashed to this square (method 1.1)


@dataclass(frozen=True)
class BasnetDetector:
    """Output 0 of BASNet, the refined map, without min-max scaling over an image or a batch."""

    name: str
    weights_sha256: dict[str, str]
    network: nn.Module
    device: str
    side: int = SIDE
    at_least: int = 2 * SIDE
    batch_size: int = 1  # seconds per image on a CPU: progress should show each

    def soft_maps(self, images: Sequence[RgbImage], image_ids: Sequence[ImageId]) -> list[SoftMap]:
        """One (256, 256) map per image, computed one by one, so that the batch does not matter."""
        return [self._soft_map(image) for image in images]

    def _soft_map(self, image: RgbImage) -> SoftMap:
        import torch

        pixels = torch.from_numpy(normalise(resize_plain(image, self.side))).to(self.device)
        with torch.inference_mode():
            soft = self.network(pixels)[0][0, 0].float().cpu().numpy()
        return np.asarray(soft, np.float32)


def load(settings: SaliencySettings, device: str) -> BasnetDetector:
    """BASNet with the published weights that `settings` name, "basnet" or "basnet-supervised".

    Raises:
        WeightsError: the file is missing, damaged, or does not fit the architecture name by name.
    """
    from comus_core.weights.loading import load_network
    from comus_core.weights.store import file_sha256, locate

    name = settings.detector
    network = load_network(name)
    repair_stage_6(network)
    return BasnetDetector(name, {name: file_sha256(locate(name))}, network.to(device), device)


def repair_stage_6(network: nn.Module) -> bool:
    """Give decoder stage 6 the normalisation it was trained with, if the checkpoint has none.

    Until September 2019 BASNet's code normalised the last convolution of stage 6 with `bn5d_2` and left `bn6d_2`
    untouched (xuebinqin/BASNet, issue 12). In a checkpoint of that time `bn6d_2` has never seen an image: its running
    mean is still 0 and its variance 1. Copying `bn5d_2` into it, as the author advises, gives the trained function.

    Returns:
        Whether the network needed it.
    """
    import torch

    unused, trained = network.get_submodule("bn6d_2"), network.get_submodule("bn5d_2")
    state = unused.state_dict()
    mean, variance = state["running_mean"], state["running_var"]
    untouched = torch.equal(mean, torch.zeros_like(mean)) and torch.equal(variance, torch.ones_like(variance))
    if untouched:
        unused.load_state_dict(trained.state_dict())
    return untouched


UNSUPERVISED = DetectorSpec(
    "basnet",
    "BASNet at 256 px on DeepUSPS pseudo-labels, as in the paper",
    load,
    weights="basnet",
    gflop=254.0,
)
SUPERVISED = DetectorSpec(
    "basnet-supervised",
    "BASNet at 256 px, trained on the masks of DUTS",
    load,
    weights="basnet-supervised",
    gflop=254.0,
)
