"""A whole state as bytes, so that a process that begins need not walk the log from the start."""

from __future__ import annotations

import json
import struct
from array import array
from collections.abc import Iterable
from itertools import chain
from typing import Any

from comus_core.errors import WorkspaceError
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layered import LayeredMap, LayeredSet
from comus_core.workspace.layout import PROPOSAL_MAPS, PROPOSAL_SETS, Layout

FORMAT = 1
NUMBERS = {"moved": "q", "distance": "d"}  # how the values of each map of proposals are stored
INDEX = "i"
OF_CATEGORIES = ("cluster_percent", "names", "into", "made")


def to_bytes(state: Decisions) -> bytes:
    """The state but for its version: a JSON header with its length, then columns of numbers.

    Each proposal's id is in it once; maps and sets of proposals name it by its place.
    """
    layout = state.layout
    maps = {n: LayeredMap.of(getattr(layout, n)).plain() for n in PROPOSAL_MAPS}
    sets = {n: list(getattr(layout, n)) for n in PROPOSAL_SETS}
    ids = list(dict.fromkeys(chain(*maps.values(), *sets.values())))
    place = {p: number for number, p in enumerate(ids)}
    columns = [array(INDEX, map(place.__getitem__, found)) for found in (*maps.values(), *sets.values())]
    columns += [array(NUMBERS[n], found.values()) for n, found in maps.items()]
    head: dict[str, Any] = {"format": FORMAT, "filter_percent": state.filter_percent, "filter_by": state.filter_by}
    head |= {n: list(getattr(state if hasattr(state, n) else layout, n).items()) for n in OF_CATEGORIES}
    head |= {"rejected": sorted(layout.rejected), "ids": ids, "lengths": [len(column) for column in columns]}
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join([struct.pack("<q", len(text)), text, *(column.tobytes() for column in columns)])


def from_bytes(stored: bytes, version: int) -> Decisions:
    """The state back from `to_bytes`.

    Raises:
        WorkspaceError: it was written by another version of the program.
    """
    (length,) = struct.unpack_from("<q", stored)
    head = json.loads(stored[8 : 8 + length])
    if head["format"] != FORMAT:
        raise WorkspaceError(f"stored state of format {head['format']}: this program reads {FORMAT}")
    names = [*PROPOSAL_MAPS, *PROPOSAL_SETS]
    columns = _columns(
        stored[8 + length :], [INDEX] * len(names) + [NUMBERS[n] for n in PROPOSAL_MAPS], head["lengths"]
    )
    ids = head["ids"].__getitem__
    listed = dict(zip(names, (map(ids, column) for column in columns), strict=False))
    values = dict(zip(PROPOSAL_MAPS, columns[len(names) :], strict=True))
    of_proposals: dict[str, Any] = {n: LayeredMap(zip(listed[n], values[n], strict=True)) for n in PROPOSAL_MAPS}
    of_proposals |= {n: LayeredSet(listed[n]) for n in PROPOSAL_SETS}
    percents, named, into, made = ({int(k): value for k, value in head[n]} for n in OF_CATEGORIES)
    layout = Layout(into=into, made=made, rejected=frozenset(head["rejected"]), **of_proposals)
    return Decisions(version, head["filter_percent"], percents, named, head["filter_by"], layout)


def _columns(stored: bytes, kinds: Iterable[str], lengths: Iterable[int]) -> list[array[Any]]:
    found, at = [], 0
    for kind, length in zip(kinds, lengths, strict=True):
        column: array[Any] = array(kind)
        end = at + length * column.itemsize
        column.frombytes(stored[at:end])
        found.append(column)
        at = end
    return found
