"""One network of our own detector, epoch by epoch; a training that was stopped goes on from its last epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from comus_core.files.atomic import replacing
from comus_core.files.memory_faults import pass_on_memory_fault
from comus_core.saliency.trained.generation import Bytes, Examples, Generation
from comus_core.saliency.trained.network import SaliencyNetwork
from comus_core.saliency.trained.recipe import SaliencyRecipe

CHECKPOINT = "checkpoint.pt"
AT_ONCE = 32  # images that are resized, or looked at
History = list[dict[str, float]]  # a record of each epoch: network, epoch, loss


def train_network(
    number: int,
    examples: Examples,
    recipe: SaliencyRecipe,
    folder: Path,
    device: str,
    on_step: Callable[[int, int], None],
) -> tuple[dict[str, Tensor], History]:
    """Train one of the networks to its end, with a checkpoint after every epoch.

    Args:
        number: of the network, from 1.
        examples: what it learns from.
        recipe: of the detector.
        folder: keeps the checkpoint, which is left to the caller.
        device: "cpu", "cuda", "cuda:N" or "mps".
        on_step: is told the steps done and in all; what it raises ends the training, whose finished epochs are kept.

    Returns:
        Its weights by name, and a record of each epoch.
    """
    network = recipe.networks[number - 1]
    seen = Examples(shrunk(examples.pixels, source_side(recipe, number)), examples.maps)
    generation = Generation(len(seen), network, recipe.optimiser, recipe.seed + number - 1, device)
    saved = _read(folder)
    generation.restore(saved["generation"] if saved is not None else None)
    history: History = saved["history"] if saved is not None else []
    steps = generation.per_epoch * network.epochs
    while generation.epoch < network.epochs:
        loss = generation.run_epoch(seen, lambda step, _: on_step(step, steps))
        history.append({"network": number, "epoch": generation.epoch, "loss": loss})
        with replacing(folder / CHECKPOINT) as temporary:
            torch.save({"generation": generation.saved(), "history": history}, temporary)
    weights = generation.network.state_dict()
    return {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, history


def source_side(recipe: SaliencyRecipe, number: int) -> int:
    """Pixels of the side of images from which the smallest crops of that network are not enlarged."""
    return min(recipe.side, math.ceil(recipe.networks[number - 1].side / math.sqrt(recipe.optimiser.crop)))


def shrunk(pixels: Bytes, side: int) -> Bytes:
    """(n, s, s, 3) -> (n, side, side, 3), antialiased; as they are where they have that size."""
    if pixels.shape[1] == side:
        return pixels
    found = np.empty((len(pixels), side, side, 3), np.uint8)
    for start in range(0, len(pixels), AT_ONCE):
        rows = _resized(pixels[start : start + AT_ONCE], side).round_().clamp_(0, 255)
        found[start : start + AT_ONCE] = rows.permute(0, 2, 3, 1).byte().numpy()
    return found


def predicted(
    network: SaliencyNetwork, side: int, pixels: Bytes, device: str, on_images: Callable[[int], None]
) -> Bytes:
    """What a network makes of whole images, the mean of each and its mirror.

    Args:
        network: in eval mode, on `device`.
        side: pixels of the square that it sees of an image.
        pixels: (n, s, s, 3) RGB.
        device: of the network.
        on_images: is told how many images are done.

    Returns:
        (n, 1, s / 2, s / 2) uint8, 255 where something is salient.
    """
    size = pixels.shape[1] // 2
    found = np.empty((len(pixels), 1, size, size), np.uint8)
    for start in range(0, len(pixels), AT_ONCE):
        whole = _resized(pixels[start : start + AT_ONCE], side).to(device, memory_format=torch.channels_last)
        with torch.inference_mode():
            shares = (network(whole).sigmoid() + network(whole.flip(-1)).sigmoid().flip(-1)) / 2
            at_size = functional.interpolate(shares, (size, size), mode="bilinear", align_corners=False)
        found[start : start + AT_ONCE] = at_size.mul(255).round().cpu().numpy()
        on_images(start + len(whole))
    return found


def _resized(pixels: Bytes, side: int) -> Tensor:
    rows = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
    return functional.interpolate(rows, (side, side), mode="bilinear", antialias=True, align_corners=False)


def _read(folder: Path) -> dict[str, Any] | None:
    """What an earlier process left, if it can be read."""
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file makes the reader raise: the training begins anew
        pass_on_memory_fault(error, path)
        return None
    return content
