"""The network of a detector of our own joined to the workspace: what decides it, and the training that makes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from comus_core.errors import DatasetError
from comus_core.files.atomic import replacing
from comus_core.runs import artifact_readers as tables
from comus_core.saliency.trained.recipe import SaliencyRecipe
from comus_core.settings import to_dict
from comus_core.stages.context import StageContext
from comus_core.text import counted
from comus_core.types import Progress
from comus_core.workspace import Artifact
from comus_core.workspace.artifacts import TABLE

NETWORK, HISTORY, LEARNED = "network.safetensors", "history.json", "learned.npz"
LEAST = 16  # images: fewer teach a network nothing
READ_AT_ONCE = 64  # examples

Bytes = NDArray[np.uint8]


def saliency_network(context: StageContext, examples: Artifact, recipe: SaliencyRecipe) -> Artifact:
    """The last network as a detector's file, and the loss of every epoch of all of them.

    Each network is an artifact: a recipe that differs after some of them begins there.

    Raises:
        DatasetError: there are too few images.
    """
    made: Artifact | None = None
    for number in range(1, len(recipe.networks) + 1):
        made = _network(context, examples, recipe, number, made)
    assert made is not None
    return made


def _network(
    context: StageContext, examples: Artifact, recipe: SaliencyRecipe, number: int, before: Artifact | None
) -> Artifact:
    """The network of that number, from 1; `LEARNED` are the maps that were at hand."""

    def told(done: float) -> None:
        sizes = [network.epochs * network.share * network.side**2 for network in recipe.networks]
        share = (sum(sizes[: number - 1]) + done * sizes[number - 1]) / sum(sizes)
        context.on_progress(Progress("networks", round(1000 * share), 1000))

    def write(folder: Path) -> None:
        from comus_core.saliency.trained.generation import Examples
        from comus_core.saliency.trained.network_file import write_network
        from comus_core.saliency.trained.targets import surest
        from comus_core.saliency.trained.training import CHECKPOINT, train_network

        pixels, maps = read_examples(examples, recipe)
        told(0)
        learned, agree = _learned(folder, context, pixels, maps, recipe, number, before, lambda _: told(0))
        network = recipe.networks[number - 1]
        rows = surest(learned, agree, network.share)
        weights, history = train_network(
            number,
            Examples(pixels[rows], learned[rows]),
            recipe,
            folder,
            context.device,
            lambda step, steps: told(step / steps),
        )
        facts = {
            "side": network.side,
            "images": len(pixels),
            "examples": examples.fingerprint,
            "recipe": to_dict(replace(recipe, networks=recipe.networks[:number])),
            "supervision": {"direct": "none", "inherited": "none"},
        }
        write_network(folder / NETWORK, weights, facts)
        (folder / HISTORY).write_text(json.dumps((_history(before) if before else []) + history))
        (folder / CHECKPOINT).unlink(missing_ok=True)

    decided_by = to_dict(replace(recipe, networks=recipe.networks[:number]))
    if before is None:
        del decided_by["keep"]  # nothing was learned before
    inputs = {"examples": examples} | ({"before": before} if before else {})
    key = context.key("saliency_network", decided_by, None, **inputs)
    return context.make("networks", key, None, write, announce=False)


def _learned(
    folder: Path,
    context: StageContext,
    pixels: Bytes,
    maps: Bytes,
    recipe: SaliencyRecipe,
    number: int,
    before: Artifact | None,
    on_images: Callable[[int], None],
) -> tuple[Bytes, NDArray[np.float64]]:
    """The maps for that network, (n, 1, h, w), and how far their sources agree, (n,): found out once a folder."""
    from comus_core.saliency.trained.network_file import read_network
    from comus_core.saliency.trained.targets import agreement, certain, refined
    from comus_core.saliency.trained.training import predicted

    file = folder / LEARNED
    if not file.exists():
        if before is None:
            sources = certain(maps, recipe.above)
            mean = sources
        else:
            old = _read_learned(before)[0]
            with before.reading(NETWORK) as path:
                network = read_network(path, context.device)
            side = recipe.networks[number - 2].side
            new = predicted(network, side, pixels, context.device, on_images)
            sources = np.concatenate([old, new], axis=1)
            mean = np.rint(recipe.keep * old.astype(np.float32) + (1 - recipe.keep) * new).astype(np.uint8)
        with replacing(file) as temporary, temporary.open("wb") as stream:
            found = refined(mean, pixels, recipe.refine, recipe.colours, on_images)
            np.savez(stream, maps=found, agreement=agreement(sources))
    with np.load(file, allow_pickle=False) as stored:
        return stored["maps"], stored["agreement"]


def _read_learned(network: Artifact) -> tuple[Bytes, NDArray[np.float64]]:
    with network.reading(LEARNED) as path, np.load(path, allow_pickle=False) as stored:
        return stored["maps"], stored["agreement"]


def _history(network: Artifact) -> list[dict[str, float]]:
    with network.reading(HISTORY) as path:
        history: list[dict[str, float]] = json.loads(path.read_text())
    return history


def require_enough(images: Artifact) -> None:
    """Raise `DatasetError` unless there are enough usable images to learn from."""
    usable = len(tables.usable_ids(images))
    if usable < LEAST:
        raise DatasetError(f"{counted(usable, 'usable image')}: a detector needs at least {LEAST} to learn from")


def read_examples(examples: Artifact, recipe: SaliencyRecipe) -> tuple[Bytes, Bytes]:
    """The (n, side, side, 3) pixels and (n, priors, side / 2, side / 2) maps of the examples, both uint8."""
    side, count, row = recipe.side, examples.table(["image_id"]).num_rows, 0
    pixels = np.empty((count, side, side, 3), np.uint8)
    maps = np.empty((count, len(recipe.priors), side // 2, side // 2), np.uint8)
    with examples.reading(TABLE) as path, pq.ParquetFile(path) as stored:
        for batch in stored.iter_batches(READ_AT_ONCE, columns=["pixels", "maps"]):
            for one, its_maps in zip(batch.column("pixels"), batch.column("maps"), strict=True):
                pixels[row] = np.frombuffer(one.as_buffer(), np.uint8).reshape(pixels.shape[1:])
                maps[row] = np.frombuffer(its_maps.as_buffer(), np.uint8).reshape(maps.shape[1:])
                row += 1
    return pixels, maps
