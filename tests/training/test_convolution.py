"""The convolutions' fast forms give PyTorch's own numbers, forwards and backwards."""

import random

import pytest
import torch
from torch import nn
from torch.nn import functional

from comus_core.training import convolution
from comus_core.training.convolution import FasterConvolutions, convolve
from comus_core.training.network import Segmenter
from comus_core.training.settings import NetworkSettings

pytestmark = pytest.mark.thorough


# outputs = channels, kernel, stride, padding, dilation, groups, map
CASES = {
    "dilated depthwise": (24, 5, 1, 4, 2, 24, (16, 12)),
    "dilated depthwise, rows and columns apart": (6, (3, 5), 1, (3, 4), (3, 2), 6, (9, 8)),
    "dilated depthwise that does not divide": (24, 3, 1, 2, 2, 24, (15, 16)),
    "wide depthwise": (24, 5, 1, 2, 1, 24, (11, 16)),
    "wide depthwise that strides": (24, 5, 2, 0, 1, 24, (19, 20)),
    "very wide depthwise": (8, 7, 2, 3, 1, 8, (17, 18)),
    "wider than its map": (8, 3, 1, 18, 18, 1, (16, 18)),
    "wider than its map in one direction": (8, 3, 1, 16, 16, 1, (16, 20)),
    "in four groups": (8, 5, 1, 4, 2, 4, (16, 16)),
    "even kernel": (8, 4, 1, 4, 2, 8, (16, 16)),
    "padding by name": (8, 5, 1, "same", 2, 8, (16, 16)),
    "pointwise with a rate": (8, 1, 1, 0, 20, 1, (16, 16)),
    "wide in columns alone, strides apart": (6, (3, 7), (2, 3), (1, 2), 1, 6, (13, 17)),
}


@pytest.mark.parametrize("case", CASES)
def test_each_form_gives_the_values_and_gradients_of_the_plain_convolution(case):
    channels, kernel, stride, padding, dilation, groups, size = CASES[case]
    torch.manual_seed(3)
    plain = nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups, bias=False).double()
    maps = torch.randn(2, channels, *size, dtype=torch.float64).to(memory_format=torch.channels_last)
    found = []
    for convolved in (torch.conv2d, convolve):
        seen = maps.clone().requires_grad_(True)
        out = convolved(seen, plain.weight, None, stride, padding, dilation, groups)
        # in planes, as some layers hand gradients on
        gradient = torch.linspace(-1, 1, out.numel(), dtype=torch.float64).view(out.shape)
        found.append([out, *torch.autograd.grad(out, (seen, plain.weight), gradient)])
    for expected, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)


def test_any_convolution_gives_the_values_and_gradients_of_the_plain_one():
    chance = random.Random(5)
    for _ in range(120):
        channels = chance.choice([1, 4, 6])
        groups = chance.choice([1, 2, channels]) if channels > 1 else 1
        kernel, stride, padding, dilation = (
            [chance.randint(least, most) for _ in "hw"] for least, most in ((1, 7), (1, 3), (0, 9), (1, 4))
        )
        if chance.random() < 0.7:  # the maps keep their size, as in a dilated network
            kernel, stride = [2 * (k // 2) + 1 for k in kernel], [1, 1]
            padding = [d * (k // 2) for d, k in zip(dilation, kernel, strict=True)]
        size = [d * chance.randint(1, 6) + d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        outputs = groups * chance.choice([1, 2])
        options = (stride, padding, dilation, groups)
        torch.manual_seed(chance.randrange(999))
        weight = torch.randn(outputs, channels // groups, *kernel, dtype=torch.float64, requires_grad=True)
        maps = torch.randn(chance.randint(1, 3), channels, *size, dtype=torch.float64, requires_grad=True)
        expected, found = torch.conv2d(maps, weight, None, *options), convolve(maps, weight, None, *options)
        case = f"{channels} channels, kernel {kernel}, {options}, maps {size}"
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12, msg=case)
        gradient = torch.randn_like(expected)
        for a, b in zip(*(torch.autograd.grad(o, (maps, weight), gradient) for o in (found, expected)), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12, msg=case)


def test_of_a_frozen_kernel_the_maps_and_of_frozen_maps_the_kernel_get_their_gradient():
    torch.manual_seed(1)
    for frozen in range(2):
        tensors = [torch.randn(2, 6, 16, 16), torch.randn(6, 1, 5, 5)]
        tensors[1 - frozen].requires_grad_(True)
        own, expected = (f(*tensors, None, 1, 2, 1, 6).square().sum() for f in (convolve, torch.conv2d))
        own, expected = (torch.autograd.grad(total, tensors[1 - frozen])[0] for total in (own, expected))
        torch.testing.assert_close(own, expected, rtol=1e-4, atol=1e-3)


def test_a_single_image_without_a_batch_is_convolved_too():
    maps, weight = torch.randn(8, 8, 12), torch.randn(8, 1, 5, 5)  # as many rows as channels
    assert torch.equal(convolve(maps, weight, None, 1, 4, 2, 8), torch.conv2d(maps, weight, None, 1, 4, 2, 8))


def test_what_is_no_convolution_in_two_dimensions_passes_by():
    line, weight = torch.randn(1, 2, 9), torch.randn(4, 2, 3)
    with FasterConvolutions():
        assert torch.equal(torch.conv1d(line, weight), functional.conv1d(line, weight))
        assert torch.equal(torch.add(line, 1), line + 1)


def test_a_bias_is_added():
    layer, maps = nn.Conv2d(8, 8, 3, padding=18, dilation=18), torch.randn(1, 8, 16, 16)
    with FasterConvolutions():
        assert torch.equal(layer(maps), functional.conv2d(maps, layer.weight, layer.bias, 1, 18, 18))


@pytest.mark.parametrize(("backbone", "dilated", "wide"), [("efficientnet-lite0", 4, 9), ("mobilenetv3-large", 2, 6)])
def test_a_whole_network_has_the_gradients_it_has_without(monkeypatch, backbone, dilated, wide):
    """In double precision, in which the order of sums is far below any other difference."""
    torch.manual_seed(0)
    network = (
        Segmenter(NetworkSettings(backbone=backbone, head_channels=16), 3)
        .double()
        .to(memory_format=torch.channels_last)
    )
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    pixels, labels = torch.randint(0, 256, (2, 3, 128, 128)).double(), torch.randint(0, 3, (2, 128, 128))
    monkeypatch.setattr(
        Segmenter, "coarse", lambda self, p: self.head(self.backbone((p / 255 - self.mean) / self.std)[-1])
    )
    used = []
    for name in ("_apart", "_of_columns"):
        inner = getattr(convolution, name)
        monkeypatch.setattr(convolution, name, lambda *a, n=name, f=inner: used.append(n) or f(*a))
    plain = torch.autograd.grad(functional.cross_entropy(network(pixels), labels), list(network.parameters()))
    assert not used
    with FasterConvolutions():
        loss = functional.cross_entropy(network(pixels), labels)
    ours = torch.autograd.grad(loss, list(network.parameters()))
    assert used.count("_apart") == dilated and used.count("_of_columns") == 2 * wide  # at stride 16
    for expected, found in zip(plain, ours, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-10)
