"""The run that a bundle tells of: its settings, supervision, result and decisions, held to what a run here can be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from comus_core.config import RunConfig
from comus_core.datasets.dataset import parse_dataset
from comus_core.export.bundle_result import check_result, check_supervision
from comus_core.export.bundle_values import LONGEST_NAME, plain, record, require_among, text, truth_value
from comus_core.settings import from_dict, require
from comus_core.text import holds_breaks
from comus_core.weights.registry import REGISTRY
from comus_core.workspace import Run
from comus_core.workspace.attempts import INTERRUPTED
from comus_core.workspace.decisions import Decisions, Event, replay
from comus_core.workspace.layout import REJECTED

STATES = ("done", "failed", "cancelled", INTERRUPTED)


def run_told(told: Mapping[str, Any], run_id: str, provenance: Mapping[str, Any]) -> Run:
    """The run under the id that it gets here, with what this workspace adds to its provenance.

    Raises:
        SettingsError: something of it is missing, of another kind or out of range; says what.
        DatasetError: its data set's string is none.
    """
    own = _provenance(told["provenance"])
    name, note = text(told["name"], "its name", LONGEST_NAME), text(told["note"], "its note")
    require(bool(name.strip()), "its name is empty")
    require(told["state"] in STATES, f"its run says too little of itself: the state {str(told['state'])[:40]!r}")
    config, result = from_dict(RunConfig, told["config"]), told["result"]
    parse_dataset(config.dataset)
    require(isinstance(result, dict), "its result is no record")
    if result:
        check_result(result)
    return Run(
        run_id,
        name,
        config,
        told["state"],
        note=note,
        provenance={**own, **provenance},
        result={**result, "run": run_id} if result else {},
    )


def events_told(told: Sequence[Any]) -> list[Event]:
    """The decisions, numbered from 1, each one that can be taken after those before it.

    Raises:
        SettingsError: one that makes no sense.
    """
    events = [
        Event(n, text(e["at"], "a time", 100), text(e["kind"], "a decision", 100), record(e["payload"]))
        for n, e in enumerate(told, 1)
    ]
    replay(events)
    return events


def check_decisions(decided: Decisions, clusters: int, proposals: Mapping[str, Any]) -> None:
    """Refuse decisions on categories or proposals that the run does not have.

    Raises:
        SettingsError: the first such.
    """
    layout = decided.layout
    known = {*range(clusters), *layout.made}
    categories = {*layout.into, *layout.into.values(), *layout.rejected, *decided.names, *decided.cluster_percent}
    require_among(categories, known, "category")
    require_among(layout.moved.values(), {*known, REJECTED}, "category")
    require_among({*layout.moved, *layout.distance, *layout.accepted, *layout.erased}, proposals, "proposal")
    for name in (*decided.names.values(), *layout.made.values()):
        text(name, "a name", LONGEST_NAME)
    require(all(isinstance(d, int | float) and math.isfinite(d) for d in layout.distance.values()), "a distance is odd")


def class_names(told: Any) -> list[str]:
    """Names of classes, each given once.

    Raises:
        SettingsError: they are none.
    """
    require(isinstance(told, list) and len(told) <= 65_534, "its classes are no list")
    names = [text(name, "a class", LONGEST_NAME) for name in told]
    require(not any(map(holds_breaks, names)), "a class holds a line break or another control character")
    require(len(set(names)) == len(names), "two classes have one name")
    return names


def _provenance(told: Any) -> dict[str, Any]:
    known = record(told)
    require({"classes", "supervision"} <= set(known), "its run says too little of itself: no classes, no supervision")
    plain(known, "its provenance")
    class_names(known["classes"])
    check_supervision(known["supervision"])
    free = known.get("non_commercial", [])
    require(isinstance(free, list), "its licences are no list")
    require_among(free, REGISTRY, "weights file")
    for name in ("added_to", "manifest", "truth"):
        text(known.get(name, ""), f"what it says of {name}", LONGEST_NAME)
    truth_value(known.get("synthetic", False), "whether its scenes are synthetic")
    return known
