"""What the Name clusters page shows of a cluster, and the names to suggest. No Streamlit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from app.data.run_cache import Held
from comus_core.curation.naming import suggested_names
from comus_core.runs.run_view import RunView
from comus_core.scoring.cluster_summary import ClusterSummary
from comus_core.types import IntArray
from comus_core.workspace import Workspace
from comus_core.workspace.decisions import Decisions

NEAR, BORDER = 12, 6  # crops nearest the centre, and at the border of the core
MOST_LOGS, MOST_SUGGESTED = 512, 400

_names: Held[tuple[str, ...]] = Held(MOST_LOGS)


@dataclass(frozen=True, eq=False)
class CropsToName:
    """Rows of proposals: the most typical, nearest the centre first, and the last of the core, least certain last."""

    near: IntArray
    border: IntArray


def crops_to_name(summary: ClusterSummary) -> CropsToName:
    """What a person looks at to name a cluster. No crop is in both; a small core has none at its border."""
    core = summary.core if len(summary.core) else summary.filtered
    return CropsToName(core[:NEAR], core[max(NEAR, len(core) - BORDER) :])


def tightness_rank(summaries: list[ClusterSummary], cluster: int) -> int:
    """1 for the cluster with the smallest mean distance to its centre, 2 for the next; an unknown one comes last."""
    spread = {s.cluster: s.spread if s.spread == s.spread else float("inf") for s in summaries}
    return 1 + sum(other < spread[cluster] for other in spread.values())


def suggestions(view: RunView, decided: Decisions) -> list[str]:
    """Names to suggest for the clusters of a run: its list, its own names, names of the other runs of the workspace."""
    elsewhere = names_elsewhere(view.workspace, view.run.id)
    found = suggested_names(view.workspace.name_lists.read(view.run.id), decided.names.values(), elsewhere)
    return found[:MOST_SUGGESTED]


def names_elsewhere(workspace: Workspace, run_id: str) -> Counter[str]:
    """Name -> the number of other runs in which a cluster has it now. A log is read again only after a decision."""
    counted: Counter[str] = Counter()
    for (run, clustering), version in workspace.decisions.versions().items():
        if run != run_id:
            key = (str(workspace.root), run, clustering, version)
            counted.update(_names.get(key, lambda: _names_in(workspace, run, clustering)))  # noqa: B023
    return counted


def _names_in(workspace: Workspace, run: str, clustering: str) -> tuple[str, ...]:
    return tuple(sorted(set(workspace.decisions.read(run, clustering).names.values())))
