"""What the map shows of each proposal: its category or a value, its label and its colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.data.colour_scale import Scale, level_colours, levels_of
from app.data.map_choices import CHANGE_ROUND, CHANGE_RUN, COLOURINGS, PREDICTION
from app.data.palette import CORE, FILTERED, OTHER, UNASSIGNED, colours
from app.data.run_cache import Held
from comus_core.errors import WorkspaceError
from comus_core.runs.proposal_predictions import BACKGROUND, NO_MASK, has_predictions, predicted_of
from comus_core.runs.round_masks import categories_of_rounds, names_of_rounds, rounds_of
from comus_core.runs.run_diff import category_in, changes, comparable
from comus_core.runs.run_view import RunView
from comus_core.types import FloatArray, IntArray
from comus_core.workspace import Run
from comus_core.workspace.artifacts import digest
from comus_core.workspace.decisions import Decisions

MOST = 120  # categories with a colour of their own on the map; the smaller ones share one
SAME, CHANGED, GONE = "#56b4e9", "#d55e00", "#cc79a7"  # apart for colour-blind eyes


@dataclass(frozen=True, eq=False)
class Colouring:
    """One way to colour n proposals.

    Attributes:
        names: C names; of a scale, none.
        colours: C colours `#rrggbb`; of a scale, one for each of its levels.
        unassigned: the label of a proposal without a category.
        index: (n,) int32 the category, or the level on the scale; −1 without.
        scale: of a colouring by a value; None by category.
        words_of: row -> its label where that is more than its category's name.
        ids: C ids of the categories, to which proposals can be moved, −1 for `Other`; none where it shows other things.
    """

    names: tuple[str, ...]
    colours: tuple[str, ...]
    unassigned: str
    index: IntArray
    scale: Scale | None = None
    words_of: Callable[[int], str] | None = None
    ids: tuple[int, ...] = ()

    def name(self, row: int) -> str:
        """The label of a proposal."""
        index = int(self.index[row])
        if index < 0:
            return self.unassigned
        return self.words_of(row) if self.words_of else self.names[index]

    def colour(self, row: int) -> str:
        """A proposal's colour."""
        return self.colours[int(self.index[row])] if self.index[row] >= 0 else UNASSIGNED

    def on_map(self) -> Colouring:
        """The same with at most `MOST` categories and `Other`: the small ones beyond share one name and colour."""
        if self.scale is not None or len(self.names) <= MOST:
            return self
        count = np.bincount(self.index[self.index >= 0], minlength=len(self.names))
        large = np.sort(np.argsort(-count, kind="stable")[:MOST])
        number = np.full(len(self.names) + 1, MOST, np.int32)
        number[large], number[-1] = np.arange(MOST), -1  # −1 finds the last
        names = (*(self.names[k] for k in large), f"Other ({len(self.names) - MOST:,} categories)")
        palette = (*(self.colours[k] for k in large), OTHER)
        ids = (*(self.ids[k] for k in large), -1) if self.ids else ()
        return replace(self, names=names, colours=palette, index=number[self.index], ids=ids)


_held: Held[Colouring] = Held(6)  # those that read whole tables


def offered(view: RunView) -> dict[str, str]:
    """What the map of this run can be coloured by: value -> words."""
    fixed = {by: words for by, words in COLOURINGS.items() if by != "truth" or view.has_truth}
    rounds = [k for k in rounds_of(view) if has_predictions(view, k)]
    predicted = {f"{PREDICTION}{k}": f"Prediction of round {k}" for k in rounds}
    changed = {f"{CHANGE_ROUND}{k}": f"Change: clusters to round {k}" for k in rounds}
    runs = {f"{CHANGE_RUN}{run.id}": f"Change: to run {run.name}" for run in comparable(view)}
    return fixed | predicted | changed | runs


def colouring(view: RunView, by: str, decided: Decisions) -> Colouring:
    """Colour by one of `offered(view)`.

    `truth` is the class that fills most of a proposal, a prediction the category that a round gives most of its pixels;
    a change compares the category with that of a round or of another run.

    Raises:
        WorkspaceError: there is no such colouring of this run.
    """
    if by.startswith((PREDICTION, CHANGE_ROUND, CHANGE_RUN)):
        identity = (str(view.workspace.root), view.run.id, by)
        key = (*identity, colouring_version(view, by, decided), decided.version)
        return _held.get(key, lambda: _compared(view, by, decided))
    if by not in COLOURINGS:
        raise WorkspaceError(f"colouring '{by[:40]}' is unknown: choose one of {', '.join(offered(view))}")
    categories = view.categories(decided)
    category = categories.category
    if by == "truth":
        shades = (UNASSIGNED, *colours(len(view.classes) - 1)) if view.classes else ()
        return Colouring(view.classes, shades, "not labelled", view.truth_class_of(decided))
    if by == "core":
        index = np.where(category >= 0, np.where(view.kept(decided), 0, 1), -1)
        return Colouring(("core", "filtered"), (CORE, FILTERED), "unassigned", index.astype(np.int32))
    if by == "cluster":
        names, palette = view.labels(decided).names, tuple(category_colours(categories.ids))
        return Colouring(names, palette, "unassigned", category, ids=tuple(categories.ids))
    return _by_value(*_values(view, by, decided))


def colouring_version(view: RunView, by: str, decided: Decisions) -> str:
    """Fingerprint of what a colouring is made from."""
    own = f"{view.run.artifacts.get('clustering', '')}.{decided.layout_version}"
    if by.startswith(PREDICTION):
        return f"{view.run.artifacts['proposals']}.{_masks(view, by, PREDICTION)}" + _drawn(decided)
    if by.startswith(CHANGE_ROUND):
        return f"{own}.{_masks(view, by, CHANGE_ROUND)}"
    if by.startswith(CHANGE_RUN):
        other = _other(view, by)
        theirs = view.workspace.decisions_of(other)
        return f"{own}.{other.artifacts['clustering']}.{theirs.version}"
    if by in ("confidence", "size"):
        return view.run.artifacts["proposals"] + _drawn(decided)
    if by == "core":
        return f"{view.run.artifacts.get('clustering', '')}.{decided.version}"
    return view.run.artifacts.get("counts", "") + _drawn(decided) if by == "truth" else own


def _drawn(decided: Decisions) -> str:
    """What differs where a person drew other masks."""
    redrawn = decided.layout.redrawn
    return f".{digest(sorted(redrawn.items()))[:8]}" if redrawn else ""


def category_colours(ids: Sequence[int]) -> list[str]:
    """Colours of the categories with these ids: a category keeps its own while others are merged or rejected."""
    sequence = colours(max(ids, default=-1) + 1)
    return [sequence[k] for k in ids]


def truth_colours(view: RunView) -> list[str]:
    """Colours of the foreground classes 1…n−1, the same on the map and in the layers."""
    return colours(max(len(view.classes) - 1, 0))


def _compared(view: RunView, by: str, decided: Decisions) -> Colouring:
    """A colouring by comparison with another run or a round."""
    if by.startswith(PREDICTION):
        return _predicted(view, _round(view, by, PREDICTION), decided)
    if by.startswith(CHANGE_ROUND):
        return _changed_by_round(view, _round(view, by, CHANGE_ROUND), decided)
    return _changed_by_run(view, by, decided)


def _values(view: RunView, by: str, decided: Decisions) -> tuple[FloatArray, Scale]:
    """(n,) values, NaN where there is none, and the scale that they are shown on."""
    if by == "confidence":
        return view.proposals.score, Scale.over(view.proposals.score, "Saliency confidence", "")
    if by == "size":
        area = 100 * view.masks(decided).area / np.maximum(np.prod(view.proposals.size_hw.astype(np.int64), axis=1), 1)
        return area, Scale.over(area, "Share of the image", "%", even_ratios=True)
    categories = view.categories(decided)
    distance = np.where(categories.category >= 0, categories.distance, np.nan)
    return distance, Scale.over(distance, "Cosine distance to the centre", "")


def _by_value(values: FloatArray, scale: Scale) -> Colouring:
    def words(row: int) -> str:
        return scale.words(float(values[row]))

    return Colouring((), level_colours(), "no value", levels_of(values, scale), scale, words)


def _predicted(view: RunView, number: int, decided: Decisions) -> Colouring:
    index = predicted_of(view, number, decided)
    names, ids = names_of_rounds(view, decided), categories_of_rounds(view)
    index = np.where(index == NO_MASK, -1, np.where(index == BACKGROUND, len(ids), index)).astype(np.int32)
    return Colouring((*names, "background"), (*category_colours(ids), OTHER), "not predicted", index)


def _changed_by_round(view: RunView, number: int, decided: Decisions) -> Colouring:
    into = decided.layout.into  # what was merged since the training goes by its present category
    categories, ids = view.categories(decided), np.array([*(into.get(k, k) for k in categories_of_rounds(view)), -1])
    predicted = predicted_of(view, number, decided)
    round_ids = ids[np.maximum(predicted, BACKGROUND)]
    own = np.where(categories.category >= 0, categories.id_of, -1)
    index = changes(own, round_ids, predicted != NO_MASK)

    def words(row: int) -> str:
        names = [decided.name_of(int(k)) if k >= 0 else "background" for k in (own[row], round_ids[row])]
        return names[0] if index[row] == 0 else " → ".join(names)

    return _changed(index, ("same as its cluster", "another category", "background"), "not predicted", words)


def _changed_by_run(view: RunView, by: str, decided: Decisions) -> Colouring:
    number, names, matched = category_in(view, _other(view, by), decided)
    own = view.categories(decided).category
    same = (own == matched) & (own >= 0)
    index = np.where(number < 0, changes(own, number), np.where(same, 0, 1)).astype(np.int32)

    def words(row: int) -> str:
        name = decided.name_of(view.categories(decided).ids[own[row]]) if own[row] >= 0 else "no cluster"
        return f"{name} → {names[number[row]] if number[row] >= 0 else 'no cluster'}"

    return _changed(index, ("same cluster", "another cluster", "no cluster"), "unknown", words)


def _changed(index: IntArray, names: tuple[str, ...], unassigned: str, words: Callable[[int], str]) -> Colouring:
    return Colouring(names, (SAME, CHANGED, GONE), unassigned, index, words_of=words)


def _round(view: RunView, by: str, prefix: str) -> int:
    rounds, number = rounds_of(view), by.removeprefix(prefix)
    if not number.isdecimal() or int(number) not in rounds:
        numbers = ", ".join(map(str, rounds)) or "none"
        raise WorkspaceError(f"colouring '{by[:40]}': this run has masks of these rounds: {numbers}")
    return int(number)


def _masks(view: RunView, by: str, prefix: str) -> str:
    return rounds_of(view)[_round(view, by, prefix)].fingerprint


def _other(view: RunView, by: str) -> Run:
    run_id = by.removeprefix(CHANGE_RUN)
    other = next((run for run in comparable(view) if run.id == run_id), None)
    if other is None:
        raise WorkspaceError(f"colouring '{by[:60]}': no other run of the same proposals has this id")
    return other
