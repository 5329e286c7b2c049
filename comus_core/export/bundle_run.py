"""Read the run in a bundle: settings, supervision, result and decisions, all checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from comus_core.config import RunConfig
from comus_core.datasets.coco_rle import decode
from comus_core.datasets.dataset import parse_dataset
from comus_core.export.bundle_result import check_result, check_supervision
from comus_core.export.bundle_values import LONGEST_NAME, plain, record, require_among, text, truth_value
from comus_core.settings import from_dict, require
from comus_core.text import holds_breaks
from comus_core.types import BoolMask
from comus_core.weights.registry import REGISTRY
from comus_core.workspace import Run
from comus_core.workspace.attempts import INTERRUPTED
from comus_core.workspace.decisions import Decisions, Event, replay
from comus_core.workspace.layout import COVERED, REJECTED, image_of

MOST_LICENCES = 8  # of the few parts that a run has
STATES = ("done", "failed", "cancelled", INTERRUPTED)


def read_run(fields: Mapping[str, Any], run_id: str, provenance: Mapping[str, Any]) -> Run:
    """The run with a new id, and additions to its provenance.

    Raises:
        SettingsError: a value is missing, of another type or out of range.
        DatasetError: its data set's string is invalid.
    """
    original = _provenance(fields["provenance"])
    name, note = text(fields["name"], "its name", LONGEST_NAME), text(fields["note"], "its note")
    require(bool(name.strip()), "its name is empty")
    require(fields["state"] in STATES, f"its run has the invalid state {str(fields['state'])[:40]!r}")
    config, result = from_dict(RunConfig, fields["config"]), fields["result"]
    parse_dataset(config.dataset)
    require(isinstance(result, dict), "its result is not an object")
    if result:
        check_result(result)
    return Run(
        run_id,
        name,
        config,
        fields["state"],
        note=note,
        provenance={**original, **provenance},
        result={**result, "run": run_id} if result else {},
    )


def read_events(entries: Sequence[Any]) -> list[Event]:
    """The decisions, numbered from 1, checked by replaying them.

    Raises:
        SettingsError: an invalid decision.
    """
    events = [
        Event(n, text(e["at"], "a time", 100), text(e["kind"], "a decision", 100), record(e["payload"]))
        for n, e in enumerate(entries, 1)
    ]
    replay(events)
    return events


def check_decisions(decided: Decisions, clusters: int, proposals: Mapping[str, Any], images: Mapping[str, Any]) -> None:
    """Refuse decisions on categories, proposals or images that the run does not have.

    Raises:
        SettingsError: the first one.
    """
    layout = decided.layout
    ids = {*range(clusters), *layout.made}
    categories = {*layout.into, *layout.into.values(), *layout.rejected, *decided.names, *decided.cluster_percent}
    require_among(categories, ids, "category")
    require_among(layout.moved.values(), {*ids, REJECTED}, "category")
    of_proposals = {*layout.moved, *layout.distance, *layout.accepted, *layout.erased, *layout.redrawn}
    require_among({*of_proposals, *layout.parent.values()}, {*proposals, *layout.drawn}, "proposal")
    require_among(layout.drawn.values(), ids, "category")
    require_among(map(image_of, layout.drawn), images, "image")
    require_among(layout.excluded, images, "image")
    require(all(k >= clusters for k in layout.made), "a new category has the id of a cluster")
    for name in (*decided.names.values(), *layout.made.values()):
        text(name, "a name", LONGEST_NAME)
    require(
        all(isinstance(d, int | float) and math.isfinite(d) for d in layout.distance.values()),
        "a distance is not a finite number",
    )


def check_redrawn(
    decided: Decisions, rows: Mapping[str, int], sizes: Sequence[Sequence[int]], images: Mapping[str, Sequence[int]]
) -> None:
    """Refuse drawn masks that are no masks of their images.

    Args:
        decided: the decisions, checked by `check_decisions`.
        rows: proposal id -> row.
        sizes: height and width of the image of each row.
        images: image id -> height and width, for drawn objects.

    Raises:
        SettingsError: one cannot be decoded, has another size, or is empty; or two of an image have common pixels.
    """
    taken: dict[str, BoolMask] = {}
    for proposal, rle in decided.layout.redrawn.items():
        if rle != COVERED:
            height, width = sizes[rows[proposal]] if proposal in rows else images[image_of(proposal)]
            mask, image_id = decode(rle, (int(height), int(width))), image_of(proposal)
            require(bool(mask.any()), f"the drawn mask of {proposal[:100]} is empty")
            before = taken.setdefault(image_id, np.zeros_like(mask))
            require(not (before & mask).any(), f"drawn masks of image {image_id[:100]} have common pixels")
            before |= mask


def class_names(values: Any) -> list[str]:
    """Names of classes, without duplicates.

    Raises:
        SettingsError: they are invalid.
    """
    require(isinstance(values, list) and len(values) <= 65_534, "its classes are not a list")
    names = [text(name, "a class", LONGEST_NAME) for name in values]
    require(not any(map(holds_breaks, names)), "a class has a line break or another control character")
    require(len(set(names)) == len(names), "two classes have the same name")
    return names


def _provenance(value: Any) -> dict[str, Any]:
    provenance = record(value)
    require({"classes", "supervision"} <= set(provenance), "its run has no classes or no supervision")
    plain(provenance, "its provenance")
    class_names(provenance["classes"])
    check_supervision(provenance["supervision"])
    free = provenance.get("non_commercial", [])
    require(isinstance(free, list) and len(free) <= MOST_LICENCES, "its licences are not a list")
    require_among(free, REGISTRY, "weights file")
    for name in ("added_to", "manifest", "truth"):
        text(provenance.get(name, ""), f"its {name}", LONGEST_NAME)
    truth_value(provenance.get("synthetic", False), "synthetic")
    return provenance
