"""DeepLabv3 over a timm backbone (Chen et al. 2017; method 1.6): an image in, a score per category and pixel out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from comus_core.errors import WeightsError
from comus_core.settings import require
from comus_core.training.settings import NetworkSettings

RATES = {8: (12, 24, 36), 16: (6, 12, 18)}  # of the atrous convolutions, by output stride


@dataclass(frozen=True)
class BackboneSpec:
    """A backbone by the name of its weights: timm's architecture, its input's normalisation, its head."""

    architecture: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    head: tuple[str, ...]  # how the names of tensors begin that no segmenter needs


BACKBONES = {
    "dino-resnet50": BackboneSpec("resnet50", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), ("fc.",)),
    "efficientnet-lite0": BackboneSpec(
        "tf_efficientnet_lite0", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), ("conv_head.", "bn2.", "classifier.")
    ),
    "mobilenetv3-large": BackboneSpec(
        "mobilenetv3_large_100", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), ("conv_head.", "classifier.")
    ),
}


class Segmenter(nn.Module):
    """Backbone, ASPP head, and the way back to the input's size.

    Attributes:
        mean, std: (1, 3, 1, 1) of the input in [0, 1].
    """

    mean: Tensor
    std: Tensor

    def __init__(self, settings: NetworkSettings, outputs: int) -> None:
        import timm
        from torchvision.models.segmentation.deeplabv3 import ASPP

        super().__init__()
        spec = BACKBONES[settings.backbone]
        self.backbone = timm.create_model(
            spec.architecture,
            pretrained=False,
            features_only=True,
            output_stride=settings.output_stride,
            out_indices=(-1,),
        )
        width = settings.head_channels
        # torchvision's DeepLabHead, with the width as a setting.
        self.head = nn.Sequential(
            ASPP(self.backbone.feature_info.channels()[-1], list(RATES[settings.output_stride]), width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, outputs, 1),
        )
        for name in ("mean", "std"):
            self.register_buffer(name, torch.tensor(getattr(spec, name)).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) uint8, or float in 0…255, -> (n, outputs, h, w) scores before softmax."""
        return functional.interpolate(self.coarse(pixels), pixels.shape[-2:], mode="bilinear", align_corners=False)

    def coarse(self, pixels: Tensor) -> Tensor:
        """The same at the head's own size, (n, outputs, h / stride, w / stride)."""
        normalised = (pixels.float() / 255 - self.mean) / self.std
        scores: Tensor = self.head(self.backbone(normalised.contiguous(memory_format=torch.channels_last))[-1])
        return scores


def new_segmenter(settings: NetworkSettings, outputs: int, seed: int) -> Segmenter:
    """A network whose backbone holds its pretrained weights and whose head is drawn from the seed.

    `outputs` are C + 1. The same seed gives the same head.

    Raises:
        WeightsError: the weights are not on this machine, or do not fit tensor by tensor.
    """
    require(outputs >= 2, f"a network of {outputs} outputs: background and at least one category are needed")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Segmenter(settings, outputs)
    _load_backbone(settings.backbone, network.backbone)
    return network.to(memory_format=torch.channels_last)


def _load_backbone(name: str, backbone: Any) -> None:
    from comus_core.weights.loading import load_network

    pretrained, own = load_network(name).state_dict(), backbone.state_dict()
    missing = sorted(set(own) - set(pretrained))
    surplus = sorted(key for key in set(pretrained) - set(own) if not key.startswith(BACKBONES[name].head))
    if missing or surplus:
        raise WeightsError(
            f"'{name}' does not fit its segmentation backbone: {len(missing)} tensors missing {missing[:3]}, "
            f"{len(surplus)} unexpected {surplus[:3]}: install the timm version of requirements.txt"
        )
    backbone.load_state_dict({key: pretrained[key] for key in own})
    backbone.requires_grad_(True)
