"""The actions on selected clusters and crops: merge, split, reject, restore, move, undo and redo."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import streamlit as st

from app import state
from app.components.clusters import cluster_keys, split_dialog
from app.components.shared import deciding, export_links, selection_bar
from app.components.shared.gallery import grid
from app.data import score_data
from app.data.glossary import term_help
from app.data.palette import UNASSIGNED
from app.data.plain_text import plain
from comus_core import curation
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.workspace.decisions import Decisions

Shown = Literal["cards", "alone", "pair"]


def selected(view: RunView, decided: Decisions) -> list[int]:
    """Ids of the clusters whose cards are selected, those that are still there."""
    return [k for k in state.setting(_clusters_key(view), ()) if k in view.categories(decided).ids]


def ticked(view: RunView, decided: Decisions) -> list[int]:
    """The same as their ticks are now, which may not have reached `select` yet."""
    before = selected(view, decided)
    ticks = {k: state.entered(tick_of(k), k in before, among=(False, True)) for k in view.categories(decided).ids}
    return [k for k in before if ticks[k]] + [k for k in ticks if ticks[k] and k not in before]


def tick_of(category: int) -> str:
    """Name of the field that selects a card."""
    return f"pick_{category}"


def select(view: RunView, category: int, on: bool) -> None:
    """Select a card, or no longer."""
    others = tuple(k for k in state.setting(_clusters_key(view), ()) if k != category)
    state.set_setting(_clusters_key(view), (*others, category) if on else others)


def picked_crops(view: RunView, decided: Decisions) -> tuple[str, ...]:
    """Ids of the proposals and drawn objects whose crops are selected, those that are still there."""
    objects = decided_objects(view, decided)
    return tuple(p for p in state.setting(_crops_key(view), ()) if objects.find(p) is not None)


def pick(view: RunView, change: Mapping[str, Any] | None) -> None:
    """Select or deselect crops, as `cluster_keys.listen` answered."""
    if change is not None:
        ids = [str(p) for p in change.get("ids", ())]
        others = tuple(p for p in state.setting(_crops_key(view), ()) if p not in set(ids))
        state.set_setting(_crops_key(view), (*others, *ids) if change.get("picked") else others)


def bar(view: RunView, decided: Decisions, ids: Sequence[int], shown: Shown = "cards") -> None:
    """The buttons for the clusters `ids`, the way back, and the list of keys; `shown` is what the page shows.

    They act on the cards that are selected when they are pressed: that may come before the page is drawn with them.
    """
    version, steps, free = decided.version, curation.history(view), not view.run.read_only
    names = ", ".join(decided.name_of(k) for k in ids)

    def targets() -> Sequence[int]:
        return ticked(view, decided) if shown == "cards" else ids

    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="cluster_actions"):
        if shown != "alone":
            _button(
                "Merge",
                "merge_clusters",
                "merge",
                "Merge the selected clusters (m)",
                lambda: _merge(view, targets(), version),
                len(ids) >= 2 and free,
            )
        can_split = len(ids) == 1 and free
        if (
            st.button(
                "Split",
                key="split_cluster",
                icon=":material/call_split:",
                disabled=not can_split,
                help="Preview a split of the selected cluster (s)",
            )
            and can_split
        ):
            split_dialog.show(view, decided, ids[0])
        _button(
            "Reject",
            "reject_clusters",
            "block",
            "Count the selected clusters as background, and leave them out of training (r)",
            lambda: _reject(view, decided, targets()),
            bool(ids) and free,
        )
        undo, redo = (steps.undoable, steps.redoable) if free else (None, None)
        deciding.step_button(view, deciding.UNDO, undo, version, "undo_decision")
        deciding.step_button(view, deciding.REDO, redo, version, "redo_decision")
        export_links.of_clusters(view, ids)
        cluster_keys.help_button()
        if ids and shown == "cards":
            st.markdown(f"**{len(ids)} selected:** {plain(names)}", width="content")
            _button("Clear", "clear_clusters", "close", "Clear the selection", lambda: _clear(view), True)


def candidates(view: RunView, decided: Decisions) -> None:
    """The two clusters most often confused, and how that was measured."""
    confused = score_data.confused(view, decided)
    if confused is None:
        return
    names = " and ".join(f"**{plain(decided.name_of(k))}**" for k in (confused.one, confused.other))
    if confused.by == "ground truth":
        why = f"with {confused.shared:,.0f} pixels of the same classes"
    else:
        why = f"{100 * confused.shared:.0f} % of the affinity in the neighbour graph is between them"
        why += f", estimated from {counted(confused.asked, 'proposal')}" if confused.asked < len(view) else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="confused"):
        explained = term_help("affinity") if confused.by != "ground truth" else None
        st.markdown(f"Most often confused: {names}, {why}", width="content", help=explained)
        both = (confused.one, confused.other)
        _button(
            "Open both",
            "open_confused",
            "splitscreen_right",
            "Side by side (c)",
            lambda: state.open_cluster(*both),
            True,
        )
        _button("Select both", "select_confused", "library_add_check", "", lambda: _select_only(view, both), True)


def unname_button(view: RunView, decided: Decisions, category: int) -> None:
    """The button that resets a name to the default."""
    own = decided.own_name_of(category)
    st.button(
        "Reset name",
        key=f"reset_name_{category}",
        icon=":material/label_off:",
        type="tertiary",
        help=f"Restore the default name, {plain(own)}",
        disabled=view.run.read_only,
        on_click=deciding.act,
        args=(view, f"Name reset to {own}", decided.version, partial(curation.reset_name, view, category)),
    )


def crops_bar(view: RunView, decided: Decisions, shown: Sequence[int] = ()) -> None:
    """The actions on the selected crops of the clusters `shown`; those that leave them are no longer selected.

    Without `shown` the page shows the cards of all clusters: then an action ends the selection.
    """
    crops, objects = picked_crops(view, decided), decided_objects(view, decided)
    rows = np.array([row for p in crops if (row := objects.find(p)) is not None], np.int64)
    keep, clear = partial(_keep_crops, view, shown), partial(_clear_crops, view)
    selection_bar.show(view, decided, rows, key="crops", then=keep, clear=clear, with_undo=False)
    if shown and not crops:
        st.caption("Select crops by the mark in their corner; hold Shift to select a range. Drag them to a category.")


def rejected(view: RunView, decided: Decisions) -> None:
    """The rejected clusters, each with a few crops and the button to restore it."""
    rejected_ids = sorted(decided.layout.rejected)
    if not rejected_ids:
        return
    st.header("Rejected", anchor=False)
    id_of = view.categories(decided).id_of
    for k in rejected_ids:
        rows = (id_of == k).nonzero()[0]
        with st.container(border=True, key=f"rejected_{k}"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"rejected_head_{k}"):
                size = f"{counted(len(rows), 'proposal')}, counted as background in every score"
                st.html(f'<div class="comus-line"><b>{html.escape(decided.name_of(k))}</b><span>{size}</span></div>')
                _button(
                    "Restore",
                    f"restore_{k}",
                    "settings_backup_restore",
                    "Restore this cluster",
                    partial(_restore, view, k, decided.version),
                    True,
                )
            st.html(f'<div class="comus-few">{grid(view, rows[:8], outlines=UNASSIGNED, size=96)}</div>')


def _merge(view: RunView, ids: Sequence[int], version: int) -> None:
    then = partial(_select_only, view, (min(ids),))
    deciding.act(view, f"Merged {len(ids)} clusters", version, partial(curation.merge, view, ids), then)


def _reject(view: RunView, decided: Decisions, ids: Sequence[int]) -> None:
    names = ", ".join(decided.name_of(k) for k in ids)
    deciding.act(view, f"Rejected: {names}", decided.version, partial(curation.reject, view, ids))


def _restore(view: RunView, category: int, version: int) -> None:
    deciding.act(view, "Restored", version, partial(curation.restore, view, [category]))


def _button(label: str, key: str, icon: str, help_words: str, deed: Callable[[], Any], enabled: bool) -> None:
    st.button(
        label,
        key=key,
        icon=f":material/{icon}:",
        help=help_words or None,
        disabled=not enabled,
        on_click=deed if enabled else None,
    )


def _select_only(view: RunView, ids: Sequence[int]) -> None:
    state.set_setting(_clusters_key(view), tuple(ids))


def _clear(view: RunView) -> None:
    state.set_setting(_clusters_key(view), ())


def _clear_crops(view: RunView) -> None:
    state.set_setting(_crops_key(view), ())


def _keep_crops(view: RunView, shown: Sequence[int]) -> None:
    """Keep those crops selected that are still in one of the clusters `shown`."""
    objects = decided_objects(view, curation.decided_in(view))
    rows = {p: objects.find(p) for p in state.setting(_crops_key(view), ())}
    kept = tuple(p for p, row in rows.items() if row is not None and objects.id_of[row] in shown)
    state.set_setting(_crops_key(view), kept)


def _clusters_key(view: RunView) -> str:
    return f"picked-clusters-{view.run.id}"


def _crops_key(view: RunView) -> str:
    return f"picked-crops-{view.run.id}"
