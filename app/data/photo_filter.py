"""Which images of a run the image grid shows: named predicates over its proposals and its images. No Streamlit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from app.data.run_cache import Held
from comus_core.runs.proposal_predictions import BACKGROUND, NO_MASK, has_predictions, predicted_of
from comus_core.runs.round_masks import categories_of_rounds, rounds_of, training_of_rounds
from comus_core.runs.run_view import RunView
from comus_core.types import BoolMask, IntArray
from comus_core.workspace.decisions import Decisions

Values = Mapping[str, str]  # a predicate's name -> what it is to be
NONE = "none"
FULL = (0, 100)  # of the confidence, in percent: every proposal
_IN_ADDRESS, _BETWEEN = "~", "_"


@dataclass(frozen=True)
class Predicate:
    """One condition; of proposals (an image is shown if one of its proposals meets all of these) or of images.

    Attributes:
        name: in the address.
        pattern: of its values.
        of: what `mask` has a row for.
        mask: (n,) of the proposals or (m,) of the images, which ones meet it.
        offered: whether this run has what it needs.
    """

    name: str
    pattern: str
    of: str
    mask: Callable[[RunView, Decisions, str], BoolMask]
    offered: Callable[[RunView], bool] = lambda _: True


@dataclass(frozen=True, eq=False)
class Filtered:
    """What a filter lets through.

    Attributes:
        images: (k,) rows of images, ascending.
        proposals: (n,) the proposals that meet the conditions of proposals.
        drawn: (m,) the drawn objects that meet them.
    """

    images: IntArray
    proposals: BoolMask
    drawn: BoolMask

    def proposals_in(self, view: RunView, images: Iterable[int]) -> IntArray:
        """Rows of the proposals of these images that meet the conditions."""
        chosen = np.zeros(len(view.image_ids), bool)
        chosen[list(images)] = True
        rows: IntArray = np.flatnonzero(self.proposals & chosen[view.image_row])
        return rows

    def objects_in(self, view: RunView, decided: Decisions, images: Iterable[int]) -> IntArray:
        """The same, and after them those of the drawn objects, as in `DecidedObjects`; `decided` as it was filtered."""
        images = list(images)
        of_drawn = [view.image_row_of[str(i)] for i in view.drawn(decided).proposals.image_id]
        drawn = np.flatnonzero(self.drawn & np.isin(of_drawn, images))
        return np.concatenate([self.proposals_in(view, images), len(view) + drawn])


def _category(view: RunView, decided: Decisions, value: str) -> BoolMask:
    categories = view.categories(decided)
    if value == NONE:
        return np.asarray((categories.category < 0) & ~categories.erased & ~categories.excluded)
    wanted = decided.layout.into.get(int(value), int(value))
    return np.asarray((categories.id_of == wanted) & (categories.category >= 0))


def _confidence(view: RunView, _: Decisions, value: str) -> BoolMask:
    low, high = span_of(value)
    score = 100 * np.asarray(view.proposals.score, np.float64)
    return np.asarray((score >= low) & (score <= high))


def _side(view: RunView, decided: Decisions, value: str) -> BoolMask:
    kept = view.kept(decided)
    return kept if value == "core" else np.asarray((view.categories(decided).category >= 0) & ~kept)


def _without(view: RunView, decided: Decisions, _: str) -> BoolMask:
    there, drawn = ~view.categories(decided).erased, view.drawn(decided)
    empty = np.bincount(view.image_row[there], minlength=len(view.image_ids)) == 0
    return np.asarray(empty & ~_images_with_drawn(view, decided, ~drawn.erased))


def _disagrees(view: RunView, decided: Decisions, _: str) -> BoolMask:
    """Images with a kept proposal, most of whose pixels the last round predicts as something else."""
    predicted = predicted_of(view, last_round(view) or 0, decided)
    into = decided.layout.into
    ids = np.array([*(into.get(k, k) for k in categories_of_rounds(view)), -1])
    differs = (ids[np.maximum(predicted, BACKGROUND)] != view.categories(decided).id_of) & (predicted != NO_MASK)
    return _images_of(view, np.asarray(differs & view.kept(decided)))


def _excluded(view: RunView, decided: Decisions, _: str) -> BoolMask:
    return view.is_excluded(decided)


# One entry a condition.
PREDICATES: tuple[Predicate, ...] = (
    Predicate("category", rf"\d{{1,9}}|{NONE}", "proposals", _category),
    Predicate("confidence", r"\d{1,3}-\d{1,3}", "proposals", _confidence),
    Predicate("side", "core|filtered", "proposals", _side),
    Predicate("proposals", NONE, "images", _without),
    Predicate("excluded", "yes", "images", _excluded),
    Predicate("student", "disagrees", "images", _disagrees, lambda view: last_round(view) is not None),
)
_BY_NAME = {one.name: one for one in PREDICATES}


def last_round(view: RunView) -> int | None:
    """The last trained round whose prediction of each proposal is stored; None if there is none."""
    return max((number for number in rounds_of(view) if has_predictions(view, number)), default=None)


def offered(view: RunView) -> tuple[str, ...]:
    """Names of the conditions that this run can be filtered by."""
    return tuple(one.name for one in PREDICATES if one.offered(view))


def from_text(text: str) -> dict[str, str]:
    """The conditions in an address; what is unknown or malformed is ignored."""
    pairs = (part.partition(_BETWEEN)[::2] for part in text.split(_IN_ADDRESS))
    return {n: v for n, v in pairs if n in _BY_NAME and re.fullmatch(_BY_NAME[n].pattern, v)}


def to_text(values: Values) -> str:
    """The conditions for an address, always in the same order; '' for none."""
    return _IN_ADDRESS.join(f"{one.name}{_BETWEEN}{values[one.name]}" for one in PREDICATES if values.get(one.name))


def span_of(value: str) -> tuple[int, int]:
    """The lowest and the highest confidence in percent that a value means; all for ''."""
    if not value:
        return FULL
    low, high = sorted(min(int(part), FULL[1]) for part in value.split("-"))
    return low, high


def span_text(low: float, high: float) -> str:
    """The value of a span of confidence; '' for all."""
    return "" if (low, high) == FULL else f"{low:.0f}-{high:.0f}"


_held: Held[Filtered] = Held(8)


def filtered(view: RunView, decided: Decisions, values: Values) -> Filtered:
    """The images that meet all conditions; a condition that the run does not offer is ignored."""
    return _held.get(version_of(view, decided, values), lambda: _filter(view, decided, values))


def version_of(view: RunView, decided: Decisions, values: Values) -> str:
    """What the list of images, and the look of each, depend on."""
    training = training_of_rounds(view) if "student" in values else None
    rounds = "" if training is None else f"{crc32(str(sorted(training.artifacts.items())).encode()):x}"
    return f"{view.workspace.root}.{view.run.artifacts['clustering']}.{decided.version}.{rounds}.{to_text(values)}"


def look_of(view: RunView, decided: Decisions, image_row: int) -> str:
    """A short name of how an image's masks are drawn: it differs where a category, a side of the filter or a mask does.

    So a decision draws anew the images that it is about, and no other.
    """
    rows = view.rows_of_image.get(str(view.image_ids[image_row]), [])
    categories = view.categories(decided)
    core = view.kept(decided)
    ids, redrawn = view.proposals.proposal_id, decided.layout.redrawn
    drawn = [
        (int(categories.id_of[r]) if categories.category[r] >= 0 else -1, bool(core[r]), redrawn.get(str(ids[r])))
        for r in rows
    ]
    objects = view.drawn(decided)
    for row in objects.of_image(str(view.image_ids[image_row])):
        drawn.append((int(objects.id_of[row]), bool(objects.category[row] >= 0), redrawn.get(str(objects.ids[row]))))
    made_of = [view.run.artifacts.get(kind, "") for kind in ("proposals", "clustering")]
    return f"{crc32(repr([made_of, drawn]).encode()):x}"


def page_json(view: RunView, decided: Decisions, found: Filtered, start: int, count: int) -> list[list[object]]:
    """A part of the list: of each image row, id, width by height, look, number of objects meant, 1 if excluded."""
    rows = found.images[start : start + count]
    meant, drawn = found.proposals, view.drawn(decided)
    page: list[list[object]] = []
    for row in (int(r) for r in rows):
        image_id, (height, width) = str(view.image_ids[row]), view.image_sizes[row]
        number = sum(bool(meant[r]) for r in view.rows_of_image.get(image_id, []))
        number += sum(bool(found.drawn[r]) for r in drawn.rows_of_image.get(image_id, []))
        ratio, excluded = round(float(width / height), 3), int(image_id in decided.layout.excluded)
        page.append([row, image_id, ratio, look_of(view, decided, row), number, excluded])
    return page


def to_ranges(numbers: Iterable[int]) -> str:
    """Numbers as short text, such as `3-7.12`; '' for none."""
    ordered = np.unique(np.fromiter(numbers, np.int64))
    if not len(ordered):
        return ""
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1)
    return ".".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def from_ranges(text: str, below: int) -> IntArray:
    """The numbers of such a text from 0 up to `below`, ascending; what is malformed is ignored."""
    chosen = np.zeros(max(below, 0), bool)
    for low, high in re.findall(r"(?:^|\.)(\d{1,9})(?:-(\d{1,9}))?(?=\.|$)", text):
        chosen[int(low) : int(high or low) + 1] = True
    numbers: IntArray = np.flatnonzero(chosen)
    return numbers


def _images_with_drawn(view: RunView, decided: Decisions, some: BoolMask) -> BoolMask:
    """(m,) the images of some of the drawn objects."""
    images = np.zeros(len(view.image_ids), bool)
    images[[view.image_row_of[str(i)] for i in view.drawn(decided).proposals.image_id[some]]] = True
    return images


def _drawn_meant(view: RunView, decided: Decisions, values: Values) -> BoolMask:
    """(k,) which drawn objects meet the conditions on proposals: they are always core, and have no confidence."""
    drawn = view.drawn(decided)
    meant = np.ones(len(drawn), bool)
    if "category" in values and values["category"] == NONE:
        excluded = view.is_excluded(decided)[[view.image_row_of[str(i)] for i in drawn.proposals.image_id]]
        meant &= (drawn.category < 0) & ~drawn.erased & ~excluded
    elif "category" in values:
        number = int(values["category"])
        meant &= (drawn.id_of == decided.layout.into.get(number, number)) & (drawn.category >= 0)
    if "side" in values:
        meant &= (drawn.category >= 0) & (values["side"] == "core")
    return meant if "confidence" not in values else np.zeros(len(drawn), bool)


def _images_of(view: RunView, proposals: BoolMask) -> BoolMask:
    """(m,) the images of some proposals."""
    return np.asarray(np.bincount(view.image_row[proposals], minlength=len(view.image_ids)) > 0)


def _filter(view: RunView, decided: Decisions, values: Values) -> Filtered:
    images, proposals = np.ones(len(view.image_ids), bool), np.ones(len(view), bool)
    of_proposals = False
    for name in set(values) & set(offered(view)):
        one = _BY_NAME[name]
        mask = one.mask(view, decided, values[name])
        if one.of == "images":
            images &= mask
        else:
            of_proposals, proposals = True, proposals & mask
    drawn = _drawn_meant(view, decided, values)
    if of_proposals:
        images &= _images_of(view, proposals) | _images_with_drawn(view, decided, drawn)
    return Filtered(np.flatnonzero(images), proposals, drawn)
