"""What a person decides while naming: a name, a merge, a rejection, the way back; and which cluster comes next."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from app import state
from app.components.shared import deciding
from app.data.plain_text import plain
from comus_core import curation
from comus_core.curation import naming
from comus_core.runs.run_view import RunView
from comus_core.text import one_line
from comus_core.workspace.decisions import Decisions, Step

TURN = "naming-turn"  # counts the times that the field takes the keyboard
REFUSED = "naming-refused"  # the cluster whose name could not be saved just now
UNDO_KEY = "Ctrl+Z"  # in the field too; u alone is a letter there


def opened(view: RunView, decided: Decisions, order: Sequence[int]) -> int | None:
    """The cluster of the address, where it was merged to; else the largest without a name, else the largest."""
    cluster, _ = state.opened_clusters()
    cluster = decided.layout.into.get(cluster, cluster) if cluster is not None else None
    if cluster in order:
        return cluster
    found = naming.next_unnamed(order, decided.names)
    found = found if found is not None else next(iter(order), None)
    if cluster is not None and found is not None:  # it is gone, and an address of before came back
        _open(found)
    return found


def save(view: RunView, version: int, cluster: int, name: str) -> None:
    """Write a name to the log; an empty field and the name that it has decide nothing. The cluster stays open."""
    state.open_cluster(cluster)
    wanted = one_line(name)
    if wanted and wanted != curation.decided_in(view).name_of(cluster):
        then = partial(_remember_saved, view, cluster)
        deciding.act(view, f"Saved: {wanted}", version, partial(curation.rename, view, cluster, wanted), then, UNDO_KEY)
        saved = curation.decided_in(view).names.get(cluster) == wanted
        state.set_setting(REFUSED, None if saved else cluster)


def last_saved(view: RunView) -> int | None:
    """The cluster that was named last in this window."""
    cluster = state.setting(_saved_key(view), None)
    return int(cluster) if cluster is not None else None


def go_on(view: RunView, after: int) -> None:
    """Open the next cluster without a name, as the decisions are now; stay if there is none, or a name was refused."""
    decided, found = curation.decided_in(view), None
    if state.setting(REFUSED, None) != after:
        found = naming.next_unnamed(naming.naming_order(view, decided), decided.names, after)
    state.set_setting(REFUSED, None)
    _open(found if found is not None else after)


def open_one(cluster: int) -> None:
    """Open a cluster; the field does not take the keyboard, so that the next key moves on."""
    state.open_cluster(cluster)


def reject(view: RunView, decided: Decisions, order: Sequence[int], cluster: int) -> None:
    """Reject the open cluster and go on."""
    then = partial(_leave, view, order, cluster)
    words = f"Rejected: {decided.name_of(cluster)}"
    deciding.act(view, words, decided.version, partial(curation.reject, view, [cluster]), then, UNDO_KEY)


def merge(view: RunView, decided: Decisions, order: Sequence[int], ids: Sequence[int]) -> None:
    """Merge the open cluster, the first of `ids`, with those of the same name, and go on."""
    words = f"Merged {len(ids)} clusters: {decided.name_of(ids[0])}"
    then = partial(_leave_merged, view, order, ids)
    deciding.act(view, words, decided.version, partial(curation.merge, view, ids), then, UNDO_KEY)


def way_back(view: RunView, version: int) -> None:
    """The buttons for undo and redo; each opens the cluster that it is about."""
    steps = curation.history(view)
    undoable, redoable = (None, None) if view.run.read_only else (steps.undoable, steps.redoable)
    deciding.step_button(view, deciding.UNDO, undoable, version, f"naming_undo-of-{version}", _opening(undoable))
    deciding.step_button(view, deciding.REDO, redoable, version, f"naming_redo-of-{version}", _opening(redoable))


def offer(view: RunView, decided: Decisions, order: Sequence[int], cluster: int) -> None:
    """Where other clusters have the same name: say so, and offer to merge them."""
    others = naming.of_the_same_name(decided, order, cluster)
    if not others:
        return
    name = decided.names[others[0]]
    words = f"{naming.merge_offer(others, plain(name))}: merge them (Ctrl+Enter), or keep both (Enter)."
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="naming_offer"):
        st.button(
            "Merge them",
            key=f"naming_merge-of-{cluster}",
            icon=":material/merge:",
            help="Merge the clusters of this name (Ctrl+Enter; outside of the field: m)",
            disabled=view.run.read_only,
            on_click=merge,
            args=(view, decided, order, [cluster, *others]),
        )
        st.markdown(words, width="stretch")


def turn() -> int:
    """Changes whenever the field is to take the keyboard."""
    return int(state.setting(TURN, 0))


def _open(cluster: int) -> None:
    state.open_cluster(cluster)
    state.set_setting(TURN, turn() + 1)


def _leave(view: RunView, order: Sequence[int], gone: int) -> None:
    decided = curation.decided_in(view)
    found = naming.after_removal(order, decided, gone, view.labels(decided).ids)
    if found is not None:
        _open(found)


def _leave_merged(view: RunView, order: Sequence[int], ids: Sequence[int]) -> None:
    """Go on from where the open cluster was; without another to name, the merged one stays open."""
    decided = curation.decided_in(view)
    live = view.labels(decided).ids
    left = [k for k in order if k in live or k == ids[0]]
    found = naming.next_unnamed(left, decided.names.keys() | {min(ids)}, ids[0])
    _open(found if found is not None else min(ids))


def _opening(step: Step | None) -> partial[None] | None:
    cluster = naming.opened_by(step.event) if step is not None else None
    return partial(open_one, cluster) if cluster is not None else None


def _remember_saved(view: RunView, cluster: int) -> None:
    state.set_setting(_saved_key(view), cluster)


def _saved_key(view: RunView) -> str:
    return f"naming-saved-{view.run.id}"
