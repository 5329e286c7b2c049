"""Descriptions of decisions, for the undo button and the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comus_core.text import one_line
from comus_core.workspace.decisions import Decisions, Event
from comus_core.workspace.layout import REJECTED


def step_words(before: Decisions, event: Event, most: int = 3) -> str:
    """The description of an event, with the names at that time, such as `merge of cluster 3 and bird`."""
    payload = event.payload
    match event.kind:
        case "filter" if "cluster" in payload:
            return f"filter of {before.name_of(payload['cluster'])} at {payload['percent']:g} %"
        case "filter":
            return f"filter at {payload['percent']:g} %" + (f" by {payload['by']}" if "by" in payload else "")
        case "rename":
            return f"rename of {before.name_of(payload['cluster'])} to {one_line(payload['name'])}"
        case "reset_name":
            number = payload["cluster"]
            return f"reset of the name {before.name_of(number)} to {before.own_name_of(number)}"
        case "split":
            return f"split of {before.name_of(payload['category'])} into {payload['parts']}"
        case "move":
            count, target = len(payload["proposals"]), payload["category"]
            number = f"{count:,} proposals" if count > 1 else f"proposal {payload['proposals'][0]}"
            return f"rejection of {number}" if target == REJECTED else f"move of {number} to {before.name_of(target)}"
        case "accept" | "erase":
            count = len(payload["proposals"])
            number = f"{count:,} masks" if count > 1 else f"mask {payload['proposals'][0]}"
            return f"{'acceptance' if event.kind == 'accept' else 'erasure'} of {number}"
        case "merge" | "reject" | "restore":
            verb = {"merge": "merge", "reject": "rejection", "restore": "restoration"}[event.kind]
            return f"{verb} of {listed([before.name_of(k) for k in payload['categories']], most)}"
    return event.kind


def listed(words: Sequence[Any], most: int) -> str:
    """`a, b and c`; of more than `most` words the first ones, and the number of the others."""
    texts = [str(w) for w in words]
    if len(texts) > most:
        return f"{', '.join(texts[:most])} and {len(texts) - most} more"
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
