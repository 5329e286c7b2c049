"""Set the filter without a draft: the percentage of each category's proposals excluded from training."""

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
    """Exclude the least certain proposals of each category from training (paper section 3.2).

    None changes nothing, but for `cluster`, the id of a category: None is all, which resets the percentages of single
    categories. `based_on` is the version of the decisions that the person saw; None is the current one.

    Raises:
        SettingsError: a percentage outside 0 to 100, an unknown ranking or category, or neither percentage nor ranking.
        ConflictError: someone else has changed the same filter in the meantime; nothing is saved.
        WorkspaceError: the run came in a bundle and is read-only.
    """
    require(percent is not None or by is not None, "filter: set a percentage, a ranking, or both")
    decided = decided_in(view)
    if cluster is not None:
        require_known(view, decided, [cluster])
    draft = decided if by is None else with_by(decided, by)
    draft = draft if percent is None else with_percent(draft, percent, cluster)
    base = decided if based_on is None else replace(decided, version=based_on)
    return apply(view.workspace, view.run, base, draft)
