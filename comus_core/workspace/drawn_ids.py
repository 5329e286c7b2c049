"""Ids of objects that a person drew: `image_id#d1`, beside the `image_id#0` of proposals; of one run's clustering."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from comus_core.text import counted

DRAWN_ID = re.compile(r"(?s:.+)#d[1-9][0-9]{0,5}")


def drawn_id(image_id: str, number: int) -> str:
    """The id of the drawn object of that number, from 1."""
    return f"{image_id}#d{number}"


def is_drawn_id(object_id: str) -> bool:
    """Whether it is an id of a drawn object, not of a proposal."""
    return "#d" in object_id and DRAWN_ID.fullmatch(object_id) is not None


def number_of(object_id: str) -> int:
    """The number in the id of a drawn object."""
    return int(object_id.rpartition("#d")[2])


def named_object(object_id: str) -> str:
    """`proposal 2007_000032#0` or `drawn object 2007_000032#d1`."""
    return f"{'drawn object' if is_drawn_id(object_id) else 'proposal'} {object_id}"


def counted_objects(ids: Sequence[str]) -> str:
    """`12 proposals`, `1 drawn object`, or `12 proposals and 1 drawn object`."""
    drawn = sum(map(is_drawn_id, ids))
    own, also = counted(len(ids) - drawn, "proposal"), counted(drawn, "drawn object")
    if drawn == 0:
        return own
    return also if drawn == len(ids) else f"{own} and {also}"


def next_number(image_id: str, drawn: Iterable[str]) -> int:
    """The number of the next object drawn in an image; erased ones keep theirs."""
    start = f"{image_id}#d"
    return 1 + max((number_of(i) for i in drawn if i.startswith(start) and is_drawn_id(i)), default=0)
