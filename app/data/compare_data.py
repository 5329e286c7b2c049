"""What the Compare page shows of two rounds: scores or agreement, what changed, shared selections. No Streamlit."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal

import numpy as np

from app.data import round_data
from app.data.colouring import Colouring, category_colours
from app.data.palette import UNASSIGNED, colours
from app.data.run_cache import Held, view_of
from app.data.score_data import MatchingName
from comus_core.datasets.records import GroundTruth
from comus_core.evaluation.bootstrap import PairedBootstrap, paired_bootstrap
from comus_core.evaluation.error_map import error_map, predicted_classes
from comus_core.runs.opened_round import OpenedRound
from comus_core.runs.proposal_table import chosen
from comus_core.runs.run_round import RunRound
from comus_core.scoring.round_agreement import agreement_of
from comus_core.scoring.scored_round import ScoredRound
from comus_core.types import BoolMask, FloatArray, ImageId, IndexMask, IntArray
from comus_core.workspace.selections import Selection

Side = Literal["first", "second"]
NO_CLASS_COLOUR = "#b39b7d"  # of clusters that stand for no class
_bootstraps: Held[PairedBootstrap] = Held(12)
_agreements: Held[ScoredRound] = Held(6)
_rounds: Held[OpenedRound] = Held(6)
_begun: set[Hashable] = set()


def opened(one: RunRound) -> OpenedRound:
    """A round with its run opened."""
    view = view_of(one.run)
    artifacts = [sorted(part.artifacts.items()) for part in (one.run, one.training) if part is not None]
    key = (str(view.workspace.root), one.key, str(artifacts))
    return _rounds.get(key, lambda: OpenedRound(one, view))


def classes_mask(opened: OpenedRound, scored: ScoredRound, image_id: ImageId) -> IntArray:
    """(H, W) classes of the ground truth; −1 = no class."""
    return predicted_classes(opened.mask(image_id), scored.matched.class_of)


def errors(opened: OpenedRound, scored: ScoredRound, truth: GroundTruth, image_id: ImageId) -> IndexMask:
    """Where it is wrong, see `error_map`."""
    return error_map(opened.mask(image_id), truth.mask(image_id), scored.matched.class_of, truth.ignore)


def gained(first: ScoredRound, second: ScoredRound) -> tuple[list[ImageId], FloatArray]:
    """The images, and how many points of their own IoU the second is above the first.

    Raises:
        SettingsError: other images.
    """
    one, two = first.rows, second.rows
    order = one.paired(two)
    return list(one.image_ids), second.pixels.ious[order] - first.pixels.ious


def bootstrap(first: ScoredRound, second: ScoredRound, key: Hashable, *, begin: bool) -> PairedBootstrap | None:
    """Intervals of the differences, as `comus compare` gives them; computed once, when asked for by `begin`."""
    if begin:
        _begun.add(key)
    if key not in _begun:
        return None
    return _bootstraps.get(key, lambda: paired_bootstrap(first.counted, second.counted))


def agreement(first: OpenedRound, second: OpenedRound, *, begin: bool) -> ScoredRound | None:
    """How far the second's masks agree with the first's; all masks are read once, when asked for by `begin`."""
    key = (
        "agreement",
        str(first.view.workspace.root),
        first.subject.key,
        first.version,
        second.subject.key,
        second.version,
    )
    if begin:
        _begun.add(key)
    return _agreements.get(key, lambda: agreement_of(first, second)) if key in _begun else None


def selected(drawn: OpenedRound, other: OpenedRound, selection: Selection) -> BoolMask:
    """(n,) which proposals of the other run belong to a selection drawn on a map of `drawn`.

    By their ids where both runs have the very same proposals, else those of the same images.
    """
    mine = chosen(drawn.view, selection)
    if drawn.view.run.id == other.view.run.id:
        return mine
    if same_proposals(drawn, other):
        ids = set(drawn.view.proposals.proposal_id[mine])
        return np.array([p in ids for p in other.view.proposals.proposal_id], bool)
    images = images_of(drawn, selection)
    return np.array([i in images for i in other.view.proposals.image_id], bool)


def same_proposals(one: OpenedRound, other: OpenedRound) -> bool:
    """Whether two runs have the very same proposals."""
    return one.view.run.artifacts["proposals"] == other.view.run.artifacts["proposals"]


def images_of(drawn: OpenedRound, selection: Selection) -> set[ImageId]:
    """The images that the selected proposals lie in."""
    return set(drawn.view.proposals.image_id[chosen(drawn.view, selection)])


def map_colouring(opened: OpenedRound, scored: ScoredRound | None) -> Colouring:
    """The clusters of a run in the colours of the classes that they stand for, the same on both maps; else their own.

    Args:
        opened: a round; its map is that of its run's proposals.
        scored: the score of that run's clusters, None without ground truth.
    """
    categories = opened.view.categories(opened.decided)
    if scored is None:
        names = opened.view.labels(opened.decided).names
        return Colouring(names, tuple(category_colours(categories.ids)), "unassigned", categories.category)
    n, class_of = len(scored.classes), np.asarray(scored.matched.class_of)
    index = np.where(class_of < 0, n, class_of)[categories.category + 1]
    palette = (UNASSIGNED, *colours(n - 1), NO_CLASS_COLOUR)
    index = np.where(categories.category >= 0, index, -1).astype(np.int32)
    return Colouring((*scored.classes, "no class"), palette, "unassigned", index)


def clusters_score(opened: OpenedRound, matching: MatchingName) -> ScoredRound | None:
    """The score of a run's clusters, None without ground truth."""
    if not opened.view.has_truth:
        return None
    return round_data.scored(opened.view, RunRound(opened.view.run, 0), matching)
