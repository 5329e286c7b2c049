"""The convolutions' fast forms give PyTorch's own numbers, forwards and backwards."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from comus_core.self_training import convolution, make_training
from comus_core.self_training.convolution import FasterConvolutions, convolve
from comus_core.self_training.network import Segmenter

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


def test_a_bias_is_added():
    layer, maps = nn.Conv2d(8, 8, 3, padding=18, dilation=18), torch.randn(1, 8, 16, 16)
    with FasterConvolutions():
        assert torch.equal(layer(maps), functional.conv2d(maps, layer.weight, layer.bias, 1, 18, 18))


def test_a_whole_network_has_the_gradients_it_has_without(monkeypatch):
    """In double precision, in which the order of sums is far below any other difference."""
    torch.manual_seed(0)
    network = Segmenter(make_training(head_channels=16), 3).double().to(memory_format=torch.channels_last)
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
    assert used.count("_apart") == 4 and used.count("_of_columns") == 2 * 9  # Lite0 at stride 16
    for expected, found in zip(plain, ours, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-10)
