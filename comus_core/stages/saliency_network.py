"""The network of a detector of our own joined to the workspace: what decides it, and the training that makes it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from comus_core.errors import DatasetError
from comus_core.runs import artifact_readers as tables
from comus_core.saliency.trained.recipe import SaliencyRecipe
from comus_core.settings import to_dict
from comus_core.stages.context import StageContext
from comus_core.text import counted
from comus_core.workspace import Artifact
from comus_core.workspace.artifacts import TABLE

NETWORK, HISTORY = "network.safetensors", "history.json"
LEAST = 16  # images: fewer teach a network nothing
READ_AT_ONCE = 64  # examples

Bytes = NDArray[np.uint8]


def saliency_network(context: StageContext, examples: Artifact, recipe: SaliencyRecipe) -> Artifact:
    """The second generation's network as a detector's file, and the loss of every epoch.

    Raises:
        DatasetError: there are too few images.
    """

    def write(folder: Path) -> None:
        from comus_core.saliency.trained.generation import Examples
        from comus_core.saliency.trained.network_file import write_network
        from comus_core.saliency.trained.training import CHECKPOINT, DetectorTraining

        read = read_examples(examples, recipe)
        training = DetectorTraining(Examples(*read), recipe, folder, context.device, context.on_progress)
        weights, history = training.run()
        facts = {
            "side": recipe.second.side,
            "images": len(read[0]),
            "examples": examples.fingerprint,
            "recipe": to_dict(recipe),
            "supervision": {"direct": "none", "inherited": "none"},
        }
        write_network(folder / NETWORK, weights, facts)
        (folder / HISTORY).write_text(json.dumps(history))
        (folder / CHECKPOINT).unlink(missing_ok=True)

    key = context.key("saliency_network", to_dict(recipe), examples=examples)
    return context.make("networks", key, None, write, announce=False)


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
