"""The filter decided at once, without a draft: how much of each category's proposals is left out of training."""

from __future__ import annotations

from dataclasses import replace

from comus_core.config import FilterBy
from comus_core.curation.category_names import require_known
from comus_core.curation.decision_history import decided_in
from comus_core.curation.filter_draft import apply, with_by, with_percent
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.workspace.decisions import Decisions


def set_filter(
    view: RunView,
    percent: float | None = None,
    *,
    cluster: int | None = None,
    by: FilterBy | None = None,
    based_on: int | None = None,
) -> Decisions:
    """Leave the least certain proposals of each category out of training (paper section 3.2).

    Args:
        view: of the run.
        percent: of the proposals that are left out; None leaves it as it is.
        cluster: id of the category that is meant; None means all, and forgets what single ones have of their own.
        by: what proposals are ranked by; None leaves it as it is.
        based_on: version of the decisions that the person looked at; None is what is decided now.

    Raises:
        SettingsError: a percentage outside 0 to 100, an unknown ranking or category, or nothing was given.
        ConflictError: someone else decided on the same filter meanwhile; nothing is written.
        WorkspaceError: the run came in a bundle and is read-only.
    """
    require(percent is not None or by is not None, "filter: give a percentage, what to rank by, or both")
    decided = decided_in(view)
    if cluster is not None:
        require_known(view, decided, [cluster])
    draft = decided if by is None else with_by(decided, by)
    draft = draft if percent is None else with_percent(draft, percent, cluster)
    seen = decided if based_on is None else replace(decided, version=based_on)
    return apply(view.workspace, view.run, seen, draft)
