"""BASNet (Qin et al., CVPR 2019) with the tensor names of the published checkpoints (method 3.3).

517 tensors, 87.06 M parameters. A residual encoder without early pooling, a dilated bridge, a decoder of six stages
with a side output each, and a small U-Net that refines the finest of them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

STRIDE = 32  # image sides must be multiples of it

# Stage of the decoder -> channels in, between and out, and the dilation of its second and third convolution.
_DECODER = {6: (1024, 512, 512, 2), 5: (1024, 512, 512, 1), 4: (1024, 512, 256, 1)}
_DECODER |= {3: (512, 256, 128, 1), 2: (256, 128, 64, 1), 1: (128, 64, 64, 1)}
_PARTS = ("1", "m", "2")  # the three convolutions of a stage, as checkpoints name them
_REFINE_LEVELS = 5


class BASNet(nn.Module):
    """The published network: image batch in, eight sigmoid maps out, the refined one first."""

    def __init__(self) -> None:
        super().__init__()
        self.inconv, self.inbn = _conv3x3(3, 64), nn.BatchNorm2d(64)
        for stage, (before, channels, blocks) in enumerate(
            ((64, 64, 3), (64, 128, 4), (128, 256, 6), (256, 512, 3)), 1
        ):
            self.add_module(f"encoder{stage}", _residual_stage(before, channels, blocks))
        for stage in (5, 6):
            for block in (1, 2, 3):
                self.add_module(f"resb{stage}_{block}", BasicBlock(512, 512))
        for part in _PARTS:
            self.add_module(f"convbg_{part}", _conv3x3(512, 512, dilation=2))
            self.add_module(f"bnbg_{part}", nn.BatchNorm2d(512))
        self.outconvb = _conv3x3(512, 1)
        for stage, widths in _DECODER.items():
            self._add_decoder_stage(stage, *widths)
        self.refunet = RefUnet()

    def _add_decoder_stage(self, stage: int, before: int, between: int, after: int, dilation: int) -> None:
        channels = ((before, between, 1), (between, between, dilation), (between, after, dilation))
        for part, (n_in, n_out, spacing) in zip(_PARTS, channels, strict=True):
            self.add_module(f"conv{stage}d_{part}", _conv3x3(n_in, n_out, spacing))
            self.add_module(f"bn{stage}d_{part}", nn.BatchNorm2d(n_out))
        self.add_module(f"outconv{stage}", _conv3x3(after, 1))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Saliency at every depth.

        Args:
            images: (B, 3, H, W), ImageNet-normalised RGB; H and W multiples of 32.

        Returns:
            Eight (B, 1, H, W) maps in [0, 1]: refined, decoder stages 1 to 6, bridge.

        Raises:
            ValueError: H or W is not a multiple of 32.
        """
        height, width = images.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise ValueError(f"BASNet needs sides that are multiples of {STRIDE}, not {height}×{width}")
        skips = self._encode(images)
        bridge = self._convolve("bg", skips[6])
        sides = {7: self.outconvb(bridge)}
        deeper = bridge
        for stage in (6, 5, 4, 3, 2, 1):
            deeper = self._convolve(f"{stage}d", torch.cat((deeper, skips[stage]), dim=1))
            sides[stage] = self.get_submodule(f"outconv{stage}")(deeper)
            deeper = _upsample(deeper, 2) if stage > 1 else deeper
        outputs = [_upsample(sides[stage], height // sides[stage].shape[-2]) for stage in range(1, 8)]
        return tuple(torch.sigmoid(o) for o in (self.refunet(outputs[0]), *outputs))

    def _encode(self, images: Tensor) -> dict[int, Tensor]:
        """Features of the six encoder stages: stage 1 at full size, each further one at half."""
        features = F.relu(self.inbn(self.inconv(images)))
        skips: dict[int, Tensor] = {}
        for stage in (1, 2, 3, 4):
            features = skips[stage] = self.get_submodule(f"encoder{stage}")(features)
        for stage in (5, 6):
            features = _halve(features)
            for block in (1, 2, 3):
                features = self.get_submodule(f"resb{stage}_{block}")(features)
            skips[stage] = features
        return skips

    def _convolve(self, stage: str, features: Tensor) -> Tensor:
        """The three convolutions of the bridge or of a decoder stage, each normalised and rectified."""
        for part in _PARTS:
            convolved = self.get_submodule(f"conv{stage}_{part}")(features)
            features = F.relu(self.get_submodule(f"bn{stage}_{part}")(convolved))
        return features


class RefUnet(nn.Module):
    """The refinement: a U-Net of 64 channels that predicts a correction to the logits of decoder stage 1."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0 = _conv3x3(1, 64)
        for level in range(1, _REFINE_LEVELS + 1):
            self.add_module(f"conv{level}", _conv3x3(64, 64))
            self.add_module(f"bn{level}", nn.BatchNorm2d(64))
        for level in range(_REFINE_LEVELS - 1, 0, -1):
            self.add_module(f"conv_d{level}", _conv3x3(128, 64))
            self.add_module(f"bn_d{level}", nn.BatchNorm2d(64))
        self.conv_d0 = _conv3x3(64, 1)

    def forward(self, logits: Tensor) -> Tensor:
        """(B, 1, H, W) logits to corrected logits of the same shape."""
        features = self.conv0(logits)
        skips = []
        for level in range(1, _REFINE_LEVELS + 1):
            features = self._convolution("conv", "bn", level, _halve(features) if level > 1 else features)
            skips.append(features)
        skips.pop()
        for level in range(_REFINE_LEVELS - 1, 0, -1):
            joined = torch.cat((_upsample(features, 2), skips.pop()), dim=1)
            features = self._convolution("conv_d", "bn_d", level, joined)
        residual: Tensor = self.conv_d0(features)
        return logits + residual

    def _convolution(self, convolution: str, norm: str, level: int, features: Tensor) -> Tensor:
        convolved = self.get_submodule(f"{convolution}{level}")(features)
        return F.relu(self.get_submodule(f"{norm}{level}")(convolved))


def _residual_stage(before: int, channels: int, blocks: int) -> nn.Sequential:
    """One stage of ResNet-34; all but the first halve the resolution."""
    stride = 1 if before == channels else 2
    shortcut = None
    if stride == 2:
        shortcut = nn.Sequential(nn.Conv2d(before, channels, 1, stride=2, bias=False), nn.BatchNorm2d(channels))
    first = BasicBlock(before, channels, stride, shortcut)
    return nn.Sequential(first, *(BasicBlock(channels, channels) for _ in range(blocks - 1)))


def _conv3x3(n_in: int, n_out: int, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(n_in, n_out, 3, padding=dilation, dilation=dilation)


def _halve(features: Tensor) -> Tensor:
    return F.max_pool2d(features, 2, 2, ceil_mode=True)


def _upsample(features: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return features
    return F.interpolate(features, scale_factor=factor, mode="bilinear", align_corners=False)
