"""Names of clusters from a file, decided at once: all or none, one step of the log a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from comus_core.curation.category_names import all_ids
from comus_core.curation.decision_history import decided_in
from comus_core.curation.names_csv import NameRows, names_csv, refuse
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.workspace.decision_steps import LogState
from comus_core.workspace.decisions import Decisions

Change = tuple[str, dict[str, Any]]  # kind and payload of an event


@dataclass(frozen=True)
class NamesPlan:
    """What a file of names would change: the decisions, and how many of its lines change nothing."""

    changes: tuple[Change, ...]
    unchanged: int

    @property
    def words(self) -> str:
        """`5 clusters renamed, 3 unchanged`."""
        return f"{counted(len(self.changes), 'cluster')} renamed, {self.unchanged:,} unchanged"


def exported_names(view: RunView, decided: Decisions) -> bytes:
    """The names of the clusters in use as CSV, by id: id, name, size in proposals."""
    categories = view.categories(decided)
    names = [decided.name_of(k) for k in categories.ids]
    return names_csv(categories.ids, names, [len(rows) for rows in categories.rows])


def plan_names(view: RunView, decided: Decisions, read: NameRows) -> NamesPlan:
    """What the lines of a file change. A cluster's default name, such as `cluster 7`, resets its name.

    Raises:
        SettingsError: a cluster that does not exist or was merged; lists all of them.
    """
    known, into = set(all_ids(view, decided)), decided.layout.into
    refuse(
        [
            f"line {row.line}: cluster {row.cluster} was merged into cluster {into[row.cluster]}; remove the line"
            if row.cluster in into
            else f"line {row.line}: run {view.run.id} has no cluster {row.cluster}"
            for row in read.rows
            if row.cluster not in known
        ]
    )
    changes: list[Change] = []
    for row in read.rows:
        if row.name == decided.name_of(row.cluster):
            continue
        if row.name == decided.own_name_of(row.cluster):
            changes.append(("reset_name", {"cluster": row.cluster}))
        else:
            changes.append(("rename", {"cluster": row.cluster, "name": row.name}))
    return NamesPlan(tuple(changes), len(read.rows) - len(changes))


def import_names(view: RunView, read: NameRows, *, based_on: int | None = None) -> Decisions:
    """Give clusters the names of a file, all or none; each name is one step that can be undone.

    Raises:
        SettingsError: a cluster that does not exist or was merged.
        ConflictError: someone else named one of them in the meantime.
        WorkspaceError: the run is read-only.
    """
    decided = decided_in(view)
    if not plan_names(view, decided, read).changes:
        return decided

    def make(log: LogState) -> Sequence[Change]:
        return plan_names(view, log.state, read).changes

    log, clustering = view.workspace.decisions, view.run.artifacts["clustering"]
    return log.append_all(view.run.id, clustering, make, based_on=based_on)
