"""What in a run is like some of its proposals, or like an image that is not in it: `comus similar RUN ID…`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from comus_core import curation
from comus_core.pipelines.described_image import DescribedImage, describe_image
from comus_core.pipelines.verb_settings import SimilarSettings
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.runs.similarity import TOP, Ranking, candidates, ranked, rows_of_ids, similarities, vectors_of_rows
from comus_core.settings import require
from comus_core.types import BoolMask, IntArray, OnProgress, Progress, no_progress
from comus_core.workspace import Run, Workspace
from comus_core.workspace.decisions import Decisions

WHOLE = "whole image"


def similar(
    run: Run,
    workspace: Workspace,
    settings: SimilarSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Rank the run's proposals by their similarity to some of them, or to an image; move what is found on request.

    Similarity is the cosine of raw vectors, to the mean of the unit vectors compared with or to the nearest of them.
    An image is described by the run's own detector and encoder, and nothing is kept of it. Proposals compared with are
    not listed, and erased ones are left out.

    Returns:
        `run`, `by`, `proposals` compared with, `found` [{`proposal`, `cosine`}] by falling cosine, ties by id,
        `threshold` that they reach, `moved` (how many proposals) and `moved_to` (a cluster's name) or null, `version`
        of the decisions. Of an image also `picture`, `width`, `height` and `parts` [{`what`, `box` [x0, y0, x1, y1] in
        pixels, `vector`, `found`}], its objects first; else null.

    Raises:
        ImageError: the file cannot be decoded.
        SettingsError: no such proposal; a rejected cluster to move to; an image, and a run on vectors of the user's
            own.
        WorkspaceError: no cluster of the id to move to, several of its name, or a read-only run.
        ConflictError: someone else has moved one of the proposals meanwhile.
    """
    view = open_run_view(workspace, run)
    decided = curation.decided_in(view)
    target = None if settings.move_to is None else _target(view, decided, settings.move_to)
    file = next((p for p in settings.proposals if p not in view.row_of and Path(p).is_file()), None)
    require(file is None, f"{file} is an image file, not a proposal of run {run.id}: write --picture {file}")
    rows = rows_of_ids(view, settings.proposals)
    on_progress(Progress("similar", 0, 2))
    image, vectors = None, [vectors_of_rows(view, rows)]
    if settings.picture is not None:
        from comus_core.machine.device import choose_device

        image = describe_image(workspace, run, Path(settings.picture).expanduser(), choose_device(device))
        vectors.append(image.objects)
    on_progress(Progress("similar", 1, 2))
    among = candidates(view, decided, rows)
    ranking = ranked(view, similarities(view, np.concatenate(vectors), settings.by), among)
    count = len(_listed(ranking, settings))
    result: dict[str, Any] = {
        "run": run.id,
        "by": settings.by,
        "proposals": [str(p) for p in view.proposals.proposal_id[rows]],
        "found": _found(view, ranking, count),
        "threshold": settings.threshold if settings.threshold is not None else ranking.at(count),
        **_described(view, image, settings, among),
        **_moved(view, decided, target, np.concatenate([rows, ranking.rows[:count]])),
    }
    on_progress(Progress("similar", 2, 2))
    return result


def _target(view: RunView, decided: Decisions, name: str) -> int | str:
    """The category to move to, or the name of a new one."""
    known = any(decided.name_of(k).casefold() == name.strip().casefold() for k in curation.all_ids(view, decided))
    return curation.find_category(view, decided, name) if known or name.strip().isdecimal() else name


def _listed(ranking: Ranking, settings: SimilarSettings) -> range:
    if settings.threshold is not None:
        return range(ranking.count(settings.threshold))
    return range(min(settings.top or TOP, len(ranking)))


def _found(view: RunView, ranking: Ranking, count: int) -> list[dict[str, Any]]:
    ids = view.proposals.proposal_id[ranking.rows[:count]]
    return [{"proposal": str(p), "cosine": float(c)} for p, c in zip(ids, ranking.similarity[:count], strict=True)]


def _described(
    view: RunView, image: DescribedImage | None, settings: SimilarSettings, among: BoolMask
) -> dict[str, Any]:
    """The image, and what is like each part of it."""
    if image is None:
        return {"picture": None, "width": None, "height": None, "parts": None}
    parts = []
    for number, (box, vector) in enumerate(zip(image.boxes, image.vectors, strict=True), 1):
        ranking = ranked(view, similarities(view, vector[None]), among)
        what = WHOLE if number == len(image.boxes) else f"object {number}"
        found = _found(view, ranking, len(_listed(ranking, settings)))
        parts.append({"what": what, "box": [int(v) for v in box], "vector": [float(v) for v in vector], "found": found})
    return {"picture": settings.picture, "width": image.width, "height": image.height, "parts": parts}


def _moved(view: RunView, decided: Decisions, target: int | str | None, rows: IntArray) -> dict[str, Any]:
    """Move the proposals of these rows, to a new category if it has no id yet, as one decision."""
    ids = [str(p) for p in view.proposals.proposal_id[rows]]
    if target is None or not ids:  # an image may be like nothing
        return {"moved": None, "moved_to": None, "version": decided.version}
    if isinstance(target, int):
        after = curation.move(view, ids, target, based_on=decided.version)
        return {"moved": len(ids), "moved_to": after.name_of(target), "version": after.version}
    after = curation.create(view, target, ids, based_on=decided.version)
    return {"moved": len(ids), "moved_to": after.name_of(max(after.layout.made)), "version": after.version}
