"""The architectures that pretrained state dicts fit, and what their published files name otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from comus_core.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor, nn

COUNTER = "num_batches_tracked"  # absent from older files, unused outside training

Network = Callable[[], "nn.Module"]  # builds it untrained
State = Mapping[str, "Tensor"]


def vit(architecture: str) -> Network:
    """A vision transformer of timm without a classifier."""

    def build() -> nn.Module:
        import timm

        network: nn.Module = timm.create_model(architecture, pretrained=False, num_classes=0)
        return network

    return build


def classifier(architecture: str) -> Network:
    """A network of timm with its classifier."""

    def build() -> nn.Module:
        import timm

        network: nn.Module = timm.create_model(architecture, pretrained=False)
        return network

    return build


def timm_model(name: str) -> Network:
    """Any network of timm, by its name with the tag, in full precision memory of its own."""

    def build() -> nn.Module:
        from comus_core.weights import timm_network

        network: nn.Module = timm_network.build(name)
        return network

    return build


def timm_names(name: str) -> Callable[[State, State, str], State]:
    """The names that timm gives the tensors of files that are named otherwise."""

    def rename(state: State, expected: State, called: str) -> State:
        from comus_core.weights import timm_network

        return timm_network.renamed(name, state, expected, called)

    return rename


def resnet50() -> nn.Module:
    """ResNet-50 of torchvision without a classifier."""
    from torch import nn
    from torchvision import models

    network: nn.Module = models.resnet50(weights=None)
    network.fc = nn.Identity()
    return network


def basnet() -> nn.Module:
    """BASNet as its authors built it."""
    from comus_core.weights.basnet_network import BASNet

    return BASNet()


def without_head(state: State, expected: State, called: str) -> State:
    """DINO's checkpoints without the projection head that its training ends in."""
    return {name: tensor for name, tensor in state.items() if not name.startswith(("head.", "fc."))}


def in_order(state: State, expected: State, called: str) -> State:
    """The same tensors in the same order under other names: those of `expected`.

    Raises:
        WeightsError: there are more or fewer.
    """
    if state.keys() & expected.keys():
        return state
    tensors = [tensor for name, tensor in state.items() if not name.endswith(COUNTER)]
    names = [name for name in expected if not name.endswith(COUNTER)]
    if len(tensors) != len(names):
        raise WeightsError(
            f"{called} does not fit: it holds {len(tensors)} tensors without batch counters, {len(names)} are needed, "
            "in the order of the layers"
        )
    return dict(zip(names, tensors, strict=True))
