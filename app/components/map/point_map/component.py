"""The map of points: a WebGL2 scatter that fetches its points once and sends back only what the user draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st

from app.data.colour_scale import Scale
from app.data.palette import UNASSIGNED, colours
from comus_core.workspace.selection_shapes import Gesture, gestures_from_json

_HERE = Path(__file__).parent
# One module, in this order.
_SCRIPTS = (
    "buffers",
    "geometry",
    "scatter",
    "overlay",
    "scale",
    "legend",
    "pointer",
    "panels",
    "exchange",
    "map",
    "mount",
)

_mount = st.components.v2.component(
    "comus_point_map",
    html=(_HERE / "point_map.html").read_text(encoding="utf-8"),
    css=(_HERE / "point_map.css").read_text(encoding="utf-8"),
    js="\n".join((_HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS),
)


def point_map(
    *,
    key: str,
    points_url: str,
    colours_url: str,
    names: Sequence[str],
    gestures: Sequence[Gesture],
    on_gestures: Callable[[tuple[Gesture, ...]], None],
    image_url: str | None = None,
    category_colours: Sequence[str] | None = None,
    scale: Scale | None = None,
    on_no_webgl: Callable[[], None] | None = None,
    unassigned: str = "unassigned",
    drops: Sequence[int] = (),
    label: str = "Map of the proposals",
    height: int = 600,
) -> int | None:
    """Show the map and receive what the user draws.

    The page owns the selection: it passes `gestures` and stores what `on_gestures` receives, which Streamlit calls
    before the script runs again, so `gestures` is up to date in that very run. Which points are chosen says
    `select(points, gestures)` of `comus_core.workspace.selection_shapes`; the map computes the same for its own
    highlighting.

    Args:
        key: identity of this map; zoom and tools are remembered under it while the browser page lives.
        points_url: address of `pack_points` bytes. An address names its bytes: put the artifact's fingerprint in it.
        colours_url: address of `pack_colours` bytes for the same points; a change fetches only these.
        names: C category names, in the order of the indices in the colours.
        gestures: the selection to show.
        on_gestures: receives the whole new selection, empty when it was cleared.
        image_url: address of a point's crop, shown on hover, with `{i}` for the point's index.
        category_colours: C colours `#rrggbb`; by default `app.data.palette.colours(C)`. Of a scale, one a level.
        scale: the indices are levels of this scale and not categories; `names` are not read.
        on_no_webgl: called once where the browser has no WebGL 2, so that the page can show something else; without
            it the map says so itself.
        unassigned: the name of points without a category.
        drops: C ids of the categories whose entries of the legend crops can be dropped on (`crop_drag`), −1 for none.
        label: what a screen reader calls the map.
        height: CSS pixels.

    Returns:
        The index of the point that was clicked just now, else None.
    """

    def receive() -> None:
        shapes = _fired(st.session_state[key], "gestures")
        if shapes is not None:
            on_gestures(gestures_from_json(shapes))

    result = _mount(
        key=key,
        data={
            "key": key,
            "pointsUrl": points_url,
            "coloursUrl": colours_url,
            "imageUrl": image_url,
            "names": list(names),
            "colours": list(category_colours or colours(len(names))),
            "scale": _scale_json(scale, len(category_colours or ())),
            "drops": list(drops),
            "fallback": on_no_webgl is not None,
            "unassigned": {"name": unassigned, "colour": UNASSIGNED},
            "gestures": [{"polygon": [list(corner) for corner in g.polygon], "mode": g.mode} for g in gestures],
            "label": label,
            "height": height,
        },
        on_gestures_change=receive,
        on_clicked_change=lambda: None,
        on_nowebgl_change=on_no_webgl or (lambda: None),
    )
    clicked = _fired(result, "clicked")
    return None if clicked is None else int(clicked)


def _scale_json(scale: Scale | None, levels: int) -> dict[str, Any] | None:
    return None if scale is None else {**asdict(scale), "levels": levels}


def _fired(state: Any, event: str) -> Any:
    """The value an event has in this run, or None."""
    return state.get(event) if hasattr(state, "get") else getattr(state, event, None)
