"""An import's changes as rows of tables, and an image before and after it. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from comus_core.datasets.demo import drawing
from comus_core.export.import_plan import ImportPlan
from comus_core.export.object_source import Scope
from comus_core.export.run_objects import RunObjects
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Decisions

LONGEST = 1280
KINDS = {
    "changed": "Changed masks",
    "new": "New masks",
    "removed": "Removed masks",
    "trimmed": "Trimmed masks",
    "renamed": "Renamed categories",
    "created": "New categories",
    "moved": "Moved objects",
    "problems": "Not used",
}
COLOURS = {"same": "#5b7fe8", "changed": "#f0a202", "new": "#2f9e44", "removed": "#e03131"}
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "changed": {
        "proposal": "object",
        "image": "image",
        "area": "pixels now",
        "new_area": "pixels in the file",
        "iou": "IoU of both",
    },
    "new": {"image": "image", "category": "category", "area": "pixels", "place": "place in the file"},
    "removed": {"proposal": "object", "image": "image", "area": "pixels"},
    "trimmed": {"proposal": "object", "image": "image", "lost": "pixels lost", "left": "pixels left"},
    "renamed": {"name": "name now", "new_name": "name in the file"},
    "created": {"name": "category", "objects": "objects"},
    "moved": {"proposal": "object", "was": "category now", "name": "category in the file"},
    "problems": {"file": "file", "value": "value", "message": "what is wrong"},
}


def rows_of(plan: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """The rows of one of `KINDS` of a plan as JSON, in the words of the page."""
    entries = plan[kind]
    if kind == "created":
        entries = [{"name": name, "objects": objects} for name, objects in entries.items()]
    return [{words: entry[name] for name, words in COLUMNS[kind].items()} for entry in entries]


def touched(plan: ImportPlan) -> list[str]:
    """Ids of the images whose masks change, those with a corrected mask first."""
    first = dict.fromkeys([*(c.image for c in plan.changed), *(n.image for n in plan.new)])
    return [*first, *(image for image in plan.masks if image not in first)]


def before_and_after(view: RunView, decided: Decisions, plan: ImportPlan, image_id: str) -> tuple[bytes, bytes]:
    """Two transparent PNGs of an image: its masks as decided now, and as they are after the import.

    Colours are those of `COLOURS`; a changed mask has the same in both.
    """
    removed = {entry.proposal for entry in plan.removed}
    changed = {entry.proposal for entry in plan.changed}
    new = {entry.proposal for entry in plan.new}
    now = [(one.id, one.mask) for one in RunObjects(view, decided, Scope()).objects(image_id)]
    size_hw = tuple(int(v) for v in view.image_sizes[view.image_row_of[image_id]])
    later = [
        (one.proposal, np.asarray(coco_mask.decode({"size": list(size_hw), "counts": one.rle}), bool))
        for one in plan.masks[image_id]
    ]

    def kind(proposal: str) -> str:
        found = [name for name, ids in (("removed", removed), ("changed", changed), ("new", new)) if proposal in ids]
        return found[0] if found else "same"

    return _drawn(now, kind, size_hw), _drawn(later, kind, size_hw)


def _drawn(masks: Sequence[tuple[str, Any]], kind: Any, size_hw: Sequence[int]) -> bytes:
    index, names = np.zeros(tuple(size_hw), np.uint8), list(COLOURS)
    for proposal, mask in masks:
        index[mask] = names.index(kind(proposal)) + 1
    height, width = size_hw
    small = drawing.fitted((height, width), LONGEST)
    return drawing.to_png(drawing.index_layer(index, drawing.rgb(list(COLOURS.values())), None, small))
