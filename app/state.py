"""What a browser session remembers: the only file that touches `st.session_state` and the address's parameters.

Of each value the address comes first, then the session; so an address can be shared and a reload changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import streamlit as st

from app.data.map_choices import MAP_METHODS, MapMethod
from app.data.run_cache import workspace
from comus_core.errors import ComusError
from comus_core.workspace.selection_shapes import Gesture
from comus_core.workspace.selections import Selection

# Names of the address's parameters; in the session they have a prefix, so that no widget key can meet them.
RUN, SELECTION, PROPOSAL, MAP, COLOUR = "run", "selection", "proposal", "map", "colour"
IMAGE, CLUSTER, BESIDE = "image", "cluster", "beside"
REPAIR = "repair"  # the proposal whose mask is being repaired
CELL, FIRST, SECOND, LASSO, SHOWN = "cell", "first", "second", "lasso", "shown"  # of the Evaluate and Compare pages
LIKE, BY, THRESHOLD, PICTURE = "like", "by", "threshold", "picture"  # of the page "More like these"
TERM = "term"  # of the Glossary page
ROUND, SCOPE, THESE, CATEGORIES = "round", "scope", "these", "categories"  # of the Export page
FILTER, PICKED, DATA, ONLY = "filter", "picked", "data", "only"  # of the image grid, and of the pages before a run
TAB = "tab"  # of the Images page
FOLDER = "folder"  # of the Data sets page
ON = "on"  # the data set that the Evaluate page scores a round on
_OF_EVERY_PAGE = (RUN, SELECTION, MAP, COLOUR)
_OF_PAGE = {  # what is open on a page
    "explore": (PROPOSAL,),
    "clusters": (CLUSTER, BESIDE),
    "name": (CLUSTER,),
    "scores": (CELL, ON),
    "compare": (FIRST, SECOND, LASSO, SHOWN),
    "image": (PROPOSAL, IMAGE, REPAIR),
    "glossary": (TERM,),
    "similar": (LIKE, BY, THRESHOLD, PICTURE),
    "photos": (FILTER, PICKED),
    "export": (ROUND, SCOPE, THESE, CATEGORIES),
    "images": (DATA, TAB),
    "datasets": (FOLDER,),
    "new": (DATA, ONLY),
}
_PREFIX = "comus."
V = TypeVar("V")


def run_id() -> str | None:
    """The selected run; the frame has put the newest there if nothing else was chosen."""
    return _read(RUN) or None


def follow_history(address: str) -> None:
    """The browser went back or forward on the same page: what its address does not hold is not chosen any more.

    An address without a run was never completed by `mirror`, so it says nothing of the rest.
    """
    parameters = dict(parse_qsl(address.removeprefix("?")))
    if RUN in parameters:
        for name in (*_OF_EVERY_PAGE, *_OF_PAGE.get(_remembered("page", ""), ())):
            _write(name, parameters.get(name, ""))
        st.query_params.from_dict(parameters)  # set once more: a run of the script in between may have set another


def enter(page: str) -> None:
    """Another page is entered: an address with a run names all that is open on that page."""
    before = _remembered("page", page)
    if before != page and st.query_params.get(RUN):
        for name in _OF_PAGE.get(page, ()):
            _write(name, st.query_params.get(name, ""))
    elif before == "name" != page and not st.query_params.get(CLUSTER):
        _write(CLUSTER, "")  # the cluster that is being named is not one that a person opened
    _remember("page", page)


def is_on(page: str, run: str | None = None) -> bool:
    """Whether that page is open, and, if given, on that run."""
    return _remembered("page", "") == page and run in (None, run_id())


def choose_run(run: str) -> None:
    """Select another run; its own selection comes back, the image of the former one goes."""
    if run_id() not in (None, run):
        for name in (
            PROPOSAL,
            IMAGE,
            REPAIR,
            CLUSTER,
            BESIDE,
            CELL,
            LIKE,
            THRESHOLD,
            PICTURE,
            FILTER,
            PICKED,
            *_OF_PAGE["export"],
        ):
            _write(name, "")
        _write(SELECTION, _remembered(f"selection-of-{run}", ""))
    _write(RUN, run)


def leave_run(run: str) -> None:
    """Deselect that run: it was deleted here."""
    if run_id() == run:
        _write(RUN, "")


def selection(run: str) -> Selection:
    """What is drawn on the run's map; a key that this workspace does not know counts as nothing."""
    key = _read(SELECTION) if run == run_id() else _remembered(f"selection-of-{run}", "")
    try:
        return workspace().selections.read(key or "")
    except ComusError:
        return Selection()


def set_selection(run: str, method: str, gestures: tuple[Gesture, ...]) -> None:
    """Remember what was drawn on the map of that projection, in the session and in the address."""
    key = workspace().selections.keep(method, gestures).key
    _remember(f"selection-of-{run}", key)
    if run == run_id():
        _write(SELECTION, key)


def clear_selection() -> None:
    """Clear the selection on the map of the selected run."""
    set_selection(run_id() or "", "", ())


def picked() -> str | None:
    """Id of the proposal whose image is open."""
    return _read(PROPOSAL) or None


def pick(proposal_id: str | None) -> None:
    """Open a proposal's image."""
    _write(PROPOSAL, proposal_id or "")
    _write(IMAGE, "")


def picked_image() -> str | None:
    """Id of the open image where it is not that of `picked()`, such as one without a proposal."""
    return None if st.query_params.get(PROPOSAL) else _read(IMAGE) or None


def pick_image(image_id: str) -> None:
    """Open an image, none of its proposals in particular."""
    _write(PROPOSAL, "")
    _write(IMAGE, image_id)


def opened_clusters() -> tuple[int | None, int | None]:
    """The cluster that is open alone, and the one beside it; None for all, and for none."""
    one = _read(CLUSTER) or ""
    other = st.query_params.get(BESIDE, "") if st.query_params.get(CLUSTER) else _read(BESIDE) or ""
    return (int(one) if one.isdecimal() else None), (int(other) if other.isdecimal() else None)


def open_cluster(cluster: int | None, beside: int | None = None) -> None:
    """Open one cluster alone or with another beside it, or all again."""
    _write(CLUSTER, "" if cluster is None else str(cluster))
    _write(BESIDE, "" if cluster is None or beside is None else str(beside))


def parameter(name: str) -> str:
    """What a page keeps in the address under one of the names above, empty if nothing."""
    return _read(name) or ""


def set_parameter(name: str, value: str) -> None:
    """Keep it in the address and the session; empty removes it."""
    _write(name, value)


def map_method() -> MapMethod:
    """The projection shown on the map."""
    method = _read(MAP)
    return next((m for m in MAP_METHODS if m == method), "tsne")


def set_map_method(method: MapMethod) -> None:
    """Show another projection."""
    _write(MAP, method if method != "tsne" else "")


def colour_by() -> str:
    """What the colours of the map mean, as requested; a run may not have it."""
    return _read(COLOUR) or "cluster"


def set_colour_by(by: str) -> None:
    """Colour the map by something else."""
    _write(COLOUR, by if by != "cluster" else "")


def page_number(key: str) -> int:
    """The page, from 1, of the paged list of that name."""
    return int(_remembered(f"page-of-{key}", 1))


def set_page_number(key: str, number: int) -> None:
    """Turn to a page."""
    _remember(f"page-of-{key}", number)


def setting(name: str, default: Any) -> Any:
    """A page's own small choice, kept while the session lasts and across pages."""
    return _remembered(f"setting-{name}", default)


def set_setting(name: str, value: Any) -> None:
    """Remember a page's own small choice."""
    _remember(f"setting-{name}", value)


def field(name: str, value: Any, about: str = "") -> str:
    """The key of a widget that is to show `value`, given to it as its default; see `app.components.shared.fields`.

    The browser and this server each forget a widget that is not drawn for a while, not always at the same time, and a
    value put under a widget that stands on the page may reach it after its next answer. Either way an old or an empty
    value comes back as if a person had entered it. So no value is ever put: a widget that is to show what was not
    entered in it, or that is about something else, gives way to another, whose key is new.
    """
    number, last, whose = _remembered(f"field-{name}", (0, value, about))
    shown = st.session_state.get(_field_key(name, number), last)
    if shown != value or whose != about:
        number += 1
    _remember(f"field-{name}", (number, value, about))
    return _field_key(name, number)


def entered(name: str, default: V, among: Container[V]) -> V:
    """What stands in the widget of a `field` now, of which its callback may not have heard yet."""
    number, *_ = _remembered(f"field-{name}", (0,))
    value = st.session_state.get(_field_key(name, number), default)
    return value if value in among else default


def _field_key(name: str, number: int) -> str:
    return f"{name}~{number}" if number else name


def edited(
    widget_key: str, shown: Any, take: Callable[[Any], Any], among: Sequence[Any] | None = None
) -> Callable[[], None]:
    """A widget's callback: hand what was entered to `take`, where it is new and one of `among`.

    New is what is neither what was `shown` nor what the widget said last: a browser that has not heard of a later page
    says it again.
    """

    def callback() -> None:
        value, name = st.session_state[widget_key], f"entered-in-{widget_key}"
        if value != _remembered(name, shown) and (among is None or value in among):
            _remember(name, value)
            take(value)

    return callback


def on_change(widget_key: str, take: Callable[[Any], None]) -> Callable[[], None]:
    """A chart's callback: hand what was selected on it to `take`."""
    return lambda: take(st.session_state[widget_key])


def close(popover_key: str) -> None:
    """Close a popover that keeps whether it is open; it holds nothing that a person entered."""
    st.session_state[popover_key] = False


def parameters() -> dict[str, str]:
    """The parameters of the address as it came."""
    return st.query_params.to_dict()


def forget(*names: str) -> None:
    """Take parameters out of the address that only a page knows."""
    for name in names:
        if name in st.query_params:
            del st.query_params[name]


def mirror() -> None:
    """Write what the session remembers into the address, from which a page change has wiped it."""
    for name in _OF_EVERY_PAGE:
        _write(name, _read(name) or "")


def _read(name: str) -> str | None:
    return st.query_params.get(name) or st.session_state.get(_PREFIX + name)


def _write(name: str, value: str) -> None:
    """Into the session and the address; an empty value leaves the address."""
    st.session_state[_PREFIX + name] = value
    if value and st.query_params.get(name) != value:
        st.query_params[name] = value
    elif not value and name in st.query_params:
        del st.query_params[name]


def _remembered(name: str, default: Any) -> Any:
    return st.session_state.get(_PREFIX + name, default)


def _remember(name: str, value: Any) -> None:
    st.session_state[_PREFIX + name] = value
