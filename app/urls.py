"""Addresses of the pictures and buffers that `app/server.py` serves; versioned, so that a browser may keep them.

A version is the fingerprint of what the answer is made from: with it in the address, the answer never changes.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote, urlencode

from comus_core.run_view import RunView

LayerName = Literal["saliency", "proposal", "pseudo_mask", "truth"]

CROP_SIZES = (96, 160, 240, 320)  # pixels of the longer side; others are refused, so that the cache stays small


def crop(view: RunView, row: int | str, size: int = 160, outline: bool | str = True) -> str:
    """The crop around a proposal.

    Args:
        view: the run.
        row: row of the proposal, or `{i}` for a template that the browser fills.
        size: one of `CROP_SIZES`.
        outline: the mask's outline, white by True, or in a colour `#rrggbb`.
    """
    colour = outline.removeprefix("#") if isinstance(outline, str) else ("ffffff" if outline else "")
    return _address(view, f"crops/{row}", v=view.run.artifacts["proposals"], size=size, outline=colour)


def image(view: RunView, image_row: int, size: int = 0) -> str:
    """A photograph, upright; its longer side at most `size` pixels, 0 for full size."""
    return _address(view, f"images/{image_row}", v=view.run.artifacts["images"], size=size)


def layer(view: RunView, image_row: int, name: LayerName, *, row: int | None = None, decided: int = 0) -> str:
    """A transparent PNG to lay over a photograph.

    Args:
        view: the run.
        image_row: row of the image.
        name: `saliency` the soft map, `proposal` masks in the colours of their clusters, `pseudo_mask` what is kept
            as decided, `truth` ground truth in the colours of its classes.
        row: `proposal` only: this proposal alone.
        decided: `pseudo_mask` only: `Decisions.version`, so that a new decision has a new address.
    """
    version = f"{layer_version(view, name)}.{decided}" if name == "pseudo_mask" else layer_version(view, name)
    return _address(view, f"layers/{name}/{image_row}", v=version, row="" if row is None else row)


def points(view: RunView, method: str) -> str:
    """The map's points as `buffers.pack_points` writes them."""
    return _address(view, f"points/{method}", v=view.run.artifacts["projection"])


def colours(view: RunView, by: str, decided: int = 0) -> str:
    """The map's categories as `buffers.pack_colours` writes them; `decided` is `Decisions.version`."""
    return _address(view, f"colours/{by}", v=f"{colours_version(view, by)}.{decided if by == 'core' else 0}")


def layer_version(view: RunView, name: str) -> str:
    """Fingerprint of what a layer is drawn from."""
    kind = {"saliency": "soft_maps", "proposal": "clustering", "pseudo_mask": "clustering", "truth": "counts"}[name]
    return view.run.artifacts.get(kind, "")


def colours_version(view: RunView, by: str) -> str:
    """Fingerprint of what a colouring is made from."""
    return view.run.artifacts.get("counts" if by == "truth" else "clustering", "")


def _address(view: RunView, path: str, **parameters: str | int) -> str:
    given = {name: value for name, value in parameters.items() if value not in ("", 0)}
    return f"/api/runs/{quote(view.run.id, safe='')}/{path}?{urlencode(given)}"
