"""What the Compare page shows of two rounds: scores or agreement, what changed, shared selections. No Streamlit."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.data import round_data
from app.data.colouring import Colouring, category_colours
from app.data.palette import UNASSIGNED, colours
from app.data.run_cache import Held, rounds_of, view_of
from app.data.score_data import MatchingName
from comus_core.datasets.records import GroundTruth
from comus_core.evaluation.class_bootstrap import ClassDifferences, joined, paired_class_bootstrap
from comus_core.evaluation.error_map import error_map, predicted_classes
from comus_core.evaluation.matching import match
from comus_core.runs.proposal_table import chosen
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView
from comus_core.runs.trained_categories import trained_names
from comus_core.scoring.round_agreement import agreement_rows, clusters_mask
from comus_core.scoring.round_scoring import ScoredRound
from comus_core.types import BoolMask, FloatArray, ImageId, IndexMask, IntArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.selections import Selection

Side = Literal["first", "second"]
NO_CLASS_COLOUR = "#b39b7d"  # of clusters that stand for no class
_bootstraps: Held[ClassDifferences] = Held(12)
_agreements: Held[ScoredRound] = Held(6)
_begun: set[Hashable] = set()


@dataclass(frozen=True, eq=False)
class Round:
    """A round opened: its run, and what is decided there."""

    one: RunRound
    view: RunView

    @property
    def key(self) -> str:
        """RUN@0 or TRAINING@1."""
        return round_data.key_of(self.one)

    @property
    def decided(self) -> Decisions:
        """As it is now."""
        return self.view.workspace.decisions_of(self.view.run)

    @property
    def version(self) -> str:
        """Fingerprint of its masks."""
        if self.one.training is None:
            return f"{self.view.run.artifacts['clustering']}.{self.decided.layout_version}"
        return self.one.training.artifacts[f"predictions-{self.one.number}"]

    @property
    def names(self) -> tuple[str, ...]:
        """(C,) of its categories."""
        training = self.one.training
        return trained_names(training, self.decided) if training else self.view.labels(self.decided).names

    def image_ids(self) -> list[ImageId]:
        """The images that it has masks of, sorted."""
        training = self.one.training
        return sorted(map(str, self.view.image_ids)) if training is None else rounds_of(training).image_ids

    def mask(self, image_id: ImageId) -> IndexMask:
        """(H, W), 0 background, category + 1."""
        training = self.one.training
        if training is None:
            return clusters_mask(self.view, self.decided, image_id)
        return rounds_of(training).mask(self.one.number, image_id)


def opened(one: RunRound) -> Round:
    """A round with its run opened."""
    return Round(one, view_of(one.run))


def classes_mask(found: Round, scored: ScoredRound, image_id: ImageId) -> IntArray:
    """(H, W) classes of the ground truth; −1 = no class."""
    return predicted_classes(found.mask(image_id), scored.matched.class_of)


def errors(found: Round, scored: ScoredRound, truth: GroundTruth, image_id: ImageId) -> IndexMask:
    """Where it is wrong, see `error_map`."""
    return error_map(found.mask(image_id), truth.mask(image_id), scored.matched.class_of, truth.ignore)


def gained(first: ScoredRound, second: ScoredRound) -> tuple[list[ImageId], FloatArray]:
    """The images, and how many points of their own IoU the second is above the first.

    Raises:
        SettingsError: other images.
    """
    order = joined(first.pixels, second.pixels)
    return list(first.rows.image_ids), second.pixels.ious[order] - first.pixels.ious


def bootstrap(first: ScoredRound, second: ScoredRound, key: Hashable, *, begin: bool) -> ClassDifferences | None:
    """Intervals of the differences; computed once asked for by `begin`, and then held."""
    if begin:
        _begun.add(key)
    if key not in _begun:
        return None
    return _bootstraps.get(key, lambda: paired_class_bootstrap(first.pixels, second.pixels))


def agreement(first: Round, second: Round, *, begin: bool) -> ScoredRound | None:
    """How far the second's masks agree with the first's; reads all masks once, when asked for by `begin`."""
    key = ("agreement", str(first.view.workspace.root), first.key, first.version, second.key, second.version)
    if begin:
        _begun.add(key)
    return _agreements.get(key, lambda: _agreement(first, second)) if key in _begun else None


def _agreement(first: Round, second: Round) -> ScoredRound:
    shared = sorted(set(first.image_ids()) & set(second.image_ids()))
    rows = agreement_rows(shared, first.mask, second.mask, (len(first.names), len(second.names)))
    dataset, classes = first.one.dataset, distinct(("background", *first.names))
    matched = match(rows.contingency, "hungarian")
    return ScoredRound(second.one, dataset, classes, second.names, rows, matched)


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, with its number behind each that occurred before."""
    found: list[str] = []
    for number, name in enumerate(names):
        found.append(name if name not in found else f"{name} ({number - 1})")
    return tuple(found)


def selected(drawn: Round, other: Round, selection: Selection) -> BoolMask:
    """(n,) which proposals of the other run belong to a selection drawn on a map of `drawn`.

    By their ids where both runs have the very same proposals, else those of the same images.
    """
    mine = chosen(drawn.view, selection)
    if drawn.view.run.id == other.view.run.id:
        return mine
    if drawn.view.run.artifacts["proposals"] == other.view.run.artifacts["proposals"]:
        ids = set(drawn.view.proposals.proposal_id[mine])
        return np.array([p in ids for p in other.view.proposals.proposal_id], bool)
    images = images_of(drawn, selection)
    return np.array([i in images for i in other.view.proposals.image_id], bool)


def images_of(drawn: Round, selection: Selection) -> set[ImageId]:
    """The images that the selected proposals lie in."""
    return set(drawn.view.proposals.image_id[chosen(drawn.view, selection)])


def map_colouring(found: Round, scored: ScoredRound | None) -> Colouring:
    """The clusters of a run in the colours of the classes that they stand for, the same on both maps; else their own.

    Args:
        found: a round; its map is that of its run's proposals.
        scored: the score of that run's clusters, None without ground truth.
    """
    categories = found.view.categories(found.decided)
    if scored is None:
        names = found.view.labels(found.decided).names
        return Colouring(names, tuple(category_colours(categories.ids)), "unassigned", categories.category)
    n, class_of = len(scored.classes), np.asarray(scored.matched.class_of)
    index = np.where(class_of < 0, n, class_of)[categories.category + 1]
    palette = (UNASSIGNED, *colours(n - 1), NO_CLASS_COLOUR)
    index = np.where(categories.category >= 0, index, -1).astype(np.int32)
    return Colouring((*scored.classes, "no class"), palette, "unassigned", index)


def clusters_score(found: Round, matching: MatchingName) -> ScoredRound | None:
    """The score of a run's clusters, None without ground truth."""
    if not found.view.has_truth:
        return None
    return round_data.scored(found.view, RunRound(found.view.run, 0), matching)
