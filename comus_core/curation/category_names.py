"""The categories of a run by id or by name."""

from __future__ import annotations

from collections.abc import Sequence

from comus_core.curation.decision_words import listed
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions


def all_ids(view: RunView, decided: Decisions) -> list[int]:
    """Ids of all categories, including rejected ones, ascending."""
    return sorted({*view.labels(decided).ids, *decided.layout.rejected})


def find_category(view: RunView, decided: Decisions, words: str) -> int:
    """The id of a category, including rejected ones, from its id, its name, or `cluster 7`.

    Raises:
        WorkspaceError: there is none, or more than one.
    """
    ids = all_ids(view, decided)
    if words.strip().isdecimal():
        number = int(words)
        if number in ids:
            return number
        raise WorkspaceError(f"no category {number} in run {view.run.id}: {_hint(decided, number)}")
    name = words.strip().casefold()
    matches = [k for k in ids if decided.name_of(k).casefold() == name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise WorkspaceError(f"{len(matches)} categories have the name '{words}': use an id ({listed(matches, 9)})")
    raise WorkspaceError(f"no category '{words}' in run {view.run.id}: `comus clusters {view.run.id}` lists them")


def require_known(view: RunView, decided: Decisions, categories: Sequence[int]) -> None:
    """Check that these categories exist, or existed before a merge.

    Raises:
        SettingsError: one never existed.
    """
    ids = {*all_ids(view, decided), *decided.layout.into}  # the log reports merged ones
    for k in categories:
        if k not in ids:
            raise SettingsError(f"no category {k} in run {view.run.id}: {_hint(decided, k)}")


def _hint(decided: Decisions, category: int) -> str:
    target = decided.layout.into.get(category)
    if target is not None:
        return f"it was merged into category {target}"
    return "`comus clusters RUN` lists them"
