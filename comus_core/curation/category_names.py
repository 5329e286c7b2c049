"""The categories of a run by their ids, and by the words that a person uses for them."""

from __future__ import annotations

from collections.abc import Sequence

from comus_core.curation.decision_words import listed
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions


def all_ids(view: RunView, decided: Decisions) -> list[int]:
    """Ids of all categories, rejected ones among them, ascending."""
    return sorted({*view.labels(decided).ids, *decided.layout.rejected})


def category_named(view: RunView, decided: Decisions, words: str) -> int:
    """The id of a category (rejected ones too) that a person calls by its id, by its name, or by `cluster 7`.

    Raises:
        WorkspaceError: there is none, or several have that name.
    """
    known = all_ids(view, decided)
    if words.strip().isdecimal():
        number = int(words)
        if number in known:
            return number
        raise WorkspaceError(f"no category {number} in run {view.run.id}: {_why_gone(decided, number)}")
    asked = words.strip().casefold()
    found = [k for k in known if decided.name_of(k).casefold() == asked]
    if len(found) == 1:
        return found[0]
    if found:
        raise WorkspaceError(f"{len(found)} categories are called '{words}': name one by its id ({listed(found, 9)})")
    raise WorkspaceError(f"no category '{words}' in run {view.run.id}: `comus clusters {view.run.id}` lists them")


def require_known(view: RunView, decided: Decisions, categories: Sequence[int]) -> None:
    """See to it that there are such categories, or were before a merge.

    Raises:
        SettingsError: one never was; says which.
    """
    known = {*all_ids(view, decided), *decided.layout.into}  # the log itself says where those went
    for k in categories:
        if k not in known:
            raise SettingsError(f"no category {k} in run {view.run.id}: {_why_gone(decided, k)}")


def _why_gone(decided: Decisions, category: int) -> str:
    now = decided.layout.into.get(category)
    if now is not None:
        return f"it was merged into category {now}"
    return "`comus clusters RUN` lists those there are"
