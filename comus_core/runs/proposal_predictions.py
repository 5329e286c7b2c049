"""What a trained round makes of each proposal: the category that most of its pixels were predicted as. No torch.

Training works it out at the end of each round and names it in its row; the pages only read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from comus_core.errors import WorkspaceError
from comus_core.runs import artifact_readers as tables
from comus_core.runs.round_masks import MaskReader, is_of_run, rounds_of, training_of_rounds
from comus_core.runs.run_view import RunView, rows_in
from comus_core.types import BoolMask, IndexMask, IntArray, OnProgress, no_progress
from comus_core.workspace import Artifact, ArtifactKey, Run, Workspace
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.shards import Tick

KIND, VERSION = "proposal_predictions", 1
NAME = "proposals-{}"  # in a training's artifacts, by round
NO_MASK = -2  # the round predicted nothing for the image
BACKGROUND = -1


def count_predictions(
    workspace: Workspace,
    proposals: Artifact,
    predictions: Artifact,
    *,
    stage: str = "proposals",
    on_progress: OnProgress = no_progress,
) -> Artifact:
    """A row a proposal, `proposal_id` and `category` int32: 0…C−1 as the round numbers them, `BACKGROUND`, `NO_MASK`.

    `predictions` are a round's masks of the same images. Raising `Cancelled` in `on_progress` stops, and what is
    finished is kept.

    Raises:
        WorkspaceError: a mask is gone or damaged.
    """
    proposal_rows = tables.read_proposals_lightly(proposals)
    rows_of = tables.rows_by_image(proposal_rows)
    masks = MaskReader(predictions)

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        names, categories = [], []
        for image_id in ids:
            mask = masks.read(image_id)
            for row in rows_of[image_id]:
                names.append(proposal_rows.proposal_id[row])
                categories.append(NO_MASK if mask is None else most_of(mask, proposal_rows.mask(row)))
            tick(1)
        return pa.table({"proposal_id": pa.array(names, pa.string()), "category": pa.array(categories, pa.int32())})

    key = ArtifactKey(KIND, VERSION, {}, {"proposals": proposals.fingerprint, "predictions": predictions.fingerprint})
    return workspace.artifacts.make_sharded(key, list(rows_of), work, stage=stage, on_progress=on_progress)


def of_proposals(
    workspace: Workspace, run: Run, predictions: Artifact, number: int, *, on_progress: OnProgress = no_progress
) -> dict[str, Artifact]:
    """What round `number` predicts for the run's proposals, by its name in a training; nothing of other images."""
    if not is_of_run(predictions, run):
        return {}
    proposals, stage = workspace.artifact(run, "proposals"), f"round {number} proposals"
    counted = count_predictions(workspace, proposals, predictions, stage=stage, on_progress=on_progress)
    return {NAME.format(number): counted}


def has_predictions(view: RunView, number: int) -> bool:
    """Whether `predicted_of` has an answer for that round."""
    return _stored(view, number) is not None


def predicted_of(view: RunView, number: int, decided: Decisions) -> IntArray:
    """(n,) int32 the category of each proposal in a round of `round_masks.rounds_of`; `BACKGROUND` or `NO_MASK`.

    By the masks as decided: those of the detector were counted once, and the few that a person drew are read now.

    Raises:
        WorkspaceError: it was not worked out, or a mask of the round is gone.
    """
    stored = _stored(view, number)
    if stored is None:
        raise WorkspaceError(
            f"round {number}: what it predicts for each proposal is not there; ask for the same training again, "
            "which trains nothing twice"
        )
    table = stored.table(["proposal_id", "category"])
    ids, category = (column.to_numpy() for column in table.columns)
    aligned: IntArray = category[rows_in(ids.astype(object), view.proposals.proposal_id, KIND)]
    return _with_redrawn(view, number, decided, aligned) if decided.layout.redrawn else aligned


def _with_redrawn(view: RunView, number: int, decided: Decisions, predicted: IntArray) -> IntArray:
    """The same with the proposals anew whose masks a person drew."""
    masks, reader = view.masks(decided), MaskReader(rounds_of(view)[number])
    again = predicted.copy()
    rows_of: dict[str, list[int]] = {}
    for row in sorted(view.row_of[p] for p in decided.layout.redrawn if p in view.row_of):
        rows_of.setdefault(str(view.proposals.image_id[row]), []).append(row)
    for image_id, rows in rows_of.items():
        mask = reader.read(image_id)
        again[rows] = [NO_MASK if mask is None else most_of(mask, masks.mask(row)) for row in rows]
    return again


def most_of(mask: IndexMask, proposal: BoolMask) -> int:
    """The category with most pixels of a proposal in a mask (0 background, category + 1); the lower one of equals."""
    pixels = np.bincount(np.asarray(mask)[proposal])
    return int(pixels.argmax()) - 1 if len(pixels) else BACKGROUND


def _stored(view: RunView, number: int) -> Artifact | None:
    training = training_of_rounds(view)
    fingerprint = training.artifacts.get(NAME.format(number), "") if training is not None else ""
    return view.workspace.artifacts.find(KIND, fingerprint) if fingerprint else None
