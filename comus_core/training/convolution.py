"""Convolutions that oneDNN computes slowly on a CPU, brought to it in a form that it computes fast.

The numbers are the same but for the order of their sums. Three forms occur in DeepLabv3 over light backbones:

- A dilated depthwise convolution falls back to a dense kernel backwards. Pixels that a dilation of d joins have the
  same row and column modulo d: taken apart into d × d smaller images, they are convolved without dilation.
- The gradient of a depthwise kernel wider than three columns falls back likewise. It is computed a few columns of the
  kernel at a time.
- An atrous convolution whose rate is at least the map's size (ASPP's widest, on crops) sees zeros beyond its middle
  weight: it is a 1 × 1 convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional, grad
from torch.overrides import TorchFunctionMode

COLUMNS = 3  # of a depthwise kernel whose gradient oneDNN has a fast routine for


class FasterConvolutions(TorchFunctionMode):
    """Inside `with`, every two-dimensional convolution on a CPU takes the fast form, forwards and then backwards."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Called by PyTorch for each of its functions."""
        if func is torch.conv2d and args and args[0].device.type == "cpu":
            func = convolve
        return func(*args, **(kwargs or {}))


def convolve(
    maps: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """`torch.conv2d`, up to rounding.

    `maps` are (n, channels, h, w), `weight` (outputs, channels / groups, rows, columns), `bias` (outputs,) or none; the
    others are as for `torch.conv2d`.
    """
    plain = (maps, weight, bias, stride, padding, dilation, groups)
    rate, size, around = _both(dilation), maps.shape[-2:], _both(padding)
    if maps.dim() != 4 or around is None or rate is None or bias is not None:  # padding by name; ours have no bias
        return torch.conv2d(*plain)
    depthwise = groups == maps.shape[1] == weight.shape[0]
    half = weight.shape[-2] // 2, weight.shape[-1] // 2
    same_size = _both(stride) == (1, 1) and around == (rate[0] * half[0], rate[1] * half[1])
    if same_size and max(rate) > 1 and weight[0, 0].numel() % 2:
        if rate[0] >= size[0] and rate[1] >= size[1]:
            middle = weight[:, :, half[0] : half[0] + 1, half[1] : half[1] + 1]
            return torch.conv2d(maps, middle, None, 1, 0, 1, groups)
        if depthwise and size[0] % rate[0] == 0 and size[1] % rate[1] == 0:
            return _joined(_depthwise(_apart(maps, rate), weight, (1, 1), half), rate)
    if depthwise and max(rate) == 1:
        return _depthwise(maps, weight, _both(stride) or (1, 1), around)
    return torch.conv2d(*plain)


def _both(value: Any) -> tuple[int, int] | None:
    """Of rows and of columns; None of what is a name."""
    if isinstance(value, str):
        return None
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def _apart(maps: Tensor, rate: tuple[int, int]) -> Tensor:
    """(n, c, h, w) -> (rows · columns · n, c, h / rows, w / columns), pixels of like remainder together."""
    (n, c, h, w), (rows, columns) = maps.shape, rate
    pixels = maps.permute(0, 2, 3, 1).reshape(n, h // rows, rows, w // columns, columns, c)
    return pixels.permute(2, 4, 0, 1, 3, 5).reshape(-1, h // rows, w // columns, c).permute(0, 3, 1, 2)


def _joined(parts: Tensor, rate: tuple[int, int]) -> Tensor:
    """The way back from `_apart`."""
    (count, c, h, w), (rows, columns) = parts.shape, rate
    n = count // (rows * columns)
    pixels = parts.permute(0, 2, 3, 1).reshape(rows, columns, n, h, w, c).permute(2, 3, 0, 4, 1, 5)
    return pixels.reshape(n, h * rows, w * columns, c).permute(0, 3, 1, 2)


def _depthwise(maps: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]) -> Tensor:
    if weight.shape[-1] <= COLUMNS or not (torch.is_grad_enabled() and weight.requires_grad):
        return torch.conv2d(maps, weight, None, stride, padding, 1, len(weight))
    outputs: Tensor = _WideDepthwise.apply(maps, weight, stride, padding)
    return outputs


class _WideDepthwise(torch.autograd.Function):
    """A depthwise convolution whose kernel's gradient is computed a few columns at a time."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(maps, weight)
        ctx.options = stride, padding
        return torch.conv2d(maps, weight, None, stride, padding, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        (maps, weight), (stride, padding) = ctx.saved_tensors, ctx.options
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        back = None
        if ctx.needs_input_grad[0]:
            back = grad.conv2d_input(  # type: ignore[no-untyped-call]
                maps.shape, weight, gradient, stride, padding, 1, len(weight)
            )
        firsts = range(0, weight.shape[-1], COLUMNS)
        parts = [_of_columns(maps, weight, gradient, stride, padding, first) for first in firsts]
        return back, torch.cat(parts, -1), None, None


def _of_columns(
    maps: Tensor, weight: Tensor, gradient: Tensor, stride: tuple[int, int], padding: tuple[int, int], first: int
) -> Tensor:
    """The gradient of a kernel's columns from `first`: of a narrower convolution over the maps shifted as far."""
    count = min(COLUMNS, weight.shape[-1] - first)
    left = padding[1] - first
    right = (gradient.shape[-1] - 1) * stride[1] + count - maps.shape[-1] - left
    padded = functional.pad(maps, (left, right))
    columns: Tensor = grad.conv2d_weight(  # type: ignore[no-untyped-call]
        padded, (*weight.shape[:-1], count), gradient, stride, (padding[0], 0), 1, len(weight)
    )
    return columns
