"""The architectures that pretrained state dicts fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from comus_core.errors import WeightsError

if TYPE_CHECKING:
    from torch import nn


def blank_network(name: str) -> nn.Module:
    """The untrained architecture that the state dict of `name` fits, one to one.

    Raises:
        WeightsError: `name` is no registered state dict.
    """
    builders: dict[str, Callable[[], nn.Module]] = {
        "dino-vits8": lambda: _vit("vit_small_patch8_224"),
        "dino-vits16": lambda: _vit("vit_small_patch16_224"),
        "dino-vitb8": lambda: _vit("vit_base_patch8_224"),
        "dino-vitb16": lambda: _vit("vit_base_patch16_224"),
        "dino-resnet50": _resnet50,
        "basnet": _basnet,
        "basnet-supervised": _basnet,
        "efficientnet-lite0": lambda: _classifier("tf_efficientnet_lite0"),
        "mobilenetv3-large": lambda: _classifier("mobilenetv3_large_100"),
    }
    if name not in builders:
        raise WeightsError(f"'{name}' is no state dict: choose one of {', '.join(builders)}")
    return builders[name]()


def hollow_network(name: str) -> nn.Module:
    """The same without memory for its tensors, which a strict load puts in."""
    import torch

    with torch.device("meta"):  # shapes without memory, and without the time a random start takes
        return blank_network(name)


def _vit(architecture: str) -> nn.Module:
    import timm

    network: nn.Module = timm.create_model(architecture, pretrained=False, num_classes=0)
    return network


def _classifier(architecture: str) -> nn.Module:
    import timm

    network: nn.Module = timm.create_model(architecture, pretrained=False)
    return network


def _resnet50() -> nn.Module:
    from torch import nn
    from torchvision.models import resnet50

    network: nn.Module = resnet50(weights=None)
    network.fc = nn.Identity()
    return network


def _basnet() -> nn.Module:
    from comus_core.weights.basnet_network import BASNet

    return BASNet()
