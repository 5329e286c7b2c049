"""How far two rounds agree where there is no ground truth (`comus agreement`)."""

from __future__ import annotations

from typing import Any

from comus_core.pipelines.verb_settings import AgreementSettings
from comus_core.runs.opened_round import OpenedRound
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_agreement import agreement_json, agreement_of
from comus_core.types import OnProgress, no_progress
from comus_core.workspace import Workspace

DEFAULT = AgreementSettings()


def agreement(
    rounds: tuple[RunRound, RunRound],
    workspace: Workspace,
    settings: AgreementSettings = DEFAULT,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> dict[str, Any]:
    """Compare the masks of two rounds, also of different runs, on the images that both have; no ground truth is read.

    The first of the `rounds` is in the place of the ground truth. No stage runs, so no device is used.

    Returns:
        `first`, `second` {`run`, `round`, `training`}, `supervision`, `images`, `matching`, `miou` (mean IoU of the
        first's categories, background included), `pixel_agreement`, `per_category` {name: IoU}, all three in percent,
        `category_of` {name in the second: name in the first}, and without any matching `ari` (adjusted Rand index) and
        `nmi` (normalised mutual information) of the pixels.

    Raises:
        DatasetError: masks of one image that differ in size.
        SettingsError: no image has masks of both.
        WorkspaceError: a round has no masks, or an artifact is gone.
    """
    first, second = (OpenedRound(one, open_run_view(workspace, one.run)) for one in rounds)
    return agreement_json(first, agreement_of(first, second, settings.matching, on_progress=on_progress))
