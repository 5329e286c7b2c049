"""Measures of objects: of their masks by scikit-image's `regionprops`, of their pixels here. Kept in the workspace."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.ndimage import laplace

from comus_core.datasets.decoding import read_rgb
from comus_core.errors import ImageError
from comus_core.proposals.table import Proposals
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import RunView
from comus_core.types import BoolMask, OnProgress, Progress, RgbImage, no_progress
from comus_core.workspace import Artifact, ArtifactKey
from comus_core.workspace.artifacts import digest
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.shards import Tick

KIND, VERSION = "object_measures", 3
MOST_AT_ONCE = 20  # images with changed masks that a page measures itself; for more there is a job
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R 601
SHAPE = ("centroid_x", "centroid_y", "perimeter", "circularity", "elongation", "orientation")
LOOK = ("mean_red", "mean_green", "mean_blue", "sharpness")
SCHEMA = pa.schema([("id", pa.string()), *((name, pa.float64()) for name in (*SHAPE, *LOOK))])


def shape_of(crop: BoolMask, corner_xy: tuple[int, int]) -> dict[str, float | None]:
    """Measures of a mask.

    Args:
        crop: (h, w), the mask inside its box.
        corner_xy: of the box in the image, pixels.

    Returns:
        `centroid_x`, `centroid_y` (pixels, centres of pixels are whole numbers), `perimeter` (pixels), `circularity`
        (4π area / perimeter², about 1 for a disc; None without a perimeter), `elongation` (1 − short / long axis of the
        ellipse with the same moments, 0 for a disc) and `orientation` (degrees of the long axis, counter-clockwise from
        the right, above −90 to 90).
    """
    from skimage.measure import regionprops

    [region] = regionprops(np.asarray(crop, np.uint8))
    y, x = region.centroid
    perimeter, long = float(region.perimeter), float(region.axis_major_length)
    degrees = math.degrees(region.orientation) + 90  # skimage's is from the rows' axis
    return {
        "centroid_x": float(x) + corner_xy[0],
        "centroid_y": float(y) + corner_xy[1],
        "perimeter": perimeter,
        "circularity": 4 * math.pi * float(region.area) / perimeter**2 if perimeter else None,
        "elongation": 1 - float(region.axis_minor_length) / long if long else 0.0,
        "orientation": degrees - 180 if degrees > 90 else degrees,
    }


def look_of(pixels: RgbImage, crop: BoolMask) -> dict[str, float]:
    """Mean colour (0…255) inside the mask, and sharpness: the variance of the Laplacian of the luminance there.

    `pixels` is (h, w, 3), the image inside the box of the mask.
    """
    red, green, blue = pixels[crop].mean(axis=0).tolist()
    edges = laplace(pixels.astype(np.float64) @ LUMA)
    return {"mean_red": red, "mean_green": green, "mean_blue": blue, "sharpness": float(edges[crop].var())}


def object_measures(view: RunView, decided: Decisions, on_progress: OnProgress = no_progress) -> pa.Table:
    """A row of `SCHEMA` an object with a mask, as decided.

    The detector's masks are measured once and kept as an artifact; of what a person drew or changed only that is
    measured, and kept by content. Colour and sharpness are null where the image file is not there any more.
    """
    path_of, masks = _paths(view), view.proposals

    def work(image_ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        rows: list[Mapping[str, Any]] = []
        for image_id in image_ids:
            rows += _of_image(path_of[image_id], masks, view.rows_of_image[image_id])
            tick(1)
        return pa.Table.from_pylist(rows, schema=SCHEMA)

    made: Artifact = view.workspace.artifacts.make_sharded(
        _key(view), list(view.rows_of_image), work, stage="measures", on_progress=on_progress
    )
    return _with_changed(made.table(SCHEMA.names), view, decided, path_of, on_progress)


def are_measured(view: RunView, decided: Decisions) -> bool:
    """Whether `object_measures` reads few images at most: all but `MOST_AT_ONCE` of what it needs is kept.

    It looks whether the file of every image is there: hold the answer.
    """
    if view.workspace.artifacts.find(KIND, _key(view).fingerprint) is None:
        return False
    masks, path_of, kept = decided_objects(view, decided).masks, _paths(view), view.workspace.redrawn_measures
    changed = _changed(view, decided).items()
    if len(changed) <= MOST_AT_ONCE:
        return True
    unknown = (kept.read(_key_of_image(view, i, masks, rows, path_of[i])) is None for i, rows in changed)
    return sum(unknown) <= MOST_AT_ONCE


def _with_changed(
    stored: pa.Table, view: RunView, decided: Decisions, path_of: Mapping[str, Path], on_progress: OnProgress
) -> pa.Table:
    """The measures of the detector's masks, those that were changed replaced, and those of drawn objects after them."""
    changed, kept = _changed(view, decided), view.workspace.redrawn_measures
    if not changed:
        return stored
    masks, rows_now = decided_objects(view, decided).masks, list[dict[str, Any]]()
    for done, (image_id, rows) in enumerate(changed.items()):
        on_progress(Progress("measures", done, len(changed)))
        key = _key_of_image(view, image_id, masks, rows, path_of[image_id])
        found = kept.read(key)
        if found is None:
            found = _of_image(path_of[image_id], masks, rows)
            kept.keep(key, found)
        rows_now += found
    on_progress(Progress("measures", len(changed), len(changed)))
    ids = pa.array([str(masks.proposal_id[row]) for rows in changed.values() for row in rows], pa.string())
    same = stored.filter(pc.invert(pc.is_in(stored.column("id"), ids)))
    return pa.concat_tables([same, pa.Table.from_pylist(rows_now, schema=SCHEMA)])


def _changed(view: RunView, decided: Decisions) -> dict[str, list[int]]:
    """Image id -> rows of its objects, as decided, whose masks are not those of the detector."""
    if not decided.layout.redrawn and not decided.layout.drawn:
        return {}
    objects, found = decided_objects(view, decided), dict[str, list[int]]()
    other = objects.redrawn | (np.arange(len(objects)) >= len(view))
    for row in np.flatnonzero(other).tolist():
        found.setdefault(str(objects.masks.image_id[row]), []).append(row)
    return found


def _key_of_image(view: RunView, image_id: str, masks: Proposals, rows: Sequence[int], path: Path) -> str:
    content = [[str(masks.proposal_id[row]), _text(masks.rle[row])] for row in rows]
    return digest([VERSION, view.run.artifacts["images"], image_id, path.is_file(), content])


def _text(rle: bytes | str) -> str:
    return rle.decode() if isinstance(rle, bytes) else rle


def _key(view: RunView) -> ArtifactKey:
    path_of = _paths(view)
    missing = [i for i in view.rows_of_image if not path_of[i].is_file()]
    inputs = {kind: view.run.artifacts[kind] for kind in ("images", "proposals")}
    return ArtifactKey(KIND, VERSION, {"missing": digest(missing)}, inputs)


def _paths(view: RunView) -> dict[str, Path]:
    """Image id -> its file."""
    root = view.workspace.images_root(view.run)
    return {i: root / str(path) for i, path in zip(view.image_ids, view.image_paths, strict=True)}


def _of_image(path: Path, masks: Proposals, rows: Sequence[int]) -> list[dict[str, Any]]:
    try:
        pixels = read_rgb(path)
    except ImageError:
        pixels = None
    found = []
    for row in rows:
        x0, y0, x1, y1 = masks.box_xyxy[row].tolist()
        crop = masks.mask(row)[y0:y1, x0:x1]
        if not crop.any():
            continue
        fits = pixels is not None and pixels.shape[:2] == tuple(masks.size_hw[row].tolist())
        look = look_of(pixels[y0:y1, x0:x1], crop) if fits and pixels is not None else {}
        found.append({"id": str(masks.proposal_id[row]), **shape_of(crop, (x0, y0)), **look})
    return found
