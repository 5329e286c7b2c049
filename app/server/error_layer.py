"""The layer that shows where a run's proposals are wrong in an image."""

from __future__ import annotations

from app.data import run_cache
from app.server.pictures import LAYER_LONGEST
from app.server.training_routes import ERROR_COLOURS
from comus_core.datasets.demo import drawing
from comus_core.errors import WorkspaceError
from comus_core.evaluation.error_map import IGNORED, error_map
from comus_core.runs.opened_round import clusters_mask
from comus_core.runs.run_view import RunView
from comus_core.scoring.round_scores import score_clusters
from comus_core.types import IndexMask
from comus_core.workspace.decisions import Decisions


def errors_of(view: RunView, image_row: int, decided: Decisions) -> IndexMask:
    """What is wrong in round 0 of an image, see `error_map`: all proposals, each as its category's matched class.

    Raises:
        WorkspaceError: the image has no ground truth.
    """
    image_id, truth = str(view.image_ids[image_row]), run_cache.truth_of(view)
    if truth is None or not view.has_truth or not truth.has(image_id):
        raise WorkspaceError(f"image {image_id} has no ground truth")
    class_of = score_clusters(view, decided).matched.class_of
    return error_map(clusters_mask(view, decided, image_id), truth.mask(image_id), class_of, truth.ignore)


def error_layer(view: RunView, image_row: int) -> bytes:
    """The same under the decisions in force, as a transparent PNG."""
    errors = errors_of(view, image_row, view.workspace.decisions_of(view.run))
    palette = drawing.rgb([ERROR_COLOURS[kind] for kind in sorted(ERROR_COLOURS)])
    small = drawing.fitted((errors.shape[0], errors.shape[1]), LAYER_LONGEST)
    return drawing.to_png(drawing.index_layer(errors, palette, IGNORED, small))
