"""One network of our own detector, epoch by epoch; a training that was stopped goes on from its last epoch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from comus_core.files.atomic import replacing
from comus_core.saliency.trained.generation import Bytes, Examples, Generation, Look
from comus_core.saliency.trained.network import SaliencyNetwork
from comus_core.saliency.trained.recipe import SaliencyRecipe
from comus_core.saliency.trained.targets import MovingAverage, as_bytes, certain, is_salient
from comus_core.types import OnProgress, Progress

CHECKPOINT = "checkpoint.pt"
AT_ONCE = 16  # images that a network looks at
FIRST, LATER = "first network", "later networks"  # stages of the progress
Place = Callable[[int, int], Progress]  # steps done and in all
History = list[dict[str, float]]  # a record of each epoch: network, epoch, loss


def train_first(
    examples: Examples, recipe: SaliencyRecipe, folder: Path, device: str, on_progress: OnProgress
) -> tuple[Bytes, History]:
    """What the network that learns from the priors makes of the images: the moving averages, and the losses.

    Args:
        examples: their maps are those of the priors, one a head.
        recipe: of the detector.
        folder: keeps the checkpoint, which is left to the caller.
        device: "cpu", "cuda", "cuda:N" or "mps".
        on_progress: is told every step; what it raises ends the training, and the epochs that are done are kept.

    Returns:
        (n, heads, h, w) uint8, and a record of each epoch.
    """
    look, average = Look(half=recipe.precision == "bfloat16"), MovingAverage(examples.maps.shape, recipe.keep)
    generation = Generation(len(recipe.priors), len(examples), recipe.first, recipe.seed, device, look)
    begun = certain(examples.maps, recipe.above)

    def learned() -> Bytes:
        return begun if generation.epoch < recipe.warm else is_salient(average.values)

    saved = _read(folder)
    if saved is not None:
        average.values, average.begun = np.asarray(saved["average"]), np.asarray(saved["begun"])
    kept = {"average": lambda: torch.from_numpy(average.values), "begun": lambda: torch.from_numpy(average.begun)}
    history = _epochs(1, generation, examples.pixels, learned, average, saved, kept, folder, on_progress, first_place)
    return as_bytes(average.values), history


def train_later(
    number: int, examples: Examples, recipe: SaliencyRecipe, folder: Path, device: str, on_progress: OnProgress
) -> tuple[dict[str, Tensor], History]:
    """The weights by name of the network of that number, from 2, and the losses; else as `train_first`.

    The maps of `examples`, one an image, are what it learns.
    """
    look, seed = Look(recipe.crop, recipe.precision == "bfloat16"), recipe.seed + number - 1
    generation = Generation(1, len(examples), recipe.later, seed, device, look)
    pixels, maps, saved, place = examples.pixels, examples.maps, _read(folder), later_place(recipe, number)
    history = _epochs(number, generation, pixels, lambda: maps, None, saved, {}, folder, on_progress, place)
    weights = generation.network.state_dict()
    return {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, history


def first_place(step: int, steps: int) -> Progress:
    """Where the first network stands."""
    return Progress(FIRST, step, steps)


def later_place(recipe: SaliencyRecipe, number: int) -> Place:
    """Where the later networks stand, all of them together, when that one has made so many of its steps."""
    return lambda step, steps: Progress(LATER, (number - 2) * steps + step, (recipe.networks - 1) * steps)


def _epochs(
    number: int,
    generation: Generation,
    pixels: Bytes,
    learned: Callable[[], Bytes],
    average: MovingAverage | None,
    saved: dict[str, Any] | None,
    kept: dict[str, Callable[[], Tensor]],
    folder: Path,
    on_progress: OnProgress,
    place: Place,
) -> History:
    """Train to the end, with a checkpoint after every epoch that also holds what `kept` gives."""
    history: History = saved["history"] if saved is not None else []
    generation.restore(saved["generation"] if saved is not None else None)
    steps = generation.per_epoch * generation.settings.epochs
    while generation.epoch < generation.settings.epochs:
        loss = generation.run_epoch(
            Examples(pixels, learned()),
            lambda step, _: on_progress(place(step, steps)),
            average.add if average is not None else None,
        )
        history.append({"network": number, "epoch": generation.epoch, "loss": loss})
        content = {"generation": generation.saved(), "history": history, **{k: give() for k, give in kept.items()}}
        with replacing(folder / CHECKPOINT) as temporary:
            torch.save(content, temporary)
    return history


def _read(folder: Path) -> dict[str, Any] | None:
    """What an earlier process left, if it can be read."""
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # whatever a damaged file makes the reader raise: the training begins anew
        return None
    return content


def predicted(
    network: SaliencyNetwork, side: int, pixels: Bytes, device: str, on_images: Callable[[int], None]
) -> Bytes:
    """What a network makes of whole images, the mean of each and its mirror.

    Args:
        network: with one head, in eval mode, on `device`.
        side: pixels of the square that it sees of an image.
        pixels: (n, s, s, 3) RGB.
        device: of the network.
        on_images: is told how many images are done.

    Returns:
        (n, 1, side / 2, side / 2) uint8, 255 where something is salient.
    """
    found = np.empty((len(pixels), 1, side // 2, side // 2), np.uint8)
    for start in range(0, len(pixels), AT_ONCE):
        rows = torch.from_numpy(pixels[start : start + AT_ONCE]).permute(0, 3, 1, 2).float()
        whole = functional.interpolate(rows, (side, side), mode="bilinear", antialias=True, align_corners=False)
        whole = whole.to(device, memory_format=torch.channels_last)
        with torch.inference_mode():
            shares = (network(whole).sigmoid() + network(whole.flip(-1)).sigmoid().flip(-1)) / 2
            small = functional.interpolate(shares, (side // 2, side // 2), mode="area").cpu().numpy()
        found[start : start + AT_ONCE] = np.rint(255 * small)
        on_images(start + len(rows))
    return found
