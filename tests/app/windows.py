"""Browser windows over the real pages, with what goes wrong between a browser and Streamlit's server.

The scripts of `pages/` run as they are; only `streamlit`'s widgets are others. They keep to what Streamlit 1.67 does:
the browser forgets a widget that a page no longer draws, the server does so only at the end of a run that was not
stopped; what a run drew may never reach the browser, because the next press comes first; and with each press the
browser says the values of all its widgets again, which call back where the server remembers another value, or none.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

import pytest
import streamlit as st

from app import state
from app.components.clusters import (
    cluster_actions,
    cluster_card,
    cluster_keys,
    encoders_panel,
    how_many_panel,
    split_dialog,
)
from app.components.datasets import dataset_picker, excluded_panel, health_panel
from app.components.filter import filter_course, filter_panel
from app.components.naming import naming_keys, naming_panel
from app.components.photo import photograph, repair_panel
from app.components.photos import photo_grid_panel
from app.components.shared import crop_drag, deciding, figures, navigation, page_data, selection_keys
from app.components.similar import similar_objects, similar_ranking
from comus_core.datasets.format import DatasetSummary
from tests.app.serving import ROOT

# What becomes of the run of a press: the browser shows it; it ends, but is never shown; the next press stops it first.
Pace = Literal["shown", "unseen", "stopped"]
PAGES = ("clusters", "name", "filter", "image", "photos", "similar", "images")
FILES = {name: ROOT / "pages" / navigation.PAGES[name].file for name in PAGES}
SCRIPTS = {name: compile(file.read_text(), name, "exec") for name, file in FILES.items()}
PLAIN = "html markdown caption header subheader title badge info code warning error success space metric dataframe "
PLAIN += "toast plotly_chart progress download_button"
AROUND = "container popover expander spinner form"
NEVER = object()


class Stopped(BaseException):
    """The script ends here."""


@dataclass
class Drawn:
    """A widget as the server knows it.

    Attributes:
        default: what the browser shows of it at first.
        put: the value put under it in the session at this run, `NEVER` if none was.
        call: its callback.
        enabled: whether the callback may be called.
        version: of the decisions when it was drawn.
    """

    default: Any
    put: Any
    call: Callable[[], Any] | None
    enabled: bool
    version: int


class Session(dict):
    """`st.session_state` of one window, which tells what was put into it since the run began."""

    def __init__(self) -> None:
        super().__init__()
        self.put: set[str] = set()

    def __setitem__(self, key: str, value: Any) -> None:
        self.put.add(key)
        super().__setitem__(key, value)


class Address(dict):
    """`st.query_params`."""

    def to_dict(self) -> dict[str, str]:
        return dict(self)


@dataclass
class Window:
    """A tab: its session on the server, and what its browser shows.

    Attributes:
        run: id of the run looked at.
        version: gives the version of the decisions now.
        session: what the server keeps of it.
        server: key -> the widget as it was drawn last.
        browser: key -> value of each widget that the browser shows.
        buttons: keys of the buttons that it shows and that can be pressed.
        seen: the version of the decisions that it shows.
        fresh: whether it shows what the server drew last, and the server has heard nothing since.
        picks: crops that are picked at the next run.
        options: key -> what a list offers.
        labels: key -> label of a field.
        uploads: key -> file chosen in a field for files.
        parts: key -> what is done with what a component sends.
    """

    run: str
    version: Callable[[], int]
    page: str = "clusters"
    session: Session = field(default_factory=Session)
    address: Address = field(default_factory=Address)
    server: dict[str, Drawn] = field(default_factory=dict)
    browser: dict[str, Any] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)
    seen: int = 0
    fresh: bool = False
    picks: dict[str, Any] | None = None
    options: dict[str, list[Any]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Callable[[Any], Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.address["run"] = self.run
        self.rerun()

    def press(self, key: str, pace: Pace = "shown") -> None:
        """Click a button that the browser shows."""
        self.rerun(pace, pressed=key)

    def enter(self, key: str, value: Any, pace: Pace = "shown") -> None:
        """Enter a value into a widget that the browser shows."""
        self.browser[key] = value
        self.rerun(pace)

    def send(self, part: str, value: Any, pace: Pace = "shown") -> None:
        """A component sends a value."""
        self.rerun(pace, sent=(part, value))

    def go(self, page: str, **address: str) -> None:
        """Follow a link: the address is another, and a page's own part of it gone."""
        self.address.clear()
        self.address.update(address)
        if page != self.page:
            self.browser = {}
        self.page = page
        self.rerun()

    def reload(self) -> None:
        """Load the address anew: all but the address is forgotten."""
        self.session, self.server, self.browser, self.buttons, self.uploads = Session(), {}, {}, [], {}
        self.rerun()

    def reconnect(self) -> None:
        """The server was started again: it knows nothing, and the browser says again what it shows."""
        self.session, self.server, self.uploads = Session(), {}, {}
        self.rerun()

    def rerun(self, pace: Pace = "shown", pressed: str = "", sent: tuple[str, Any] | None = None) -> None:
        """Tell the server what the browser shows, call back, run the page, and show what it drew."""
        said = {k: v for k, v in self.browser.items() if self.session.get(k, NEVER) != v}
        dict.update(self.session, said)
        self.fresh = False
        with connected(self):
            for key in [k for k in said if k in self.server]:
                self._call(self.server[key])
            if pressed in self.server:
                self._call(self.server[pressed])
            if sent is not None:
                self.parts[sent[0]](sent[1])
            if pace == "stopped":
                return
            self.session.put.clear()
            self._run(pace, pressed)

    @staticmethod
    def _call(drawn: Drawn) -> None:
        if drawn.call is not None and drawn.enabled:
            drawn.call()

    def _run(self, pace: Pace, pressed: str) -> None:
        self.now: dict[str, Drawn] = {}
        self.parts = {}
        self.pressed, self.drawn_at = pressed, self.version()
        try:
            state.enter(self.page)
            state.choose_run(page_data.current_run().id)
            state.mirror()
            exec(SCRIPTS[self.page], {"__name__": "page"})
        except Stopped:
            pass
        else:
            for key in [k for k in self.server if k not in self.now and k in self.session]:
                del self.session[key]
        if pace == "shown":
            values = {k: drawn for k, drawn in self.now.items() if drawn.default is not NEVER}
            self.browser = {
                k: drawn.put if drawn.put is not NEVER else self.browser.get(k, drawn.default)
                for k, drawn in values.items()
            }
            self.buttons = [k for k, drawn in self.now.items() if drawn.default is NEVER and drawn.enabled]
            self.seen, self.fresh = self.drawn_at, True

    def draw(self, key: str, default: Any, call: Callable[[], Any] | None, enabled: bool = True) -> Any:
        """A widget of the run at work."""
        put = self.session[key] if key in self.session.put else NEVER
        self.now[key] = self.server[key] = Drawn(default, put, call, enabled, self.drawn_at)
        if default is NEVER:
            return key == self.pressed
        if key not in self.session:
            dict.__setitem__(self.session, key, default)
        return self.session[key]


class Around:
    """A place to draw in, which is nothing here."""

    def __enter__(self) -> Around:
        return self

    def __exit__(self, *_: object) -> None:
        return None


_connected: list[Window] = []
_NUMBERS = count(1)  # of the masks that are sent


@contextmanager
def connected(window: Window) -> Iterator[None]:
    """Streamlit's functions speak to this window."""
    _connected.append(window)
    st.session_state, st.query_params = window.session, window.address  # type: ignore[assignment]
    try:
        yield
    finally:
        _connected.pop()


@contextmanager
def streamlit_of_windows() -> Iterator[None]:
    """Streamlit's functions as those of windows; pictures, charts and previews of splits are left out."""
    with pytest.MonkeyPatch.context() as patch:
        for name in PLAIN.split():
            patch.setattr(st, name, lambda *_, **__: None)
        for name in AROUND.split():
            patch.setattr(st, name, lambda *_, **__: Around())
        for name in ("session_state", "query_params"):
            patch.setattr(st, name, {})
        for name in ("stop", "rerun"):
            patch.setattr(st, name, _stop)
        patch.setattr(st, "columns", lambda spec, **_: [Around()] * (spec if isinstance(spec, int) else len(spec)))
        patch.setattr(st, "fragment", lambda *given, **_: given[0] if given else (lambda function: function))
        for name, widget in _WIDGETS.items():
            patch.setattr(st, name, widget)
        patch.setattr(split_dialog, "show", inspect.unwrap(split_dialog.show))
        patch.setattr(cluster_keys, "listen", _picks)
        patch.setattr(photo_grid_panel, "image_grid", lambda *, key, on_picked, **_: _part("image_grid", on_picked))
        patch.setattr(repair_panel, "mask_editor", _mask_editor)
        patch.setattr(excluded_panel, "_ticks", lambda *, on_ticked_change, **_: _part("ticks", on_ticked_change))
        patch.setattr(state, "on_change", _on_change)
        patch.setattr(dataset_picker, "show", _dataset)
        for module, left_out in (
            (naming_keys, "listen"),
            (health_panel, "show"),
            (figures, "show"),
            (deciding, "follow"),
            (selection_keys, "listen"),
            (crop_drag, "listen"),
            (how_many_panel, "show"),
            (encoders_panel, "folded"),
            (filter_course, "show"),
            (filter_panel, "pictures"),
            (photograph, "picture"),
            (photograph, "similar"),
        ):
            patch.setattr(module, left_out, lambda *_, **__: None)
        for module in (cluster_card, cluster_actions, split_dialog, naming_panel):
            patch.setattr(module, "grid", lambda *_, **__: "")
        for module in (photo_grid_panel, similar_objects, similar_ranking, photograph):
            patch.setattr(module, "gallery", lambda *_, **__: None)
        yield


def _stop(**_: object) -> None:
    raise Stopped


def _picks() -> dict[str, Any] | None:
    picks, _connected[-1].picks = _connected[-1].picks, None
    return picks


def _part(name: str, call: Callable[[Any], Any]) -> None:
    _connected[-1].parts[name] = call


def _mask_editor(
    *, name: str, on_save: Callable[[Mapping[str, Any]], Any], on_cancel: Callable[[], Any], **_: Any
) -> None:
    _part("save_mask", lambda runs: on_save({"name": name, "number": next(_NUMBERS), "runs": runs}))
    _part("leave_mask", lambda _: on_cancel())


def _on_change(key: str, take: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A component's callback, which here is called with what the component sends."""
    return take


def _dataset(_: object) -> dataset_picker.Picked:
    spec = page_data.current_run().config.dataset
    return dataset_picker.Picked(spec, DatasetSummary(0, labelled=True))


def _draw(key: str, default: Any, how: dict[str, Any]) -> Any:
    return _connected[-1].draw(key, default, how.get("on_change"), not how.get("disabled", False))


def _text(label: str, value: Any = "", *, key: str, **how: Any) -> Any:
    _connected[-1].labels[key] = label
    return _draw(key, value, how)


def _tick(label: str, value: bool = False, *, key: str, **how: Any) -> Any:
    return _draw(key, value, how)


def _choice(label: str, options: list[Any], index: int | None = 0, *, key: str, **how: Any) -> Any:
    _connected[-1].options[key] = list(options)
    return _draw(key, None if index is None else options[index], how)


def _buttons(label: str, options: list[Any], *, default: Any = None, key: str, **how: Any) -> Any:
    return _draw(key, default, how)


def _slider(label: str, low: Any = 0, high: Any = 100, value: Any = 0, step: Any = 1, *, key: str, **how: Any) -> Any:
    return _draw(key, value, how)


def _number(label: str, low: Any, high: Any, value: Any, *, key: str, **how: Any) -> Any:
    return _draw(key, value, how)


def _several(label: str, options: list[Any], default: list[Any], *, key: str, **how: Any) -> Any:
    return _draw(key, default, how)


def _upload(label: str, kind: Any = None, *, key: str, **how: Any) -> Any:
    _connected[-1].uploads.setdefault(key, None)
    return _connected[-1].uploads[key]


def _pages(pages: int, *, default: int, key: str, **how: Any) -> Any:
    return _draw(key, default, how)


def _button(label: str, *, key: str, on_click: Any = None, args: tuple[Any, ...] = (), **how: Any) -> bool:
    call = (lambda: on_click(*args)) if on_click is not None else None
    return bool(_connected[-1].draw(key, NEVER, call, not how.get("disabled", False)))


_WIDGETS = {
    "text_input": _text,
    "text_area": _text,
    "number_input": _number,
    "multiselect": _several,
    "file_uploader": _upload,
    "checkbox": _tick,
    "toggle": _tick,
    "selectbox": _choice,
    "segmented_control": _buttons,
    "slider": _slider,
    "pagination": _pages,
    "button": _button,
}
