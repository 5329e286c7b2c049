"""Two rounds without ground truth: how far their masks agree (`comus agreement RUN@ROUND RUN@ROUND`)."""

from __future__ import annotations

from typing import Any

from comus_core.evaluation.matching import match
from comus_core.evaluation.report import score
from comus_core.pipelines.verb_settings import AgreementSettings
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.runs.trained_categories import trained_names
from comus_core.scoring.round_agreement import MaskOf, agreement_rows, clusters_mask
from comus_core.scoring.round_view import open_round_view
from comus_core.types import ImageId, OnProgress, Progress, no_progress
from comus_core.workspace import Workspace


def agreement(
    rounds: tuple[RunRound, RunRound],
    workspace: Workspace,
    settings: AgreementSettings = AgreementSettings(),
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Match the masks of two rounds image by image, the first in the place of ground truth.

    Args:
        rounds: of the same or of two runs that share images.
        workspace: where they are.
        settings: how categories are matched.
        device: not used: stored masks are compared.
        on_progress: as in `discover`.

    Returns:
        `first`, `second` {`run`, `round`, `training`}, `images`, `matching`, `miou`, `pixel_agreement`, and
        `per_category` {category of the first: IoU in percent}.

    Raises:
        SettingsError: the rounds share no image.
        DatasetError: masks of one image differ in size.
    """
    on_progress(Progress("agreement", 0, 1))
    first, second = (_masks(one, workspace) for one in rounds)
    shared = sorted(set(first[0]) & set(second[0]))
    rows = agreement_rows(shared, first[2], second[2], (len(first[1]), len(second[1])))
    matched = match(rows.contingency, settings.matching or rounds[0].run.config.matching)
    found = score(rows.contingency, matched, ("background", *first[1]), ("background", *second[1]))
    on_progress(Progress("agreement", 1, 1))
    sides = [
        {"run": one.run.id, "round": one.number, "training": one.training.id if one.training else None}
        for one in rounds
    ]
    return {
        "first": sides[0],
        "second": sides[1],
        "images": len(shared),
        "matching": matched.mode,
        "miou": found.miou,
        "pixel_agreement": found.pixel_accuracy,
        "per_category": found.per_class,
    }


def _masks(one: RunRound, workspace: Workspace) -> tuple[list[ImageId], tuple[str, ...], MaskOf]:
    """Ids of the images that a round has masks of, the names of its categories, and its masks."""
    decided = workspace.decisions_of(one.run)
    if one.training is None:
        view = open_run_view(workspace, one.run)
        names = view.labels(decided).names
        return sorted(map(str, view.image_ids)), names, lambda image_id: clusters_mask(view, decided, image_id)
    masks = open_round_view(workspace, one.training)
    return masks.image_ids, trained_names(one.training, decided), lambda image_id: masks.mask(one.number, image_id)
