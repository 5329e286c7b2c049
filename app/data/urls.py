"""Addresses of the images and buffers that `app/server/asgi.py` serves; versioned, so that a browser may keep them.

A version is the fingerprint of what the answer is made from: with it in the address, the answer never changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote, urlencode

import numpy as np

from app.data.colouring import colouring_version
from comus_core.runs.run_view import RunView
from comus_core.scoring.round_view import RoundView
from comus_core.workspace import Run
from comus_core.workspace.artifacts import digest
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.drawn_ids import number_of
from comus_core.workspace.layout import image_of

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
    redrawn = view.workspace.decisions.known(view.run.id, view.run.artifacts["clustering"]).layout.redrawn
    any_row = digest(sorted(redrawn.items()))[:8] if redrawn and isinstance(row, str) else ""
    version = crop_version(view, row if isinstance(row, int | np.integer) else None, redrawn)
    return _address(view, f"crops/{row}", v=version, m=any_row, at=_place(view.run), size=size, outline=colour)


def drawn_crop(view: RunView, decided: Decisions, name: str, size: int = 160, outline: bool | str = True) -> str:
    """The crop around a drawn object; see `crop`."""
    colour = outline.removeprefix("#") if isinstance(outline, str) else ("ffffff" if outline else "")
    path = f"drawn/{view.image_row_of[image_of(name)]}/{number_of(name)}"
    version = drawn_version(view, decided.layout.redrawn[name])
    return _address(view, path, v=version, at=_place(view.run), size=size, outline=colour)


def drawn_version(view: RunView, mask: str) -> str:
    """Fingerprint of what the crop of a drawn object is made from."""
    return f"{view.run.artifacts['images']}.{digest(mask)[:8]}"


def crop_version(view: RunView, row: int | None, redrawn: Mapping[str, str]) -> str:
    """Fingerprint of what a crop is made from: the proposals, and its mask if a person drew it."""
    mask = redrawn.get(str(view.proposals.proposal_id[row])) if redrawn and row is not None else None
    return view.run.artifacts["proposals"] + (f".{digest(mask)[:8]}" if mask is not None else "")


def image(view: RunView, image_row: int, size: int = 0) -> str:
    """An image, upright; its longer side at most `size` pixels, one of `IMAGE_SIZES`."""
    return run_image(view.run, image_row, size)


def run_image(run: Run, image_row: int, size: int = 0) -> str:
    """The same of a run that is not opened."""
    return _of_run(run, f"images/{image_row}", v=run.artifacts["images"], at=_place(run), size=size)


def run_masks(run: Run, image_row: int, version: int) -> str:
    """The layer `pseudo_mask` of a run that is not opened; `version` is that of its decisions."""
    return _of_run(run, f"layers/pseudo_mask/{image_row}", v=f"{run.artifacts['clustering']}.{version}")


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


def _place(run: Run) -> str:
    """What differs where the images lie elsewhere: a browser asks again for what it did not get from the old place."""
    return digest(run.provenance.get("root", ""))[:6]


def _address(view: RunView, path: str, **parameters: str | int) -> str:
    return _of_run(view.run, path, **parameters)


def _of_run(run: Run, path: str, **parameters: str | int) -> str:
    present = {name: value for name, value in parameters.items() if value not in ("", 0)}
    return f"api/runs/{quote(run.id, safe='')}/{path}?{urlencode(present)}"
