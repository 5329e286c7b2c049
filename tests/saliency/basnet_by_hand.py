"""BASNet's forward pass written as plain function calls on a state dict: what the class must equal."""

import torch
import torch.nn.functional as F
from torch import Tensor


def forward(state: dict[str, Tensor], x: Tensor, stage_6_norm: str = "bn6d_2") -> list[Tensor]:  # noqa: C901 (top to bottom)
    """The eight outputs for (B, 3, H, W), refined first."""

    def conv(name, x, dilation=1, stride=1):
        weight = state[name + ".weight"]
        pad = dilation if weight.shape[-1] == 3 else 0
        return F.conv2d(x, weight, state.get(name + ".bias"), stride, pad, dilation)

    def norm(name, x):
        mean, variance = state[name + ".running_mean"], state[name + ".running_var"]
        return F.batch_norm(x, mean, variance, state[name + ".weight"], state[name + ".bias"], eps=1e-5)

    def block(name, x, stride=1):
        out = F.relu(norm(name + ".bn1", conv(name + ".conv1", x, stride=stride)))
        out = norm(name + ".bn2", conv(name + ".conv2", out))
        if name + ".downsample.0.weight" in state:
            x = norm(name + ".downsample.1", conv(name + ".downsample.0", x, stride=stride))
        return F.relu(out + x)

    def stage(x, *steps):
        for convolution, normalisation, dilation in steps:
            x = F.relu(norm(normalisation, conv(convolution, x, dilation)))
        return x

    def decode(number, x, dilation=1):
        last = stage_6_norm if number == 6 else f"bn{number}d_2"
        names = f"conv{number}d_1", f"conv{number}d_m", f"conv{number}d_2"
        return stage(
            x, (names[0], f"bn{number}d_1", 1), (names[1], f"bn{number}d_m", dilation), (names[2], last, dilation)
        )

    def up(x, factor):
        return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)

    def pool(x):
        return F.max_pool2d(x, 2, 2, ceil_mode=True)

    h = F.relu(norm("inbn", conv("inconv", x)))
    skips = []
    for number, (blocks, stride) in enumerate(((3, 1), (4, 2), (6, 2), (3, 2)), 1):
        for index in range(blocks):
            h = block(f"encoder{number}.{index}", h, stride if index == 0 else 1)
        skips.append(h)
    for number in (5, 6):
        h = pool(h)
        for index in (1, 2, 3):
            h = block(f"resb{number}_{index}", h)
        skips.append(h)
    h1, h2, h3, h4, h5, h6 = skips
    bridge = stage(h6, *((f"convbg_{p}", f"bnbg_{p}", 2) for p in ("1", "m", "2")))
    d6 = decode(6, torch.cat((bridge, h6), 1), dilation=2)
    d5 = decode(5, torch.cat((up(d6, 2), h5), 1))
    d4 = decode(4, torch.cat((up(d5, 2), h4), 1))
    d3 = decode(3, torch.cat((up(d4, 2), h3), 1))
    d2 = decode(2, torch.cat((up(d3, 2), h2), 1))
    d1 = decode(1, torch.cat((up(d2, 2), h1), 1))
    sides = [conv("outconv1", d1)]
    sides += [up(conv(f"outconv{n}", d), 2 ** (n - 1)) for n, d in ((2, d2), (3, d3), (4, d4), (5, d5))]
    sides += [up(conv("outconv6", d6), 32), up(conv("outconvb", bridge), 32)]

    r = conv("refunet.conv0", sides[0])
    levels = []
    for number in (1, 2, 3, 4, 5):
        r = stage(pool(r) if number > 1 else r, (f"refunet.conv{number}", f"refunet.bn{number}", 1))
        levels.append(r)
    for number in (4, 3, 2, 1):
        joined = torch.cat((up(r, 2), levels[number - 1]), 1)
        r = stage(joined, (f"refunet.conv_d{number}", f"refunet.bn_d{number}", 1))
    refined = sides[0] + conv("refunet.conv_d0", r)
    return [torch.sigmoid(o) for o in (refined, *sides)]
