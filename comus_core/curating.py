"""What a person decides on the categories and masks of a run: names, merges, splits, rejections, moves, undo.

Every function writes one event to the log and returns what is decided then; `based_on` is the version of the decisions
that the person looked at, so that two at work on one run do not overwrite each other unseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from comus_core.config import require
from comus_core.decision_words import listed, step_words
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.merged_centre import exact, merged_members
from comus_core.run_view import RunView
from comus_core.types import FloatArray, IntArray
from comus_core.workspace.decision_log import Making, Ways
from comus_core.workspace.decision_steps import Standing
from comus_core.workspace.decisions import Decisions, History
from comus_core.workspace.layout import REJECTED, packed

MOST_PARTS = 20


@dataclass(frozen=True, eq=False)
class Split:
    """A category in parts, not decided yet.

    Attributes:
        category: its id.
        rows: (m,) rows of its proposals.
        part: (m,) int32 part of each, 0 the largest.
        distance: (m,) cosine to the centre of the own part.
        parts: how many there are.
    """

    category: int
    rows: IntArray
    part: IntArray
    distance: FloatArray
    parts: int

    def rows_of(self, part: int) -> IntArray:
        """Rows of a part, nearest its centre first."""
        inside = np.flatnonzero(self.part == part)
        return self.rows[inside[np.argsort(self.distance[inside], kind="stable")]]


@dataclass(frozen=True)
class ListedDecision:
    """A decision as it is listed: id and time of its event, what it is called, and whether it is undone."""

    id: int
    at: str
    decision: str
    undone: bool


def decided_in(view: RunView) -> Decisions:
    """What is decided in the run now."""
    return view.workspace.decisions_of(view.run)


def history(view: RunView) -> Ways:
    """What is decided in the run now, with what can be undone and redone."""
    return view.workspace.decisions.ways(view.run.id, view.run.artifacts["clustering"])


def listed_decisions(view: RunView) -> list[ListedDecision]:
    """All decisions in force, oldest first, then those undone, the next to be redone first."""
    walked, words = History(), {}
    for event in view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"]):
        if event.kind not in ("undo", "redo"):
            words[event.id] = step_words(walked.state, event)
        walked.add(event)
    told = [(done.event, False) for done in walked.done] + [(event, True) for event in reversed(walked.undone)]
    return [ListedDecision(event.id, event.at, words[event.id], undone) for event, undone in told]


def rename(view: RunView, category: int, name: str, *, based_on: int | None = None) -> Decisions:
    """Call a category by a name; two may have the same.

    Raises:
        SettingsError: an empty name, or no such category.
        ConflictError: someone else named it meanwhile.
    """
    return _decide(view, "rename", [category], based_on, cluster=category, name=name)


def reset_name(view: RunView, category: int, *, based_on: int | None = None) -> Decisions:
    """Take a person's name off a category, so that it has its own again, as `cluster 7`.

    Raises:
        SettingsError: nobody named it, or no such category.
        ConflictError: someone else named it meanwhile.
    """
    return _decide(view, "reset_name", [category], based_on, cluster=category)


def merge(view: RunView, categories: Sequence[int], *, based_on: int | None = None) -> Decisions:
    """Make one category of several.

    It keeps the smallest id, that one's filter percentage, and its name; where that one has no name from a person but
    another has, it takes that name. Its proposals are ranked together by the distance to the one centre of all of them,
    the mean of their rows of the embedding, which the log holds.

    Raises:
        SettingsError: fewer than two, a rejected one, or no such category.
        ConflictError: someone else decided on one of them meanwhile.
    """
    ids = sorted({int(k) for k in categories})

    def make(now: Standing) -> dict[str, Any]:
        return {"members": packed(merged_members(view, now.state, ids))}

    return _decide(view, "merge", categories, based_on, make=make, categories=ids)


def propose_split(view: RunView, category: int, parts: int, *, seed: int | None = None) -> Split:
    """What a split would give: the category's proposals clustered among themselves as the run's were, on its vectors.

    The clusters of HDBSCAN are split by spectral clustering.

    Args:
        view: the run.
        category: its id.
        parts: 2 to 20.
        seed: of the clustering; None is the run's.

    Raises:
        SettingsError: no such category, a number of parts that is out of range or that its proposals cannot make.
    """
    from comus_core.clustering import cluster

    require(2 <= parts <= MOST_PARTS, f"parts {parts}: from 2 to {MOST_PARTS}")
    decided = decided_in(view)
    _require_known(view, decided, [category])
    found = view.categories(decided)
    number = found.number_of(category)
    require(number is not None, f"category {category} is rejected: restore it first")
    rows = np.sort(found.rows[number or 0])
    require(len(rows) >= parts, f"category {category} has {len(rows)} proposals: too few for {parts} parts")
    config = view.run.config
    how = config.clustering
    if how.method == "hdbscan":  # which takes no number, and leaves noise
        how = replace(how, method="spectral")
    made = cluster(view.vectors()[rows], how, parts, config.seed if seed is None else seed)
    count = int(made.cluster.max()) + 1
    require(count >= 2, f"category {category}: its proposals have one vector, so there is nothing to split")
    return Split(category, rows, made.cluster, made.distance, count)


def split(view: RunView, proposed: Split, *, based_on: int | None = None) -> Decisions:
    """Make parts of a category as proposed: the largest keeps its id, name and percentage, the others get new ids.

    The log holds the part and the distance of every proposal, so that nothing has to be computed to read it back.

    Raises:
        SettingsError: the category is gone or rejected.
        ConflictError: someone else decided on it, or moved one of its proposals, meanwhile.
    """
    ids, clusters, own = view.proposals.proposal_id, view.clusters, proposed.category

    def make(now: Standing) -> dict[str, Any]:
        first = max(clusters - 1, now.given) + 1
        made = list(range(first, first + proposed.parts - 1))
        number = [own, *made]
        triples = zip(proposed.rows, proposed.part, proposed.distance, strict=True)
        members = [[str(ids[row]), number[part], exact(distance)] for row, part, distance in triples]
        return {"category": own, "made": made, "parts": proposed.parts, "members": packed(members)}

    return _decide(view, "split", [own], based_on, make=make)


def reject(view: RunView, categories: Sequence[int], *, based_on: int | None = None) -> Decisions:
    """Take categories out: their proposals count as background in scores and are in no training label.

    Raises:
        SettingsError: no such category, or rejected already.
        ConflictError: someone else decided on one of them meanwhile.
    """
    return _decide(view, "reject", categories, based_on, categories=[int(k) for k in categories])


def restore(view: RunView, categories: Sequence[int], *, based_on: int | None = None) -> Decisions:
    """Take rejected categories back in.

    Raises:
        SettingsError: no such category, or it is not rejected.
        ConflictError: someone else decided on one of them meanwhile.
    """
    return _decide(view, "restore", categories, based_on, categories=[int(k) for k in categories])


def move(view: RunView, proposals: Sequence[str], category: int | None, *, based_on: int | None = None) -> Decisions:
    """Put proposals into another category, or by None into none, as background.

    Raises:
        SettingsError: no such proposal or category, or a rejected category.
        ConflictError: someone else moved one of them, or split its category, meanwhile.
    """
    named = _named(view, proposals)
    target = REJECTED if category is None else int(category)
    return _decide(view, "move", [] if category is None else [category], based_on, proposals=named, category=target)


def accept(view: RunView, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Keep proposals in the core of their category at every filter; a rejected or erased one comes back to it.

    Raises:
        SettingsError: no such proposal, or one that is in no category even so, or in a rejected one.
        ConflictError: someone else decided on one of them meanwhile.
    """
    named = _named(view, proposals)
    decided = decided_in(view)
    layout = decided.layout.accepting(named)
    ids = np.array([layout.moved.get(p, view.cluster[view.row_of[p]]) for p in named], np.int64)
    category = view.labels(replace(decided, layout=layout)).categories(ids)
    homeless = [p for p, number in zip(named, category, strict=True) if number < 0]
    require(
        not homeless,
        f"proposal {homeless[0] if homeless else ''} is in no category, or in a rejected one: move it into one instead",
    )
    return _decide(view, "accept", [], based_on, proposals=named)


def erase(view: RunView, proposals: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Take the masks of proposals away: their pixels are background in training labels and scores, never ignored.

    Raises:
        SettingsError: no such proposal.
        ConflictError: someone else decided on one of them meanwhile.
    """
    return _decide(view, "erase", [], based_on, proposals=_named(view, proposals))


def undo(view: RunView, *, based_on: int | None = None) -> Decisions:
    """Take the last decision back.

    Raises:
        SettingsError: there is none.
        ConflictError: someone else decided meanwhile, so that the last one is another.
    """
    return _decide(view, "undo", [], based_on)


def redo(view: RunView, *, based_on: int | None = None) -> Decisions:
    """Bring back what was undone last.

    Raises:
        SettingsError: nothing was undone, or something was decided since.
        ConflictError: someone else decided meanwhile.
    """
    return _decide(view, "redo", [], based_on)


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


def all_ids(view: RunView, decided: Decisions) -> list[int]:
    """Ids of all categories, rejected ones among them, ascending."""
    return sorted({*view.labels(decided).ids, *decided.layout.rejected})


def _decide(
    view: RunView,
    kind: str,
    known: Sequence[int],
    based_on: int | None,
    make: Making | None = None,
    **payload: Any,
) -> Decisions:
    _require_known(view, decided_in(view), known)
    log, clustering = view.workspace.decisions, view.run.artifacts["clustering"]
    return log.append(view.run.id, clustering, kind, based_on=based_on, make=make, **payload)


def _named(view: RunView, proposals: Sequence[str]) -> list[str]:
    """The ids, each once, if the run has them all."""
    unknown = [p for p in proposals if p not in view.row_of]
    require(not unknown, f"proposal {unknown[0] if unknown else ''}: this run has none of that id, as in 2007_000032#0")
    return list(dict.fromkeys(map(str, proposals)))


def _require_known(view: RunView, decided: Decisions, categories: Sequence[int]) -> None:
    known = {*all_ids(view, decided), *decided.layout.into}  # the log itself says where those went
    for k in categories:
        if k not in known:
            raise SettingsError(f"no category {k} in run {view.run.id}: {_why_gone(decided, k)}")


def _why_gone(decided: Decisions, category: int) -> str:
    now = decided.layout.into.get(category)
    if now is not None:
        return f"it was merged into category {now}"
    return "`comus clusters RUN` lists those there are"
