"""A round opened for looking at: its categories, and its mask of every image. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from comus_core.errors import WorkspaceError
from comus_core.proposals.pseudo_masks import index_dtype_and_ignore, pseudo_mask
from comus_core.runs.round_masks import MaskReader
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView
from comus_core.runs.trained_categories import trained_names
from comus_core.types import ImageId, IndexMask
from comus_core.workspace.decisions import Decisions


@dataclass(frozen=True, eq=False)
class OpenedRound:
    """A round, with its run opened."""

    subject: RunRound
    view: RunView

    @property
    def key(self) -> str:
        """See `RunRound.key`."""
        return self.subject.key

    @property
    def decided(self) -> Decisions:
        """What is decided in its run by now."""
        return self.view.workspace.decisions_of(self.view.run)

    @property
    def version(self) -> str:
        """What differs wherever its masks do."""
        if self.subject.training is None:
            return f"{self.view.run.artifacts['clustering']}.{self.decided.layout_version}"
        return self._predictions.artifact.fingerprint

    @property
    def names(self) -> tuple[str, ...]:
        """(C,) of its categories."""
        training = self.subject.training
        return trained_names(training, self.decided) if training else self.view.labels(self.decided).names

    @property
    def image_ids(self) -> list[ImageId]:
        """The images that it has masks of, sorted."""
        return sorted(map(str, self.view.image_ids if self.subject.training is None else self._predictions.files))

    def mask(self, image_id: ImageId) -> IndexMask:
        """(H, W), 0 background, category + 1.

        Raises:
            WorkspaceError: it has none of that image.
        """
        if self.subject.training is None:
            return clusters_mask(self.view, self.decided, image_id)
        mask = self._predictions.read(image_id)
        if mask is None:
            raise WorkspaceError(f"{self.subject.key}: no mask of image {image_id}")
        return mask

    @cached_property
    def _predictions(self) -> MaskReader:
        training = self.subject.training
        assert training is not None, "the clusters predict nothing: their masks are drawn"
        name = f"predictions-{self.subject.number}"
        return MaskReader(self.view.workspace.artifacts.get("predictions", training.artifacts[name]))


def clusters_mask(view: RunView, decided: Decisions, image_id: ImageId) -> IndexMask:
    """Round 0 of an image: all proposals and drawn objects in their categories, others as background (p = 0)."""
    categories = view.categories(decided)
    rows = np.array(view.rows_of_image.get(image_id, []), np.int64)
    height, width = view.image_sizes[view.image_row_of[image_id]]
    category, C = categories.category[rows], len(categories.ids)
    objects = view.drawn(decided).joined(image_id, view.masks(decided)[rows], category, category >= 0)
    mask = pseudo_mask(*objects, (int(height), int(width)), C)
    mask[mask == index_dtype_and_ignore(C)[1]] = 0
    return mask
