"""What a trained round makes of each proposal: the category that most of its pixels were predicted as. No torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pycocotools import mask as coco_mask

from comus_core.pseudo_masks import from_png
from comus_core.run_view import RunView
from comus_core.types import BoolMask, IndexMask, IntArray
from comus_core.workspace import Artifact, ArtifactKey
from comus_core.workspace.artifacts import TABLE

VERSION = 1
NO_MASK = -2  # the round predicted nothing for the image
BACKGROUND = -1


def predicted_of(view: RunView, predictions: Artifact) -> IntArray:
    """(n,) int32 the category, 0…C−1 as the round numbers them, of each proposal; `BACKGROUND` or `NO_MASK`.

    Counted once and kept beside the predictions: every mask of the run is read for it.

    Raises:
        WorkspaceError: a mask is gone or damaged.
    """
    inputs = {"proposals": view.run.artifacts["proposals"], "predictions": predictions.fingerprint}

    def write(folder: Path) -> None:
        ids = pa.array(view.proposals.proposal_id, pa.string())
        found = pa.array(_counted(view, predictions), pa.int32())
        pq.write_table(pa.table({"proposal_id": ids, "category": found}), folder / TABLE)

    key = ArtifactKey("proposal_predictions", VERSION, {}, inputs)
    table = view.workspace.artifacts.make(key, write).table()
    category: IntArray = table.column("category").to_numpy()  # the proposals' order is that of their artifact
    return category


def is_counted(view: RunView, predictions: Artifact) -> bool:
    """Whether `predicted_of` would answer without reading the masks."""
    inputs = {"proposals": view.run.artifacts["proposals"], "predictions": predictions.fingerprint}
    key = ArtifactKey("proposal_predictions", VERSION, {}, inputs)
    return view.workspace.artifacts.find(key.kind, key.fingerprint) is not None


def most_of(mask: IndexMask, proposal: BoolMask) -> int:
    """The category with most pixels of a proposal in a mask (0 background, category + 1); the lower one of equals."""
    pixels = np.bincount(np.asarray(mask)[proposal])
    return int(pixels.argmax()) - 1 if len(pixels) else BACKGROUND


def _counted(view: RunView, predictions: Artifact) -> IntArray:
    found = np.full(len(view), NO_MASK, np.int32)
    table = predictions.table(["image_id", "file"])
    for image_id, name in zip(*(column.to_pylist() for column in table.columns), strict=True):
        rows = view.rows_of_image.get(image_id, [])
        if not rows:
            continue
        with predictions.reading(name) as path:
            mask = from_png(path.read_bytes())
        size = [int(v) for v in view.proposals.size_hw[rows[0]]]
        for row, counts in zip(rows, view.proposals.rle[rows], strict=True):
            proposal = np.asarray(coco_mask.decode({"size": size, "counts": counts}), bool)
            found[row] = most_of(mask, proposal)
    return found
