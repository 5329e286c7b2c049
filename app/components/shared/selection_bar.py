"""The actions on any selection of proposals and drawn objects, the same wherever they can be selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import streamlit as st

from app import state
from app.components.shared import (
    choices,
    crop_drag,
    deciding,
    export_links,
    fields,
    navigation,
    proposal_download,
    selection_keys,
)
from app.components.shared.selection_actions import EXCLUDE, INCLUDE, OF_OBJECTS, Action
from app.data import selection_data, similar_query
from app.data.selection_data import Selected
from comus_core import curation
from comus_core.curation.proposal_edits import ALWAYS_CORE
from comus_core.runs.run_view import RunView
from comus_core.text import counted, one_line
from comus_core.types import ImageId, IntArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import counted_objects

Then = Callable[[], None]


def show(
    view: RunView,
    decided: Decisions,
    rows: IntArray,
    *,
    key: str,
    then: Then | None = None,
    images: Sequence[ImageId] = (),
    clear: Then | None = None,
    with_undo: bool = True,
    with_download: bool = True,
) -> None:
    """Draw the bar for the objects in `rows`; each action is one step of the log and can be undone.

    Args:
        view: the run.
        decided: its decisions as the page shows them.
        rows: rows of the selected objects, as in `DecidedObjects`: proposals, and drawn objects after all of them; none
            leaves undo and redo.
        key: prefix of the widgets' keys, one for each place of a page.
        then: done after each decision, such as clearing the selection.
        images: ids of images that are selected too, such as those without a proposal.
        clear: clears the selection, if that has no other button.
        with_undo: draw undo, redo and the list of keys, for pages that have none of their own.
        with_download: draw the button for a table of the objects, where there is no other.
    """
    if view.run.read_only:
        return
    crop_drag.listen(view, decided, rows, key=key, then=then)
    some = selection_data.selected(view, decided, rows, images)
    if not (some.ids or some.images or with_undo):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{key}_bar"):
        if some.ids:
            _moving(view, decided, rows, some, key, then)
        _actions(view, decided, some, key, then)
        if some.ids:
            export_links.of_rows(view, np.asarray(rows, np.int64), some.ids, key=key)
        if with_download and some.ids:
            proposal_download.show(view, rows, decided, key=f"{key}_")
        if clear is not None and some.ids:
            words = "Clear the selection"
            st.button("Clear", key=f"{key}_clear", icon=":material/close:", help=words, type="tertiary", on_click=clear)
        if with_undo:
            steps = curation.history(view)
            deciding.step_button(view, deciding.UNDO, steps.undoable, decided.version, f"{key}_undo")
            deciding.step_button(view, deciding.REDO, steps.redoable, decided.version, f"{key}_redo")
            selection_keys.help_button(key)
        selected = f"{some.digest} {hash(tuple(images))}" if some.ids or some.images else ""
        selection_keys.listen(key, selected, decided.version)


def all_of(view: RunView, rows: IntArray, *, key: str) -> IntArray:
    """The box that selects all of a list, and the rows if it is ticked: what is only shown is not selected.

    Another list, such as the one that a decision leaves, begins without the tick.
    """
    if view.run.read_only or not len(rows):
        return rows[:0]
    name, digest = f"{key}_all", selection_data.digest_of_rows(rows)
    on = state.setting(name, "") == digest
    fields.tick(
        f"Select all {len(rows):,}",
        name,
        on,
        lambda ticked: state.set_setting(name, digest if ticked else ""),
        about=digest,
    )
    return rows if on else rows[:0]


def _moving(view: RunView, decided: Decisions, rows: IntArray, some: Selected, key: str, then: Then | None) -> None:
    """The number selected, the list of categories with the most likely first, and the field for a new one."""
    number = some.words
    st.markdown(f"**{number}**", width="content")
    target = _Target(view, decided, rows, some, key)
    target.choose()

    def move() -> None:
        category = target.now()
        words = f"Moved {number} to {decided.name_of(category)}"
        deciding.act(view, words, decided.version, partial(curation.move, view, some.ids, category), after)

    def create(name: str) -> None:
        wanted = one_line(name)
        if wanted:
            words = f"Made the category {wanted} of {number}"
            deciding.act(view, words, decided.version, partial(curation.create, view, wanted, some.ids), after)

    def after() -> None:
        target.forget()
        if then is not None:
            then()

    st.button(
        "Move",
        key=f"{key}_move",
        icon=":material/drive_file_move:",
        help="Move the selected objects to this category; the filter always keeps them (Shift+V)",
        disabled=not target.words,
        on_click=move if target.words else None,
    )
    fields.text(
        "Name of a new category",
        f"{key}_new",
        "",
        create,
        about=some.digest,
        placeholder="New category…",
        help="Type a name and press Enter: a new category of the selected objects (Shift+N)",
        label_visibility="collapsed",
        icon=":material/new_label:",
        max_chars=60,
        width=200,
        autocomplete="off",
    )


class _Target:
    """The category that the selected objects are to be moved to: remembered as long as the same ones are selected."""

    def __init__(self, view: RunView, decided: Decisions, rows: IntArray, some: Selected, key: str) -> None:
        self.words = choices.distinct(selection_data.targets(view, decided, rows, some.digest))
        self._name, self._digest = f"{key}_to", some.digest
        digest, chosen = state.setting(self._name, ("", None))
        known = digest == some.digest and chosen in self.words
        self._chosen = chosen if known else next(iter(self.words), None)

    def choose(self) -> None:
        """The list, which can be searched."""
        if self._chosen is None:
            return
        fields.choice(
            "Move to",
            self._name,
            self._chosen,
            list(self.words),
            lambda category: state.set_setting(self._name, (self._digest, category)),
            format_func=self.words.__getitem__,
            help="The most likely categories come first (v)",
            label_visibility="collapsed",
            width=220,
        )

    def now(self) -> int:
        """What is chosen when a button is pressed: that may come before the page was drawn with it."""
        assert self._chosen is not None, "nothing moves where there is no category"
        return state.entered(self._name, self._chosen, among=self.words)

    def forget(self) -> None:
        """The next selection begins with its most likely category."""
        state.set_setting(self._name, ("", None))


def _actions(view: RunView, decided: Decisions, some: Selected, key: str, then: Then | None) -> None:
    """The buttons for what else can be done."""

    def button(action: Action, ids: Sequence[str], number: str, label: str, tip: str, enabled: bool = True) -> None:
        st.button(
            label,
            key=f"{key}_{action.part}",
            icon=f":material/{action.icon}:",
            help=tip,
            disabled=not enabled,
            on_click=deciding.act if enabled else None,
            args=(view, f"{action.done} {number}", decided.version, partial(action.verb, view, ids), then),
        )

    if some.ids:
        for action in OF_OBJECTS:
            ids, tip = some.ids, action.tip
            if action.part == "accept" and some.acceptable != ids:
                ids = some.acceptable
                tip = f"{tip}; a drawn object always is" if ids else f"{ALWAYS_CORE[0].upper()}{ALWAYS_CORE[1:]}"
            button(action, ids, counted_objects(ids), action.label, tip, action.part in some.possible)
    if some.images:
        action, number = INCLUDE if some.include else EXCLUDE, counted(len(some.images), "image")
        button(action, some.images, number, f"{action.label} {number}", action.tip)
    like = similar_query.like_value(some.proposals) if "similar" in navigation.PAGES else ""
    no_feature = "" if len(some.proposals) == len(some.ids) else "; a drawn object has no feature to compare"
    if like and st.button(
        "More like these",
        key=f"{key}_more",
        icon=":material/image_search:",
        help=f"Rank all proposals by their similarity to these, at most {similar_query.MOST} (Shift+L){no_feature}",
    ):
        navigation.go("similar", run=view.run.id, like=like)
