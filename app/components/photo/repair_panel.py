"""Draw in the open image: repair a mask, take a part of it out, or draw a new object, in place of the image."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from app import state
from app.components.photo import object_category
from app.components.photo.repair import mask_editor
from app.components.shared import notices
from app.components.shared.deciding import act
from app.data import urls
from app.data.colouring import category_colours
from app.data.image_navigation import Place
from app.data.mask_drafts import NEW, Draft, drafted, first_mask, is_new, new_in
from app.data.plain_text import plain
from comus_core import curation
from comus_core.errors import ComusError
from comus_core.proposals.mask_edits import from_runs, to_runs
from comus_core.runs.run_view import RunView
from comus_core.types import BoolMask
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import drawn_id, next_number

DRAFT = "mask-draft"
RECEIVED, SAVED = "mask-received", "mask-saved"  # numbers of the last mask that the browser sent, and that was saved
FRESH = "mask-fresh"  # the run and the new object that is drawn, and the name under which the browser keeps it
WHITE = "#ffffff"
HINT = (
    "Keys: **b** brush, **e** eraser, **p** polygon, **[** and **]** size, **+** and **−** zoom, **n** next part, "
    "**o** save the part as a new object, **Ctrl+Z** undo, **Enter** save, **Esc** cancel; arrow keys move the brush, "
    "**Space** paints. Two fingers move a zoomed image."
)
WORDS = {
    True: "The object is in no artifact. Scores, pseudo-masks and training use it; other objects lose the pixels that "
    "it covers. It has no feature, so it is on no map and in no filter.",
    False: "The mask of the detector stays stored. Scores, pseudo-masks and training use the saved mask; other objects "
    "lose the pixels that it covers.",
}


def opened(view: RunView, place: Place) -> str | None:
    """What is being drawn: the open proposal or drawn object, or `mask_drafts.new_in` the image; None for nothing."""
    name = state.parameter(state.REPAIR)
    if view.run.read_only or not name:
        return None
    own = place.drawn if place.row is None else str(view.proposals.proposal_id[place.row])
    return name if name in (own, new_in(str(view.image_ids[place.image_row]))) else None


def show(view: RunView, place: Place, name: str, decided: Decisions) -> None:
    """Draw the editor for what is `opened`; saving is one decision."""
    image_id = str(view.image_ids[place.image_row])
    mask, fresh = first_mask(view, name, decided), is_new(name)
    category = None if fresh else curation.category_of(view, name, decided)
    st.subheader(f"Draw an object in {plain(image_id)}" if fresh else f"Repair mask {plain(name)}", anchor=False)
    object_category.choose(view, name, decided, category)
    mask_editor(
        key="mask_editor",
        name=_kept_as(view, name, decided),
        url=urls.image(view, place.image_row),
        alt=f"Image {image_id}",
        size_hw=(mask.shape[0], mask.shape[1]),
        runs=to_runs(mask),
        colour=WHITE if category is None else category_colours([category])[0],
        threshold=float(view.run.config.saliency.threshold) if curation.has_soft_map(view, image_id) else None,
        draft=_draft(name),
        saved=int(state.setting(SAVED, 0)),
        fresh=fresh,
        original=name in view.row_of,
        on_save=partial(_save, view, place, name, decided),
        on_separate=partial(_separate, view, place, name, decided),
        on_edit=partial(_edit, view, name, decided),
        on_cancel=close,
    )
    st.caption(HINT)
    st.caption(WORDS[fresh])


def close() -> None:
    """Back to the image."""
    state.set_parameter(state.REPAIR, "")
    state.set_setting(DRAFT, None)
    state.set_setting(FRESH, None)


def _save(view: RunView, place: Place, name: str, decided: Decisions, sent: Mapping[str, Any]) -> None:
    found = _received(view, place, name, decided, sent)
    if found is None:
        return
    number, mask = found
    if is_new(name):
        _add(view, place, name, decided, number, mask)
        return

    def then() -> None:
        state.set_setting(SAVED, number)
        close()

    act(view, f"Repaired mask {name}", decided.version, partial(curation.redraw, view, name, mask), then)
    if state.setting(SAVED, 0) != number:  # a notice says why
        _refuse(name, number)


def _separate(view: RunView, place: Place, name: str, decided: Decisions, sent: Mapping[str, Any]) -> None:
    """A part as an object; the editor stays open with what is left, for the next part."""
    found = _received(view, place, name, decided, sent)
    if found is not None:
        _add(view, place, name, decided, *found)


def _add(view: RunView, place: Place, name: str, decided: Decisions, number: int, mask: BoolMask) -> None:
    image_id, fresh = str(view.image_ids[place.image_row]), is_new(name)
    first = None if fresh else curation.category_of(view, name, decided)
    category = object_category.chosen_now(view, name, decided, first)
    if category is None:
        _refuse(name, number, "Not saved: choose a category above, or type the name of a new one.")
        return
    results: list[Decisions] = []

    def deed(*, based_on: int | None) -> Decisions:
        new, parent = curation.NewObject(mask, category), None if fresh else name
        results.append(curation.draw(view, image_id, [new], parent=parent, based_on=based_on))
        return results[0]

    def then() -> None:
        layout = results[0].layout  # as this decision left it: another window may have drawn before and after
        added = drawn_id(image_id, next_number(image_id, layout.drawn) - 1)
        object_category.keep(view, name, layout.drawn[added])
        state.set_setting(SAVED, number)
        state.set_setting(DRAFT, None)
        if fresh or name in layout.erased:  # nothing is left to separate
            close()
            state.pick(added)

    words = f"Drew an object in {image_id}" if fresh else f"Took an object out of mask {name}"
    act(view, words, decided.version, deed, then)
    if not results:
        _refuse(name, number)


def _received(
    view: RunView, place: Place, name: str, decided: Decisions, sent: Mapping[str, Any]
) -> tuple[int, BoolMask] | None:
    """Number and mask of what the browser sends, if the editor is still open and this is not a repetition."""
    number, runs = sent.get("number"), sent.get("runs")
    same = opened(view, place) == name and sent.get("name") == _kept_as(view, name, decided)
    if not same or not isinstance(number, int) or number <= state.setting(RECEIVED, 0):
        return None
    state.set_setting(RECEIVED, number)
    try:
        height, width = first_mask(view, name, decided).shape
        return number, from_runs(str(runs), (height, width))
    except ComusError as fault:
        notices.fault(fault)
        _refuse(name, number)
        return None


def _refuse(name: str, number: int, words: str = "Not saved.") -> None:
    """Say in the editor that nothing was saved."""
    state.set_setting(DRAFT, (name, Draft(number, "save", fault=words)))


def _kept_as(view: RunView, name: str, decided: Decisions) -> str:
    """Under which name the browser keeps what is not saved: a new object has the number that it will have.

    The number stays while the editor is open, though another window may draw in the image.
    """
    if not is_new(name):
        return f"{view.run.id}-{name}"
    whose, kept = state.setting(FRESH, None) or (None, "")
    if whose != (view.run.id, name):
        image_id = name.removesuffix(NEW)
        kept = f"{view.run.id}-{drawn_id(image_id, next_number(image_id, decided.layout.drawn))}{NEW}"
        state.set_setting(FRESH, ((view.run.id, name), kept))
    return str(kept)


def _edit(view: RunView, name: str, decided: Decisions, request: Mapping[str, Any]) -> None:
    number, last = request.get("number"), _draft(name)
    if isinstance(number, int) and (last is None or number > last.number):  # it is sent until it is answered
        state.set_setting(DRAFT, (name, drafted(view, name, decided, request, number)))


def _draft(name: str) -> Draft | None:
    whose, draft = state.setting(DRAFT, None) or (name, None)
    return draft if whose == name else None
