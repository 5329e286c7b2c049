"""Edits of a whole mask that the editor sends: grow, shrink, threshold, one part, the original. No Streamlit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from comus_core import curation
from comus_core.errors import ComusError, SettingsError
from comus_core.proposals.mask_edits import component, from_runs, grown, to_runs
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import RunView
from comus_core.types import BoolMask
from comus_core.workspace.decisions import Decisions


@dataclass(frozen=True)
class Draft:
    """The answer to one edit.

    Attributes:
        number: larger than that of the answer before.
        op: the edit.
        runs: of the new mask, empty if there is a fault.
        words: what was done, in short.
        fault: why nothing was done, empty if something was.
    """

    number: int
    op: str
    runs: str = ""
    words: str = ""
    fault: str = ""

    def to_json(self) -> dict[str, Any]:
        """For the browser."""
        return asdict(self)


NEW = "#new"  # in place of the number in an id, of an object that is not saved yet


def new_in(image_id: str) -> str:
    """What stands for a new object in an image."""
    return image_id + NEW


def is_new(name: str) -> bool:
    """Whether it stands for a new object."""
    return name.endswith(NEW)


def first_mask(view: RunView, name: str, decided: Decisions) -> BoolMask:
    """The mask that the editor begins with: as decided, empty for a new object.

    Raises:
        SettingsError: no such proposal, drawn object or image.
    """
    if not is_new(name):
        return curation.mask_of(view, name, decided)
    image_row = view.image_row_of.get(name.removesuffix(NEW))
    if image_row is None:
        raise SettingsError(f"no image {name.removesuffix(NEW)} in this run")
    return np.zeros(tuple(int(v) for v in view.image_sizes[image_row]), bool)


def drafted(view: RunView, proposal: str, decided: Decisions, request: Mapping[str, Any], number: int) -> Draft:
    """The answer to an edit that a browser sends; a fault is an answer too.

    Args:
        view: of the run.
        proposal: whose mask is edited; a drawn object, or `new_in` an image.
        decided: the decisions that the page shows.
        request: `op`, `amount`, and `runs` of the mask as drawn so far; nothing in it is trusted.
        number: of the answer.
    """
    op = str(request.get("op"))
    try:
        mask, words = _edited(view, proposal, decided, request)
        if not mask.any():
            raise SettingsError("Nothing would be left of the mask.")
        return Draft(number, op, runs=to_runs(mask), words=words)
    except ComusError as fault:
        return Draft(number, op, fault=str(fault))


def _edited(view: RunView, proposal: str, decided: Decisions, request: Mapping[str, Any]) -> tuple[BoolMask, str]:
    op, amount, runs = request.get("op"), request.get("amount"), request.get("runs")
    if not isinstance(amount, int | float) or not isinstance(runs, str):
        raise SettingsError("the edit of the mask cannot be read: reload the page")
    size = first_mask(view, proposal, decided).shape
    edits: dict[str, Callable[[], tuple[BoolMask, str]]] = {
        "grow": lambda: (grown(_drawn(runs, size), int(amount)), "Grown"),
        "shrink": lambda: (grown(_drawn(runs, size), -int(amount)), "Shrunk"),
        "threshold": lambda: (
            _thresholded(view, proposal, decided, float(amount), _drawn(runs, size)),
            f"Threshold {float(amount):.2f}",
        ),
        "part": lambda: _part(_drawn(runs, size), int(amount)),
        "original": lambda: (curation.original_mask(view, proposal), "Original"),
    }
    if op not in edits:
        raise SettingsError(f"edit '{str(op)[:40]}' of the mask: choose one of {', '.join(edits)}")
    return edits[op]()


def _thresholded(view: RunView, name: str, decided: Decisions, threshold: float, drawn: BoolMask) -> BoolMask:
    if not is_new(name):
        return curation.at_threshold(view, name, threshold, decided)
    if not drawn.any():
        raise SettingsError("Paint on the object first: the threshold then cuts the soft map around what is painted.")
    image_id = name.removesuffix(NEW)
    objects = decided_objects(view, decided)
    others = [objects.masks.mask(row) for row in objects.of_image(image_id)]
    return curation.threshold_near(view, image_id, drawn, others, threshold)


def _drawn(runs: str, size: tuple[int, ...]) -> BoolMask:
    return from_runs(runs, (size[0], size[1]))


def _part(mask: BoolMask, number: int) -> tuple[BoolMask, str]:
    part, count = component(mask, number)
    return part, "The mask has one part" if count == 1 else f"Part {(number - 1) % count + 1} of {count}"
