"""A trained network as other programs run it: a PyTorch program and an ONNX model, the same arithmetic in both.

In the model is what every image goes through: the normalisation, the mirrored view, the shares, and the way back to
the image's size. Outside is the resizing before it, Pillow's, which is the same to the bit on every machine.
"""

from __future__ import annotations

import copy
import io
import re
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from comus_core.proposals.pseudo_masks import index_dtype_and_ignore
from comus_core.training.input_size import STRIDE
from comus_core.training.network import Segmenter
from comus_core.training.onnx_opset import OPSET
from comus_core.training.settings import PredictionSettings

INPUTS, OUTPUTS = ("image", "size"), ("mask", "confidence", "shares")
TORCH_TYPES = {np.dtype(np.uint8): torch.uint8, np.dtype(np.uint16): torch.uint16}


class PackagedNetwork(nn.Module):
    """Images at the network's size in, index masks at the images' own size out."""

    def __init__(self, network: Segmenter, settings: PredictionSettings, outputs: int) -> None:
        super().__init__()
        self.network = with_fixed_padding(network)
        self.flip, self.nearest = settings.flip, settings.resize == "squash"
        self.outputs, self.dtype = outputs, TORCH_TYPES[index_dtype_and_ignore(outputs - 1)[0]]

    def forward(self, image: Tensor, size: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `prediction.predict` with `PredictionSettings.network_alone`.

        Args:
            image: (n, h, w, 3) uint8 RGB, h and w multiples of 16.
            size: (2,) int64, height and width of the masks.

        Returns:
            (n, H, W) uint8 or uint16 masks, 0 background, category + 1; (n, H, W) float32, the share of what was
            chosen; (n, C + 1, h, w) float32 shares of all categories, which sum to 1.
        """
        pixels = image.permute(0, 3, 1, 2).float()
        if self.flip:
            both = self.network(torch.cat([pixels, pixels.flip(-1)])).softmax(dim=1)
            shares = (both[: pixels.shape[0]] + both[pixels.shape[0] :].flip(-1)) / 2
        else:
            shares = self.network(pixels).softmax(dim=1)
        height, width = size.tolist()
        torch._check(height >= 1)
        torch._check(width >= 1)
        mask, confidence = self._at_size(shares, (height, width))
        return mask.to(self.dtype), confidence, shares

    def _at_size(self, shares: Tensor, size_hw: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """The best category of each pixel as int32, and its share; one category at a time, to bound the memory."""

        def plane(category: int) -> Tensor:
            one = shares[:, category : category + 1]
            if self.nearest:
                return one
            return functional.interpolate(one, size_hw, mode="bilinear", align_corners=False)

        best = plane(0)
        chosen = torch.zeros_like(best, dtype=torch.int32)
        for category in range(1, self.outputs):
            share = plane(category)
            higher = share > best
            chosen = torch.where(higher, torch.full_like(chosen, category), chosen)
            best = torch.where(higher, share, best)
        if self.nearest:
            both = torch.cat([best, chosen.float()], dim=1)
            both = functional.interpolate(both, size_hw, mode="nearest-exact")
            best, chosen = both[:, :1], both[:, 1:]
        return chosen[:, 0], best[:, 0]


def with_fixed_padding(network: Segmenter) -> nn.Module:
    """A copy whose convolutions of "same" padding pad by a constant.

    TensorFlow's padding depends on the size of the input. All sides here are multiples of a convolution's stride, for
    which it is always the same; as a formula it would make the exported shapes unreadable.
    """
    from timm.layers import Conv2dSame

    fixed = copy.deepcopy(network)
    for parent in list(fixed.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, Conv2dSame):
                setattr(parent, name, _fixed(layer))
    return fixed


def _fixed(layer: Any) -> nn.Module:
    sides = zip(layer.kernel_size, layer.dilation, layer.stride, strict=True)
    high, wide = (max(0, (kernel - 1) * dilation + 1 - stride) for kernel, dilation, stride in sides)
    plain = nn.Conv2d(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        layer.stride,
        dilation=layer.dilation,
        groups=layer.groups,
        bias=layer.bias is not None,
    )
    plain.load_state_dict(layer.state_dict())
    plain = plain.to(memory_format=torch.channels_last).requires_grad_(False)
    return nn.Sequential(nn.ZeroPad2d((wide // 2, wide - wide // 2, high // 2, high - high // 2)), plain)


def exported(network: PackagedNetwork) -> torch.export.ExportedProgram:
    """The program of `torch.export`, of any number of images, any height and width that are multiples of 16.

    Nothing of the machine that it was made on is in it.
    """
    batch, high, wide = (torch.export.Dim(name, min=1 if name == "n" else 2) for name in ("n", "high", "wide"))
    shapes = ({0: batch, 1: STRIDE * high, 2: STRIDE * wide}, None)
    example = (torch.zeros(2, 4 * STRIDE, 6 * STRIDE, 3, dtype=torch.uint8), torch.tensor([70, 100]))
    program = torch.export.export(network.eval(), example, dynamic_shapes=shapes, strict=False)
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)
    return program


def program_bytes(program: torch.export.ExportedProgram) -> bytes:
    """The file that `torch.export.load` reads (`.pt2`)."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No complete tensor found")  # of weights whose channels lie last in memory
        torch.export.save(program, file)
    return file.getvalue()


def onnx_bytes(program: torch.export.ExportedProgram) -> bytes:
    """The ONNX model of opset 18, with named and dynamic axes.

    Raises:
        ComusError: onnx or onnxscript is not installed.
    """
    written: Any = torch.onnx.export(
        program,
        dynamo=True,
        opset_version=OPSET,
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        verbose=False,
    )
    model = written.model_proto
    for holder in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.functions):
        del holder.metadata_props[:]
        holder.doc_string = ""
    _name_axes(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _name_axes(model: Any) -> None:
    """Give the axes their names, wherever the model states a shape: the exporter calls them s0, s1, u0, u1."""
    image, mask = model.graph.input[0], model.graph.output[0]
    batch, high, wide, _ = (axis.dim_param for axis in image.type.tensor_type.shape.dim)
    _, height, width = (axis.dim_param for axis in mask.type.tensor_type.shape.dim)
    symbols = (batch, *(re.sub(r"^\d+\*", "", side) for side in (high, wide)), height, width)
    name_of = dict(zip(symbols, ("n", "high", "wide", "height", "width"), strict=True))
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for axis in value.type.tensor_type.shape.dim:
            if axis.HasField("dim_param"):
                axis.dim_param = re.sub(r"\w+", lambda found: name_of.get(found[0], found[0]), axis.dim_param)
