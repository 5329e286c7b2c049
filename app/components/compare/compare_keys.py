"""What the colours of the masks and error maps on the Compare page mean."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np

from app.components.scores.score_figures import NO_CLASS
from app.data import compare_data
from app.data.colouring import category_colours
from app.data.palette import colours
from app.server.training_routes import ERROR_COLOURS, ERROR_WORDS, IGNORED_COLOUR
from comus_core.datasets.records import GroundTruth
from comus_core.runs.opened_round import OpenedRound
from comus_core.runs.trained_categories import trained_ids
from comus_core.scoring.scored_round import ScoredRound
from comus_core.types import ImageId

Key = tuple[str, str]  # colour, words


def of_classes(
    rounds: Sequence[OpenedRound], scores: Sequence[ScoredRound], truth: GroundTruth | None, image_id: ImageId
) -> str:
    """Masks in the colours of classes: those in any of them or in the truth, and the kinds of error beside a truth."""
    present = set(np.unique(truth.mask(image_id)).tolist()) if truth is not None else set()
    for opened, scored in zip(rounds, scores, strict=True):
        present |= set(np.unique(compare_data.classes_mask(opened, scored, image_id)).tolist())
    names = scores[0].classes
    palette = colours(len(names) - 1)
    classes = [(palette[k - 1], names[k]) for k in sorted(present) if 0 < k < len(names)]
    classes += [(IGNORED_COLOUR, NO_CLASS)] if -1 in present else []
    kinds = {**ERROR_COLOURS, **{kind: IGNORED_COLOUR for kind in ERROR_WORDS if kind not in ERROR_COLOURS}}
    errors = [(kinds[kind], words) for kind, words in ERROR_WORDS.items()] if truth is not None else []
    return html_of({"Errors": errors, "Classes": classes})


def of_categories(sides: Mapping[str, OpenedRound], image_id: ImageId) -> str:
    """Without ground truth: masks in the colours of each round's own categories, those in the image, by side."""
    return html_of({side: _categories(opened, image_id) for side, opened in sides.items()})


def html_of(groups: Mapping[str, Sequence[Key]]) -> str:
    """A line of keys a group; groups without any are left out."""
    return "".join(
        f'<div class="comus-keys"><b>{html.escape(title)}</b>'
        + "".join(f'<span><i style="--key:{colour}"></i>{html.escape(words)}</span>' for colour, words in keys)
        + "</div>"
        for title, keys in groups.items()
        if keys
    )


def _categories(opened: OpenedRound, image_id: ImageId) -> list[Key]:
    ids = (
        trained_ids(opened.subject.training) if opened.subject.training else opened.view.categories(opened.decided).ids
    )
    present = set(np.unique(opened.mask(image_id)).tolist())
    pairs = zip(category_colours(ids), opened.names, strict=True)
    return [key for number, key in enumerate(pairs, 1) if number in present]
