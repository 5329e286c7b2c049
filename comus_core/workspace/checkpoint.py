"""A state of decisions as bytes, so that a new process need not read the log from the start."""

from __future__ import annotations

import json
import struct
from array import array
from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import Any

from comus_core.errors import WorkspaceError
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layered import LayeredMap, LayeredSet
from comus_core.workspace.layout import IMAGE_SETS, PROPOSAL_MAPS, PROPOSAL_SETS, Layout

FORMAT = 3
SETS = (*PROPOSAL_SETS, *IMAGE_SETS)
NUMBERS = {
    "moved": "q",
    "drawn": "q",
    "distance": "d",
}  # how the values of each map of proposals are stored; others are text
OF_CATEGORIES = ("cluster_percent", "names", "into", "made")
BETWEEN = "\0"  # separates ids, which contain file names


def to_bytes(state: Decisions) -> bytes:
    """The state without its version: a JSON header with its length, then ids and numbers in columns."""
    layout = state.layout
    maps = {n: LayeredMap.of(getattr(layout, n)).plain() for n in PROPOSAL_MAPS}
    columns = [BETWEEN.join(entries).encode() for entries in maps.values()]
    columns += [BETWEEN.join(getattr(layout, n)).encode() for n in SETS]
    columns += [_values(n, entries.values()) for n, entries in maps.items()]
    head: dict[str, Any] = {"format": FORMAT, "filter_percent": state.filter_percent, "filter_by": state.filter_by}
    head |= {n: list(getattr(state if hasattr(state, n) else layout, n).items()) for n in OF_CATEGORIES}
    head |= {"rejected": sorted(layout.rejected), "bytes": [len(column) for column in columns]}
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join([struct.pack("<q", len(text)), text, *columns])


def from_bytes(stored: bytes, version: int) -> Decisions:
    """The state from `to_bytes`.

    Raises:
        WorkspaceError: another version of COMUS wrote it.
    """
    (length,) = struct.unpack_from("<q", stored)
    head = json.loads(stored[8 : 8 + length])
    if head["format"] != FORMAT:
        raise WorkspaceError(f"stored state of format {head['format']}; this version of COMUS reads format {FORMAT}")
    ends = accumulate(head["bytes"], initial=8 + length)
    columns = iter([stored[start:end] for start, end in pairwise(ends)])
    ids = {n: _ids(next(columns)) for n in (*PROPOSAL_MAPS, *SETS)}
    of_proposals: dict[str, Any] = {n: LayeredSet(ids[n]) for n in SETS}
    for n in PROPOSAL_MAPS:
        of_proposals[n] = LayeredMap(zip(ids[n], _values_from(n, next(columns), len(ids[n])), strict=True))
    percents, names, into, split_names = ({int(k): value for k, value in head[n]} for n in OF_CATEGORIES)
    layout = Layout(into=into, made=split_names, rejected=frozenset(head["rejected"]), **of_proposals)
    return Decisions(version, head["filter_percent"], percents, names, head["filter_by"], layout)


def _values(name: str, values: Iterable[Any]) -> bytes:
    return array(NUMBERS[name], values).tobytes() if name in NUMBERS else BETWEEN.join(values).encode()


def _values_from(name: str, column: bytes, count: int) -> Iterable[Any]:
    if name in NUMBERS:
        return array(NUMBERS[name], column)
    return column.decode().split(BETWEEN) if count else ()  # a single empty text has no bytes


def _ids(column: bytes) -> list[str]:
    return column.decode().split(BETWEEN) if column else []
