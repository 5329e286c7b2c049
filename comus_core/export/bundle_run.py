"""The run that a bundle tells of: its settings, supervision, result and decisions, held to what a run here can be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from comus_core.config import Matching, RunConfig, check_choice, from_dict, require
from comus_core.text import holds_breaks
from comus_core.types import STAGES
from comus_core.weights.registry import REGISTRY, Supervision
from comus_core.workspace import Run
from comus_core.workspace.attempts import INTERRUPTED
from comus_core.workspace.decisions import Decisions, Event, replay
from comus_core.workspace.layout import REJECTED

STATES = ("done", "failed", "cancelled", INTERRUPTED)
LONGEST_NAME, LONGEST_TEXT = 1_000, 100_000  # letters of a name or class, and of a note or any other text
DEEPEST = 12  # levels of what the result holds
COUNTS = ("images", "skipped", "proposals", "clusters")
SCORES = ("miou", "pixel_accuracy", "coverage")


def run_told(told: Mapping[str, Any], run_id: str, provenance: Mapping[str, Any]) -> Run:
    """The run under the id that it gets here, with what this workspace adds to its provenance.

    Raises:
        SettingsError: something of it is missing, of another kind or out of range; says what.
    """
    own = _provenance(told["provenance"])
    name, note = _text(told["name"], "its name", LONGEST_NAME), _text(told["note"], "its note")
    require(bool(name.strip()), "its name is empty")
    require(told["state"] in STATES, f"its run says too little of itself: the state {str(told['state'])[:40]!r}")
    result = told["result"]
    require(isinstance(result, dict), "its result is no record")
    return Run(
        run_id,
        name,
        from_dict(RunConfig, told["config"]),
        told["state"],
        note=note,
        provenance={**own, **provenance},
        result={**_result(result), "run": run_id} if result else {},
    )


def events_told(told: Sequence[Any]) -> list[Event]:
    """The decisions, numbered from 1, each one that can be taken after those before it.

    Raises:
        SettingsError: one that makes no sense.
    """
    events = [
        Event(n, _text(e["at"], "a time", 100), _text(e["kind"], "a decision", 100), _record(e["payload"]))
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
    _require_among(categories, known, "category")
    _require_among(layout.moved.values(), {*known, REJECTED}, "category")
    _require_among({*layout.moved, *layout.distance, *layout.accepted, *layout.erased}, proposals, "proposal")
    for name in (*decided.names.values(), *layout.made.values()):
        _text(name, "a name", LONGEST_NAME)
    require(all(isinstance(d, int | float) and math.isfinite(d) for d in layout.distance.values()), "a distance is odd")


def class_names(told: Any) -> list[str]:
    """Names of classes, each given once.

    Raises:
        SettingsError: they are none.
    """
    require(isinstance(told, list) and len(told) <= 65_534, "its classes are no list")
    names = [_text(name, "a class", LONGEST_NAME) for name in told]
    require(not any(map(holds_breaks, names)), "a class holds a line break or another control character")
    require(len(set(names)) == len(names), "two classes have one name")
    return names


def _provenance(told: Any) -> dict[str, Any]:
    known = _record(told)
    require({"classes", "supervision"} <= set(known), "its run says too little of itself: no classes, no supervision")
    _plain(known, "its provenance")
    class_names(known["classes"])
    _supervision(known["supervision"])
    free = known.get("non_commercial", [])
    require(isinstance(free, list), "its licences are no list")
    _require_among(free, REGISTRY, "weights file")
    _text(known.get("added_to", ""), "the run it was added to", LONGEST_NAME)
    return known


def _supervision(told: Any) -> None:
    values = _record(told)
    require(set(values) == {"direct", "inherited"}, "its supervision is not told as direct and inherited")
    Supervision(**values)


def _result(told: dict[str, Any]) -> dict[str, Any]:
    _plain(told, "its result")
    for name in COUNTS:
        value = told.get(name, 0)
        require(isinstance(value, int) and not isinstance(value, bool) and value >= 0, f"its number of {name} is odd")
    if "supervision" in told:
        _supervision(told["supervision"])
    skipped, without = told.get("skipped_files", []), told.get("without_mask", [])
    require(isinstance(skipped, list) and isinstance(without, list), "its list of files is none")
    for entry in skipped:
        require({"path", "reason"} <= set(_record(entry)), "a file set aside has no reason")
    _use(told)
    for side in ("evaluation", "evaluation_filtered"):
        if told.get(side) is not None:
            _score(_record(told[side]))
    return told


def _use(told: dict[str, Any]) -> None:
    """Time and memory of its stages; of a run that is older than such a record there is none."""
    if "memory" not in told:
        return
    memory, seconds = _record(told["memory"]), _record(told.get("seconds"))
    for stage, count in memory.items():
        require(stage in STAGES and stage in seconds, f"its memory is told of {stage[:40]}, which is no stage of it")
        _amount(0 if count is None else count, f"memory of {stage}")
        _amount(seconds[stage], f"time of {stage}")
    _amount(told.get("memory_estimate"), "estimate of memory")
    require(isinstance(told.get("memory_at_most"), bool), "its memory is neither measured nor at most that")


def _amount(value: Any, what: str) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    require(number and value >= 0, f"{what} {str(value)[:40]}: a number from 0")


def _score(told: dict[str, Any]) -> None:
    require({"matching", "miou", "pixel_accuracy", "per_class"} <= set(told), "a score of it is not whole")
    check_choice("matching", told["matching"], Matching)
    for name in SCORES:
        _percent(told.get(name, 0), name)
    for name, value in _record(told["per_class"]).items():
        _percent(value if value is not None else 0, f"IoU of {name[:40]}")


def _percent(value: Any, what: str) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    require(number and 0 <= value <= 100, f"{what} {str(value)[:40]}: a number from 0 to 100")


def _plain(value: Any, what: str, depth: int = 0) -> None:
    """Refuse what no result holds: nests of boxes, numbers that are none, texts without end."""
    require(depth <= DEEPEST, f"{what} is nested too deep")
    if isinstance(value, dict):
        for key, part in value.items():
            _text(key, what, LONGEST_NAME)
            _plain(part, what, depth + 1)
    elif isinstance(value, list):
        for part in value:
            _plain(part, what, depth + 1)
    elif isinstance(value, str):
        _text(value, what)
    elif isinstance(value, float):
        require(math.isfinite(value), f"{what} holds a number that is none")
    elif isinstance(value, int):
        require(abs(value) < 2**63, f"{what} holds a number without end")


def _record(value: Any) -> dict[str, Any]:
    require(isinstance(value, dict), f"{str(value)[:40]!r} is no record")
    return dict(value)


def _text(value: Any, what: str, most: int = LONGEST_TEXT) -> str:
    require(isinstance(value, str) and len(value) <= most, f"{what} is no text of at most {most:,} letters")
    return str(value)


def _require_among(values: Iterable[Any], known: Any, what: str) -> None:
    stray = next((v for v in values if v not in known), None)
    shown = stray if isinstance(stray, int) else repr(str(stray)[:100])
    require(stray is None, f"{what} {shown} is none of the run's")
