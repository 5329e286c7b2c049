"""EfficientNet-Lite0 as an encoder (timm's `tf_efficientnet_lite0`)."""

from __future__ import annotations

from typing import Any

from torch import Tensor

_STAGES_TO_16 = 5  # of timm's seven; the fifth ends at stride 16 with 112 channels


def pooled(network: Any, batch: Tensor) -> Tensor:
    """The global average of the last feature map, (n, 3, s, s) -> (n, 1280)."""
    features: Tensor = network.forward_features(batch)  # (n, 1280, s / 32, s / 32), after the head's ReLU6
    return features.mean(dim=(2, 3))


def stride_16(network: Any, batch: Tensor) -> Tensor:
    """The stride-16 feature map of one image, (1, 3, H, W) -> (H / 16, W / 16, 112)."""
    features: Tensor = network.bn1(network.conv_stem(batch))
    for stage in network.blocks[:_STAGES_TO_16]:
        features = stage(features)
    return features[0].permute(1, 2, 0)
