"""Whether the artifacts of a bundle are those of one run: every table's columns and values, and how they fit together.

What a page or a score would stumble over is refused here, with the artifact's name. Nothing is trusted because a run
would not have written it: whoever made the bundle may have.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from comus_core.clustering.curves import CurveName, HowMany
from comus_core.config import FilterBy
from comus_core.datasets.coco_rle import run_lengths
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.export.bundle_limits import array_of, arrays_of, bounded_table, is_plain, png_size
from comus_core.export.bundle_result import check_facts
from comus_core.proposals.table import SCHEMA
from comus_core.runs.artifact_readers import HOW_MANY
from comus_core.settings import require
from comus_core.types import MAP_METHODS, FloatArray, IntArray
from comus_core.workspace.artifacts import TABLE

MOST_PIXELS = 250_000_000  # of an image: a stand-in for it is drawn
DETECTOR_PIXELS = 1 << 22  # of a soft map: networks give 320 × 320, some 1,024 × 1,024
FINER = 4  # times its image's pixels that a soft map from a file of the user's own may have instead
MOST_JSON = 8 << 20  # bytes of the curves
INDEX_MASK = {(8, 0), (8, 3), (16, 0)}  # bits and colour type of a PNG of indices
TEXT, FLOAT, INT = pa.string(), pa.float32(), pa.int32()
IMAGE_COLUMNS = {"image_id": TEXT, "path": TEXT, "height": INT, "width": INT, "reason": TEXT}
SINGLE_FACTS = ("search", "components", "attached", "precision")


@dataclass
class Found:
    """What the artifacts looked at so far hold.

    Attributes:
        sizes: usable image id -> (height, width).
        paths: usable image id -> path of its file.
        proposals: proposal id -> row.
        clusters: K; 0 before the clustering was looked at.
    """

    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    proposals: dict[str, int] = field(default_factory=dict)
    clusters: int = 0


def check_artifacts(folders: Mapping[str, Path], classes: int) -> Found:
    """Look at every artifact of a bundle.

    Args:
        folders: kind -> folder, `images`, `proposals` and `clustering` among them.
        classes: how many the ground truth has, background included; 0 without.

    Raises:
        WorkspaceError: the first that does not hold what a run's holds.
    """
    found = Found()
    for kind in [*(k for k in CHECKS if k in folders), *(k for k in folders if k not in CHECKS)]:
        try:
            require(kind in CHECKS, "there is no such kind of artifact")
            CHECKS[kind](folders[kind], found, classes)
        except (SettingsError, WorkspaceError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise WorkspaceError(f"{kind}: {error}") from error
    return found


def png_fits(content: bytes, size_hw: tuple[int, int]) -> bool:
    """Whether a PNG holds indices of that many pixels, by its header."""
    height, width, bits, colours = png_size(content)
    return (height, width) == size_hw and (bits, colours) in INDEX_MASK


def _images(folder: Path, found: Found, _: int) -> None:
    table = _table(folder, IMAGE_COLUMNS)
    _require_ids(table.column("image_id"))
    for row in table.select(list(IMAGE_COLUMNS)).to_pylist():
        require(is_plain(row["path"]), f"image {row['path'][:100]!r} has an odd path")
        if row["reason"] is not None:
            continue
        height, width = row["height"], row["width"]
        require(
            height is not None and width is not None and min(height, width) > 0 and height * width <= MOST_PIXELS,
            f"image {row['path'][:100]!r} has an odd size",
        )
        found.sizes[row["image_id"]] = (height, width)
        found.paths[row["image_id"]] = row["path"]


def _soft_maps(folder: Path, found: Found, _: int) -> None:
    table = _table(folder, {"image_id": TEXT, "png": pa.binary()})
    _require_ids(table.column("image_id"), found.sizes)
    for image_id, png in zip(table.column("image_id"), table.column("png"), strict=True):
        height, width, bits, colours = png_size(png.as_py() or b"")
        most = max(DETECTOR_PIXELS, FINER * math.prod(found.sizes[image_id.as_py()]))
        require(0 < height * width <= most and (bits, colours) == (8, 0), "a soft map is of an odd size or kind")


def _proposals(folder: Path, found: Found, _: int) -> None:
    table = _table(folder, {f.name: f.type for f in SCHEMA})
    _require_ids(table.column("proposal_id"))
    found.proposals = {p: row for row, p in enumerate(table.column("proposal_id").to_pylist())}
    require(not any(table.column(name).null_count for name in SCHEMA.names), "an entry is missing")
    x0, y0, x1, y1, area, height, width = (
        table.column(name).to_numpy().astype(np.int64) for name in ("x0", "y0", "x1", "y1", "area", "height", "width")
    )
    sizes = np.array([found.sizes.get(i, (0, 0)) for i in table.column("image_id").to_pylist()], np.int64)
    sizes = sizes.reshape(-1, 2)
    require(
        bool((sizes[:, 0] == height).all() and (sizes[:, 1] == width).all()), "a proposal is not of its image's size"
    )
    inside = (x0 >= 0) & (x0 < x1) & (x1 <= width) & (y0 >= 0) & (y0 < y1) & (y1 <= height)
    require(bool(inside.all()), "a box lies outside its image")
    require(bool(((area > 0) & (area <= (x1 - x0) * (y1 - y0))).all()), "an area is larger than its box")
    _require_finite(table.column("score").to_numpy(), "score", 0, 1)
    for row, rle in enumerate(table.column("rle")):
        lengths = run_lengths(rle.as_py())
        whole = bool((lengths >= 0).all()) and int(lengths.sum()) == height[row] * width[row]
        require(whole and int(lengths[1::2].sum()) == area[row], f"the mask of row {row} does not fill its image")


def _features(folder: Path, found: Found, _: int) -> None:
    _require_same(_table(folder, {"proposal_id": TEXT}), found)
    vectors = array_of(folder / "vectors.npy")
    require(vectors.dtype == np.float32 and vectors.ndim == 2, f"vectors of {vectors.dtype} and shape {vectors.shape}")
    require(vectors.shape[0] == len(found.proposals) and vectors.shape[1] > 0, "not one vector a proposal")
    _require_finite(vectors, "a vector")


def _clustering(folder: Path, found: Found, _: int) -> None:
    table = _table(folder, {"proposal_id": TEXT, "cluster": None, "distance": None})
    _require_same(table, found)
    spectrum = arrays_of(folder / "spectrum.npz")
    centres, rows = spectrum["centres"], array_of(folder / "embedding.npy")
    require(centres.ndim == 2 and centres.dtype.kind == "f", f"centres of {centres.dtype} and shape {centres.shape}")
    require(rows.ndim == 2 and rows.dtype.kind == "f", f"an embedding of {rows.dtype} and shape {rows.shape}")
    require(len(rows) == len(found.proposals), "not one row of the embedding a proposal")
    _require_finite(centres, "a centre")
    _require_finite(rows, "the embedding")
    found.clusters = len(centres)
    cluster = _whole(table, "cluster")
    require(bool(((cluster >= -1) & (cluster < found.clusters)).all()), "a cluster has a number that there is not")
    for name in ("distance", *(n for n in get_args(FilterBy) if n in table.column_names)):
        require(pa.types.is_floating(table.column(name).type), f"{name} is of type {table.column(name).type}")
        _require_finite(table.column(name).to_numpy()[cluster >= 0], name)
    attached = spectrum["attached_rows"]
    require(attached.ndim == 1 and bool(((attached >= 0) & (attached < len(rows))).all()), "an attached row is none")
    require(spectrum["eigenvalues"].ndim == 1, "the eigenvalues are no list")
    require(all(spectrum[name].ndim == 0 for name in SINGLE_FACTS), "a fact of the search is no single value")
    check_facts({name: spectrum[name].item() for name in SINGLE_FACTS})


def _how_many(folder: Path, found: Found, _: int) -> None:
    path = folder / HOW_MANY
    require(path.stat().st_size <= MOST_JSON, f"{HOW_MANY} is too large")
    curves = HowMany.from_json(json.loads(path.read_text()))
    require(isinstance(curves.clusters, int) and 0 < curves.clusters <= max(len(found.proposals), 1), "an odd number")
    require(isinstance(curves.points, int) and isinstance(curves.reason, str), "it says too little of itself")
    for curve in curves.curves:
        require(curve.name in get_args(CurveName) and isinstance(curve.reason, str), "an odd curve")
        require(curve.suggestion is None or isinstance(curve.suggestion, int), "an odd suggestion")
        flat = curve.x.ndim == curve.value.ndim == 1 and len(curve.x) == len(curve.value)
        require(flat and curve.x.dtype.kind in "if" and curve.value.dtype.kind in "if", "an odd curve")


def _projection(folder: Path, found: Found, _: int) -> None:
    table = _table(folder, {"proposal_id": TEXT})
    _require_same(table, found)
    for name in (f"{method}_{axis}" for method in MAP_METHODS for axis in "xy"):
        if name in table.column_names:
            require(pa.types.is_floating(table.column(name).type), f"{name} is of type {table.column(name).type}")
            _require_finite(table.column(name).to_numpy(), name)


def _pseudo_masks(folder: Path, found: Found, _: int) -> None:
    table = _table(folder, {"image_id": TEXT, "file": TEXT})
    _require_ids(table.column("image_id"), found.sizes)
    for image_id, name in zip(*(table.column(c).to_pylist() for c in ("image_id", "file")), strict=True):
        require(is_plain(name) and (folder / name).is_file(), f"mask {name[:100]!r} is missing")
        with (folder / name).open("rb") as file:
            require(png_fits(file.read(64), found.sizes[image_id]), f"mask {name[:100]!r} is not of its image's size")


def _counts(folder: Path, found: Found, classes: int) -> None:
    table = _table(folder, {"image_id": TEXT, "proposal_id": TEXT, "values": pa.list_(pa.int64(), classes)})
    _require_ids(table.column("image_id"), found.sizes, once=False)
    known = pa.array([*found.proposals, ""], TEXT)
    require(bool(pc.all(pc.is_in(table.column("proposal_id"), value_set=known)).as_py()), "a proposal there is not")
    values = table.column("values").combine_chunks()
    require(values.null_count == 0 and values.flatten().null_count == 0, "an entry is missing")
    pixels = values.flatten().to_numpy().reshape(len(table), classes)
    most = np.array([h * w for h, w in (found.sizes[i] for i in table.column("image_id").to_pylist())], np.int64)
    fits = (pixels >= 0).all(axis=1) & (pixels <= most[:, None]).all(axis=1) if len(table) else np.ones(0, bool)
    require(bool(fits.all()) and bool((pixels.sum(axis=1) <= most).all()), "more pixels than an image has")


CHECKS: dict[str, Callable[[Path, Found, int], None]] = {  # in the order in which one needs another
    "images": _images,
    "soft_maps": _soft_maps,
    "proposals": _proposals,
    "features": _features,
    "how_many": _how_many,
    "clustering": _clustering,
    "projection": _projection,
    "pseudo_masks": _pseudo_masks,
    "counts": _counts,
}


def _table(folder: Path, columns: Mapping[str, pa.DataType | None]) -> pa.Table:
    table = bounded_table(folder / TABLE)
    require(len(set(table.column_names)) == len(table.column_names), "two columns have one name")
    for name, kind in columns.items():
        require(name in table.column_names, f"its table has no column {name}")
        found = table.column(name).type
        same = kind is None or found == kind or (pa.types.is_fixed_size_list(kind) and _alike(found, kind))
        require(same, f"its column {name} is of type {found}, not {kind}")
    return table


def _alike(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether two are lists of as many values of one type; the name of the field inside does not matter."""
    return bool(
        pa.types.is_fixed_size_list(one) and (one.list_size, one.value_type) == (other.list_size, other.value_type)
    )


def _require_ids(column: pa.ChunkedArray, known: Mapping[str, Any] | None = None, *, once: bool = True) -> None:
    ids = column.to_pylist()
    require(None not in ids, "an id is missing")
    require(not once or len(set(ids)) == len(ids), "an id is there twice")
    stray = next((i for i in ids if known is not None and i not in known), None)
    require(stray is None, f"image {str(stray)[:100]!r} is none of the run's")


def _require_same(table: pa.Table, found: Found) -> None:
    ids = table.column("proposal_id").to_pylist()
    require(
        len(ids) == len(found.proposals) and set(ids) == set(found.proposals), "it is of other proposals than the run"
    )


def _whole(table: pa.Table, name: str) -> IntArray:
    column = table.column(name)
    require(pa.types.is_integer(column.type) and not column.null_count, f"{name} is of type {column.type}")
    values: IntArray = column.to_numpy().astype(np.int64)
    return values


def _require_finite(values: FloatArray, what: str, least: float = -np.inf, most: float = np.inf) -> None:
    step = max(1, (1 << 22) // max(1, int(np.prod(values.shape[1:]))))
    for start in range(0, len(values), step):
        part = np.asarray(values[start : start + step])
        require(
            bool(np.isfinite(part).all() and (part >= least).all() and (part <= most).all()),
            f"{what} is not finite" if least == -np.inf else f"{what} lies outside {least:g} to {most:g}",
        )
