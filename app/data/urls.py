"""Addresses of the images and buffers that `app/server/asgi.py` serves; versioned, so that a browser may keep them.

A version is the fingerprint of what the answer is made from: with it in the address, the answer never changes.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote, urlencode

from app.data.colouring import colouring_version
from comus_core.runs.run_view import RunView
from comus_core.scoring.round_view import RoundView
from comus_core.workspace.artifacts import digest
from comus_core.workspace.decisions import Decisions

ROUND = "round-"
NONE = Decisions()
LayerName = Literal["saliency", "proposal", "pseudo_mask", "truth", "errors"]

# Pixels of the longer side; other sizes are refused, so that the cache stays small. 0 is full size.
CROP_SIZES = (96, 160, 240, 320)
IMAGE_SIZES = (0, 480, 960, 1600)


def crop(view: RunView, row: int | str, size: int = 160, outline: bool | str = True) -> str:
    """The crop around a proposal.

    Args:
        view: the run.
        row: row of the proposal, or `{i}` for a template that the browser fills.
        size: one of `CROP_SIZES`.
        outline: the mask's outline, white by True, or in a colour `#rrggbb`.
    """
    colour = outline.removeprefix("#") if isinstance(outline, str) else ("ffffff" if outline else "")
    return _address(view, f"crops/{row}", v=view.run.artifacts["proposals"], at=_place(view), size=size, outline=colour)


def image(view: RunView, image_row: int, size: int = 0) -> str:
    """An image, upright; its longer side at most `size` pixels, one of `IMAGE_SIZES`."""
    return _address(view, f"images/{image_row}", v=view.run.artifacts["images"], at=_place(view), size=size)


def layer(view: RunView, image_row: int, name: LayerName, *, row: int | None = None, decided: Decisions = NONE) -> str:
    """A transparent PNG to lay over an image.

    Args:
        view: the run.
        image_row: row of the image.
        name: `saliency` the soft map, `proposal` masks in the colours of their clusters, `pseudo_mask` what is kept
            as decided, `truth` ground truth in the colours of its classes, `errors` where all proposals are wrong.
        row: `proposal` only: this proposal alone.
        decided: what is decided, so that what changes the layer has a new address.
    """
    row_text = "" if row is None else str(row)
    return _address(view, f"layers/{name}/{image_row}", v=layer_version(view, name, decided), row=row_text)


def round_layer(number: int) -> str:
    """The name of the layer that shows a round's predictions."""
    return f"{ROUND}{number}"


def round_of_layer(name: str) -> int:
    """The round of a layer of that name."""
    return int(name.removeprefix(ROUND))


def predicted(view: RunView, image_row: int, number: int, version: str) -> str:
    """A transparent PNG of what round `number` predicts; `version` is the fingerprint of its predictions."""
    return _address(view, f"layers/{round_layer(number)}/{image_row}", v=version)


def preview(view: RunView, image_row: int, network: str, step: int) -> str:
    """A transparent PNG of what a network, by its fingerprint, predicted at a step of its training."""
    return _address(view, f"previews/{network}/{step}/{image_row}", v=f"{network}.{step}")


def learned(view: RunView, image_row: int, labels: str) -> str:
    """A transparent PNG of the pseudo-mask that a training learned from, by its artifact's fingerprint."""
    return _address(view, f"learned/{labels}/{image_row}", v=labels)


def round_picture(rounds: RoundView, name: str, image_row: int, size: int = 0) -> str:
    """An image that a training is scored on, or a layer of it.

    Args:
        rounds: the training.
        name: `image` (a JPEG, of one of `IMAGE_SIZES`), else a transparent PNG: `truth`, `mask-N` of round N in
            the colours of the classes, `errors-N`.
        image_row: row in `rounds.image_ids`.
        size: of the image.
    """
    parameters = {"v": rounds_version(rounds), "size": size} if name == "image" else {"v": rounds_version(rounds)}
    query = urlencode({key: value for key, value in parameters.items() if value not in ("", 0)})
    return f"api/trainings/{quote(rounds.training.id, safe='')}/{name}/{image_row}?{query}"


def rounds_version(rounds: RoundView) -> str:
    """Fingerprint of all that a training's layers are drawn from."""
    return ".".join(rounds.masks[number].artifact.fingerprint for number in sorted(rounds.masks))


def points(view: RunView, method: str) -> str:
    """The map's points as `buffers.pack_points` writes them."""
    return _address(view, f"points/{method}", v=view.run.artifacts["projection"])


def colours(view: RunView, by: str, decided: Decisions = NONE, only: str = "") -> str:
    """The map's categories as `buffers.pack_colours` writes them.

    Args:
        view: the run.
        by: one of `colouring.offered`.
        decided: what is decided.
        only: key of a selection; points outside it have no category.
    """
    return _address(view, f"colours/{by}", v=colouring_version(view, by, decided), only=only)


def layer_version(view: RunView, name: str, decided: Decisions) -> str:
    """Fingerprint of what a layer is drawn from."""
    kind = {"saliency": "soft_maps", "proposal": "clustering", "pseudo_mask": "clustering"}.get(name, "counts")
    version = {"proposal": decided.layout_version, "pseudo_mask": decided.version, "errors": decided.layout_version}
    return view.run.artifacts.get(kind, "") + (f".{version[name]}" if name in version else "")


def _place(view: RunView) -> str:
    """What differs where the images lie elsewhere: a browser asks again for what it did not get from the old place."""
    return digest(view.run.provenance.get("root", ""))[:6]


def _address(view: RunView, path: str, **parameters: str | int) -> str:
    present = {name: value for name, value in parameters.items() if value not in ("", 0)}
    return f"api/runs/{quote(view.run.id, safe='')}/{path}?{urlencode(present)}"
