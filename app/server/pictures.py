"""What the image routes answer with: JPEG and PNG bytes of a run's crops, images and layers."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np

from app.data.colouring import category_colours, truth_colours
from app.data.run_cache import truth_of
from app.server.picture_cache import PictureCache
from comus_core.datasets.allowed_folders import ROOTS_VARIABLE, image_roots
from comus_core.datasets.demo import drawing
from comus_core.errors import WorkspaceError
from comus_core.files.own_places import make_own
from comus_core.maintenance.delete import pictures_folder
from comus_core.proposals.pseudo_masks import index_dtype_and_ignore, pseudo_mask
from comus_core.runs.artifact_readers import read_soft_map
from comus_core.runs.round_masks import MaskReader, categories_of_rounds
from comus_core.runs.run_view import RunView
from comus_core.saliency.soft_maps import from_png
from comus_core.workspace import Artifact
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.workspace import RELINKED

LAYER_LONGEST = 1280  # pixels; a layer is scaled by the browser to its image


@lru_cache(maxsize=4)
def cache_of(workspace_root: Path) -> PictureCache:
    """The image cache of a workspace."""
    folder = pictures_folder(workspace_root)
    with suppress(OSError, WorkspaceError):  # read-only: then there are no files, as where the disk is full
        make_own(folder.parent)
    return PictureCache(folder)


def crop(view: RunView, row: int, size: int, colour: str | None, decided: Decisions = Decisions()) -> bytes:
    """The JPEG of the crop around a proposal, with its mask as decided."""
    path, masks = image_path(view, int(view.image_row[row])), view.masks(decided)
    return drawing.to_jpeg(drawing.crop(path, masks.mask(row), masks.box_xyxy[row], size, colour))


def drawn_crop(view: RunView, row: int, size: int, colour: str | None, decided: Decisions) -> bytes:
    """The JPEG of the crop around a drawn object; `row` is that in `view.drawn(decided)`.

    Raises:
        WorkspaceError: nothing is left of its mask.
    """
    objects = view.drawn(decided).proposals
    name = str(objects.proposal_id[row])
    if not objects.area[row]:
        raise WorkspaceError(f"{name}: nothing is left of its mask")
    path = image_path(view, view.image_row_of[str(objects.image_id[row])])
    return drawing.to_jpeg(drawing.crop(path, objects.mask(row), objects.box_xyxy[row], size, colour))


def photograph(view: RunView, image_row: int, size: int) -> bytes:
    """The JPEG of an image, upright, its longer side at most `size` pixels (0: full size)."""
    return photograph_at(image_path(view, image_row), size)


def photograph_at(path: Path, size: int) -> bytes:
    """The same of a file."""
    picture, _ = drawing.read_picture(path, size or None)
    height, width = drawing.fitted((picture.height, picture.width), size)
    return drawing.to_jpeg(picture.resize((width, height), reducing_gap=2.0), 92)


def layer(view: RunView, image_row: int, name: str, row: int | None) -> bytes:
    """The PNG of a layer.

    Raises:
        WorkspaceError: the image has no such layer.
    """
    size_hw = (int(view.image_sizes[image_row, 0]), int(view.image_sizes[image_row, 1]))
    small = drawing.fitted(size_hw, LAYER_LONGEST)
    image_id = str(view.image_ids[image_row])
    if name == "saliency":
        stored = read_soft_map(view.workspace.artifact(view.run, "soft_maps"), image_id)
        if stored is None:
            raise WorkspaceError(f"image {image_id} has no soft map")
        return drawing.to_png(drawing.soft_layer(from_png(stored), small))
    if name == "truth":
        truth = truth_of(view)
        if truth is None or not truth.has(image_id):
            raise WorkspaceError(f"image {image_id} has no ground truth")
        palette = drawing.rgb(truth_colours(view))
        return drawing.to_png(drawing.index_layer(truth.mask(image_id), palette, truth.ignore, small))
    return _proposals_layer(view, image_id, size_hw, small, name == "pseudo_mask", row)


def round_layer(view: RunView, image_row: int, predictions: Artifact) -> bytes:
    """The PNG of what a round predicts, in the colours of the categories.

    Raises:
        WorkspaceError: it predicts nothing for this image.
    """
    size_hw = (int(view.image_sizes[image_row, 0]), int(view.image_sizes[image_row, 1]))
    mask = MaskReader(predictions).read(str(view.image_ids[image_row]))
    if mask is None:
        raise WorkspaceError(f"image {view.image_ids[image_row]} has no prediction")
    ids, small = categories_of_rounds(view), drawing.fitted(size_hw, LAYER_LONGEST)
    ignore = index_dtype_and_ignore(len(ids))[1]
    return drawing.to_png(drawing.index_layer(mask, drawing.rgb(category_colours(ids)), ignore, small))


def _proposals_layer(
    view: RunView, image_id: str, size_hw: tuple[int, int], small: tuple[int, int], as_decided: bool, row: int | None
) -> bytes:
    decided = view.workspace.decisions_of(view.run)
    rows = np.array([row] if row is not None else view.rows_of_image.get(image_id, []), np.int64)
    categories = view.categories(decided)
    rows = rows[~categories.erased[rows]]
    category, C = categories.category[rows], len(categories.ids)
    kept = categories.kept(decided)[rows] if as_decided else category >= 0
    found = view.masks(decided)[rows], category, kept
    mask = pseudo_mask(*(found if row is not None else view.drawn(decided).joined(image_id, *found)), size_hw, C)
    ignore = index_dtype_and_ignore(C)[1]
    return drawing.to_png(drawing.index_layer(mask, drawing.rgb(category_colours(categories.ids)), ignore, small))


def image_path(view: RunView, image_row: int) -> Path:
    """The file of an image, if it may be shown.

    Raises:
        WorkspaceError: links lead it out of the run's image folder and of all that `image_roots` allows.
    """
    own = view.workspace.images_root(view.run)
    return shown_path(str(view.image_ids[image_row]), view.image_path(image_row), own, view.workspace.root)


def _is_own_link(path: Path, target: Path, workspace_root: Path) -> bool:
    """Whether it is a link that `relink` made to that very file: the person named the folder then."""
    in_workspace = path.parent.resolve().is_relative_to(workspace_root.resolve() / RELINKED)
    return in_workspace and path.is_symlink() and path.readlink() == target


def shown_path(image_id: str, path: Path, own: Path, workspace_root: Path) -> Path:
    """The file of an image of the data set in `own`, links followed, if it may be shown.

    Raises:
        WorkspaceError: links lead it out of that folder and of all that `image_roots` allows.
    """
    target = path.resolve()
    allowed = target.is_relative_to(own.resolve()) or _is_own_link(path, target, workspace_root)
    if not allowed and not any(target.is_relative_to(root) for root in image_roots(workspace_root)):
        raise WorkspaceError(
            f"image {image_id} is a link to a file outside its data set: to show it, add the folder of that file "
            f"to {ROOTS_VARIABLE}"
        )
    return target
