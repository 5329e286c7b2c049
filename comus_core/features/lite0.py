"""EfficientNet-Lite0 as an encoder (timm's `tf_efficientnet_lite0`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comus_core.features.spec import Encoder, EncoderSpec, Triple

if TYPE_CHECKING:
    from torch import Tensor

HALF: Triple = (0.5, 0.5, 0.5)

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


def load(spec: EncoderSpec, device: str) -> Encoder:
    """The network of `efficientnet-lite0` as an encoder.

    Raises:
        WeightsError: the weights are missing, damaged or do not fit.
    """
    from comus_core.features.network_encoder import Views, load_network_encoder

    return load_network_encoder(spec, device, Views(pooled, stride_16, stride_16))


SPEC = EncoderSpec(
    "efficientnet-lite0",
    "EfficientNet-Lite0, trained on the labels of ImageNet",
    load,
    1280,
    crop_size=224,
    mean=HALF,
    std=HALF,
    patch=16,
    batch_size=16,
    weights="efficientnet-lite0",
    rank=50,
    gflop=0.8,
    # Mean IoU on 250 images of ECSSD at 0.2, 0.25, 0.3, 0.35 and 0.4: 44.1, 46.7, 49.4, 49.8 and 33.9.
    cut_tau=0.3,
    layer="the last feature map",
    pooling="mean",
)
