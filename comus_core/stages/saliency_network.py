"""The network of a detector of our own joined to the workspace: what decides it, and the training that makes it."""

from __future__ import annotations

import json
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
from comus_core.workspace import Artifact
from comus_core.workspace.artifacts import TABLE

NETWORK, HISTORY, MAPS, LEARNED = "network.safetensors", "history.json", "maps.npy", "learned.npy"
LEAST = 16  # images: fewer teach a network nothing
READ_AT_ONCE = 64  # examples

Bytes = NDArray[np.uint8]


def saliency_network(context: StageContext, examples: Artifact, recipe: SaliencyRecipe) -> Artifact:
    """The last network as a detector's file, and the loss of every epoch of all of them.

    Each network is an artifact: a recipe that wants one more goes on from the last.

    Raises:
        DatasetError: there are too few images.
    """
    made = _first(context, examples, recipe)
    for number in range(2, recipe.networks + 1):
        made = _later(context, examples, recipe, number, made)
    return made


def _first(context: StageContext, examples: Artifact, recipe: SaliencyRecipe) -> Artifact:
    """Its moving averages, `MAPS`: the network itself serves nothing else."""

    def write(folder: Path) -> None:
        from comus_core.saliency.trained.generation import Examples
        from comus_core.saliency.trained.training import CHECKPOINT, train_first

        read = Examples(*read_examples(examples, recipe))
        maps, history = train_first(read, recipe, folder, context.device, context.on_progress)
        np.save(folder / MAPS, maps)
        (folder / HISTORY).write_text(json.dumps(history))
        (folder / CHECKPOINT).unlink(missing_ok=True)

    values = to_dict(recipe)
    decided_by = {name: values[name] for name in ("side", "above", "first", "warm", "keep", "precision", "seed")}
    key = context.key("saliency_network", decided_by | {"network": 1}, examples=examples)
    return context.make("networks", key, None, write, announce=False)


def _later(
    context: StageContext, examples: Artifact, recipe: SaliencyRecipe, number: int, before: Artifact
) -> Artifact:
    """The network of that number, from 2."""

    def write(folder: Path) -> None:
        from comus_core.saliency.trained.generation import Examples
        from comus_core.saliency.trained.network_file import write_network
        from comus_core.saliency.trained.training import CHECKPOINT, train_later

        pixels = read_examples(examples, recipe)[0]
        learned = _learned(folder, context, pixels, recipe, number, before)
        weights, history = train_later(
            number, Examples(pixels, learned), recipe, folder, context.device, context.on_progress
        )
        facts = {
            "side": recipe.later.side,
            "images": len(pixels),
            "examples": examples.fingerprint,
            "recipe": to_dict(recipe) | {"networks": number},
            "supervision": {"direct": "none", "inherited": "none"},
        }
        write_network(folder / NETWORK, weights, facts)
        (folder / HISTORY).write_text(json.dumps(_history(before) + history))
        for name in (CHECKPOINT, LEARNED):
            (folder / name).unlink(missing_ok=True)

    decided_by = {name: value for name, value in to_dict(recipe).items() if name != "networks"}
    key = context.key("saliency_network", decided_by | {"network": number}, examples=examples, before=before)
    return context.make("networks", key, None, write, announce=False)


def _learned(
    folder: Path, context: StageContext, pixels: Bytes, recipe: SaliencyRecipe, number: int, before: Artifact
) -> Bytes:
    """What the network of that number learns, (n, 1, h, w): kept in the folder, so that it is found out once."""
    from comus_core.saliency.trained.network_file import read_network
    from comus_core.saliency.trained.targets import refined
    from comus_core.saliency.trained.training import later_place, predicted

    def told(images: int) -> None:
        context.on_progress(later_place(recipe, number)(0, images))  # no step yet; a person may cancel here

    file = folder / LEARNED
    if not file.exists():
        if number == 2:
            with before.reading(MAPS) as path:
                maps = np.load(path, allow_pickle=False)
        else:
            with before.reading(NETWORK) as path:
                network = read_network(path, context.device)
            maps = predicted(network, recipe.later.side, pixels, context.device, told)
        with replacing(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, refined(maps, pixels, recipe.refine, recipe.colours))
    learned: Bytes = np.load(file, allow_pickle=False)
    return learned


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
