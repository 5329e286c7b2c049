"""Descriptions of decisions, for the undo button and the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comus_core.text import one_line
from comus_core.workspace.decisions import OF_IDS, Decisions, Event
from comus_core.workspace.drawn_ids import counted_objects, named_object
from comus_core.workspace.layout import REJECTED
from comus_core.workspace.reversal import images_of, proposals_of


def step_words(before: Decisions, event: Event, most: int = 3) -> str:
    """The description of an event, with the names at that time, such as `merge of cluster 3 and bird`."""
    payload = event.payload
    if event.kind in OF_IDS:
        return _words_of_ids(before, event)
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
        case "merge" | "reject" | "restore":
            verb = {"merge": "merge", "reject": "rejection", "restore": "restoration"}[event.kind]
            return f"{verb} of {listed([before.name_of(k) for k in payload['categories']], most)}"
    return event.kind


def _words_of_ids(before: Decisions, event: Event) -> str:
    """The description of a decision on single proposals or images."""
    payload = event.payload
    match event.kind:
        case "move":
            number, target = _objects(proposals_of(event)), payload["category"]
            return f"rejection of {number}" if target == REJECTED else f"move of {number} to {before.name_of(target)}"
        case "accept" | "erase":
            number = _number("mask", proposals_of(event))
            return f"{'acceptance' if event.kind == 'accept' else 'erasure'} of {number}"
        case "redraw":
            first, rle = payload["masks"][0]
            return f"{'reset' if rle is None else 'repair'} of mask {first}"
        case "draw":
            if not payload["objects"]:
                return f"new category {listed(payload['names'], 3)}"
            ids, parent = [drawn[0] for drawn in payload["objects"]], payload["objects"][0][3]
            return f"separation of {listed(ids, 3)} from {parent}" if parent else f"drawing of {listed(ids, 3)}"
        case "put_back":
            return f"return of {_objects(proposals_of(event))}"
        case "create":
            return f"new category {one_line(payload['name'])} of {_objects(proposals_of(event))}"
        case _:
            number = _number("image", images_of(event))
            return f"{'exclusion' if event.kind == 'exclude' else 'inclusion'} of {number}"


def _objects(ids: Sequence[str]) -> str:
    """`proposal 2007_000032#0`, `drawn object 2007_000032#d1`, or `12 proposals and 1 drawn object`."""
    return named_object(ids[0]) if len(ids) == 1 else counted_objects(ids)


def _number(word: str, ids: Sequence[str]) -> str:
    """`proposal 2007_000032#0`, or `12 proposals`."""
    return f"{len(ids):,} {word}s" if len(ids) != 1 else f"{word} {ids[0]}"


def listed(words: Sequence[Any], most: int) -> str:
    """`a, b and c`; of more than `most` words the first ones, and the number of the others."""
    texts = [str(w) for w in words]
    if len(texts) > most:
        return f"{', '.join(texts[:most])} and {len(texts) - most} more"
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
