"""Check the artifacts of a bundle: the columns and values of every table, and whether they match.

Anything that would break a page or a score is refused here, with the artifact's name. Nothing is trusted, since a
bundle may be forged.
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

MAX_PIXELS = 250_000_000  # of an image, for which a placeholder is drawn
DETECTOR_PIXELS = 1 << 22  # of a soft map: networks give 320 × 320, some 1,024 × 1,024
FINER = 4  # limit of a user's soft map, in pixels of its image
MOST_OBJECTS = 100  # of an image, whose maps lie one below the other in one file
MAX_JSON = 8 << 20  # bytes of the curves
INDEX_MASK = {(8, 0), (8, 3), (16, 0)}  # bits and colour type of a PNG of indices
TEXT, FLOAT, INT = pa.string(), pa.float32(), pa.int32()
IMAGE_COLUMNS = {"image_id": TEXT, "path": TEXT, "height": INT, "width": INT, "reason": TEXT}
SINGLE_FACTS = ("search", "components", "attached", "precision")


@dataclass
class BundleContent:
    """The content of the artifacts checked so far.

    Attributes:
        sizes: usable image id -> (height, width).
        paths: usable image id -> path of its file.
        proposals: proposal id -> row.
        proposal_sizes: (n, 2) height and width of the image of each proposal.
        clusters: K; 0 before the clustering is checked.
    """

    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    proposals: dict[str, int] = field(default_factory=dict)
    proposal_sizes: Any = ()
    clusters: int = 0


def check_artifacts(folders: Mapping[str, Path], classes: int) -> BundleContent:
    """Check every artifact of a bundle.

    `folders` are by kind, `images`, `proposals` and `clustering` among them; `classes` is the number of ground-truth
    classes with background, 0 without any.

    Raises:
        WorkspaceError: the first invalid one.
    """
    content = BundleContent()
    for kind in [*(k for k in CHECKS if k in folders), *(k for k in folders if k not in CHECKS)]:
        try:
            require(kind in CHECKS, "unknown kind of artifact")
            CHECKS[kind](folders[kind], content, classes)
        except (SettingsError, WorkspaceError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise WorkspaceError(f"{kind}: {error}") from error
    return content


def png_fits(content: bytes, size_hw: tuple[int, int]) -> bool:
    """Whether a PNG is an index mask of that size, by its header."""
    height, width, bits, colours = png_size(content)
    return (height, width) == size_hw and (bits, colours) in INDEX_MASK


def _images(folder: Path, content: BundleContent, _: int) -> None:
    table = _table(folder, IMAGE_COLUMNS)
    _require_ids(table.column("image_id"))
    for row in table.select(list(IMAGE_COLUMNS)).to_pylist():
        require(is_plain(row["path"]), f"image {row['path'][:100]!r} has an invalid path")
        if row["reason"] is not None:
            continue
        height, width = row["height"], row["width"]
        require(
            height is not None and width is not None and min(height, width) > 0 and height * width <= MAX_PIXELS,
            f"image {row['path'][:100]!r} has an invalid size",
        )
        content.sizes[row["image_id"]] = (height, width)
        content.paths[row["image_id"]] = row["path"]


def _soft_maps(folder: Path, content: BundleContent, _: int) -> None:
    table = _table(folder, {"image_id": TEXT, "png": pa.binary()})
    _require_ids(table.column("image_id"), content.sizes)
    if "objects" in table.column_names:
        _table(folder, {"objects": pa.binary()})
    columns = table.select([c for c in ("image_id", "png", "objects") if c in table.column_names])
    for row in (row for batch in columns.to_batches(max_chunksize=64) for row in batch.to_pylist()):
        height, width, bits, colours = png_size(row["png"] or b"")
        limit = max(DETECTOR_PIXELS, FINER * math.prod(content.sizes[row["image_id"]]))
        require(0 < height * width <= limit and (bits, colours) == (8, 0), "a soft map has an invalid size or type")
        if row.get("objects") is not None:
            tall, wide, *kind = png_size(row["objects"])
            fits = (wide, kind) == (width, [8, 0]) and tall % height == 0 and 0 < tall * wide <= MOST_OBJECTS * limit
            require(fits, "the maps of objects have another size or type than the soft map of their image")


def _proposals(folder: Path, content: BundleContent, _: int) -> None:
    table = _table(folder, {f.name: f.type for f in SCHEMA})
    _require_ids(table.column("proposal_id"))
    content.proposals = {p: row for row, p in enumerate(table.column("proposal_id").to_pylist())}
    require(not any(table.column(name).null_count for name in SCHEMA.names), "an entry is missing")
    x0, y0, x1, y1, area, height, width = (
        table.column(name).to_numpy().astype(np.int64) for name in ("x0", "y0", "x1", "y1", "area", "height", "width")
    )
    sizes = np.array([content.sizes.get(i, (0, 0)) for i in table.column("image_id").to_pylist()], np.int64)
    sizes = sizes.reshape(-1, 2)
    require(
        bool((sizes[:, 0] == height).all() and (sizes[:, 1] == width).all()),
        "a proposal has another size than its image",
    )
    content.proposal_sizes = sizes
    inside = (x0 >= 0) & (x0 < x1) & (x1 <= width) & (y0 >= 0) & (y0 < y1) & (y1 <= height)
    require(bool(inside.all()), "a box is outside its image")
    require(bool(((area > 0) & (area <= (x1 - x0) * (y1 - y0))).all()), "an area is larger than its box")
    _require_finite(table.column("score").to_numpy(), "score", 0, 1)
    for row, rle in enumerate(table.column("rle")):
        lengths = run_lengths(rle.as_py())
        fills_image = bool((lengths >= 0).all()) and int(lengths.sum()) == height[row] * width[row]
        require(
            fills_image and int(lengths[1::2].sum()) == area[row],
            f"the mask of row {row} does not match its image or area",
        )


def _features(folder: Path, content: BundleContent, _: int) -> None:
    _require_same(_table(folder, {"proposal_id": TEXT}), content)
    vectors = array_of(folder / "vectors.npy")
    require(vectors.dtype == np.float32 and vectors.ndim == 2, f"vectors of {vectors.dtype} and shape {vectors.shape}")
    require(
        vectors.shape[0] == len(content.proposals) and vectors.shape[1] > 0,
        "the number of vectors is not that of the proposals",
    )
    _require_finite(vectors, "a vector")


def _clustering(folder: Path, content: BundleContent, _: int) -> None:
    table = _table(folder, {"proposal_id": TEXT, "cluster": None, "distance": None})
    _require_same(table, content)
    spectrum = arrays_of(folder / "spectrum.npz")
    centres, rows = spectrum["centres"], array_of(folder / "embedding.npy")
    require(centres.ndim == 2 and centres.dtype.kind == "f", f"centres of {centres.dtype} and shape {centres.shape}")
    require(rows.ndim == 2 and rows.dtype.kind == "f", f"an embedding of {rows.dtype} and shape {rows.shape}")
    require(len(rows) == len(content.proposals), "the number of rows of the embedding is not that of the proposals")
    _require_finite(centres, "a centre")
    _require_finite(rows, "the embedding")
    content.clusters = len(centres)
    cluster = _integers(table, "cluster")
    require(bool(((cluster >= -1) & (cluster < content.clusters)).all()), "a cluster number is out of range")
    for name in ("distance", *(n for n in get_args(FilterBy) if n in table.column_names)):
        require(pa.types.is_floating(table.column(name).type), f"{name} is of type {table.column(name).type}")
        _require_finite(table.column(name).to_numpy()[cluster >= 0], name)
    attached = spectrum["attached_rows"]
    landmarks = spectrum.get("landmark_rows", attached)  # of a clustering of all proposals there are none
    for numbers, what in ((attached, "an attached row"), (landmarks, "a landmark")):
        inside = numbers.ndim == 1 and bool(((numbers >= 0) & (numbers < len(rows))).all())
        require(inside and numbers.dtype.kind == "i", f"{what} is out of range")
    require(spectrum["eigenvalues"].ndim == 1, "the eigenvalues are not a list")
    require(all(spectrum[name].ndim == 0 for name in SINGLE_FACTS), "a fact of the clustering is not a single value")
    check_facts({name: spectrum[name].item() for name in SINGLE_FACTS})


def _how_many(folder: Path, content: BundleContent, _: int) -> None:
    path = folder / HOW_MANY
    require(path.stat().st_size <= MAX_JSON, f"{HOW_MANY} is too large")
    curves = HowMany.from_json(json.loads(path.read_text()))
    require(
        isinstance(curves.clusters, int) and 0 < curves.clusters <= max(len(content.proposals), 1),
        "an invalid number of clusters",
    )
    require(isinstance(curves.points, int) and isinstance(curves.reason, str), "points or reason is invalid")
    for curve in curves.curves:
        require(curve.name in get_args(CurveName) and isinstance(curve.reason, str), "an invalid curve")
        require(curve.suggestion is None or isinstance(curve.suggestion, int), "an invalid suggestion")
        flat = curve.x.ndim == curve.value.ndim == 1 and len(curve.x) == len(curve.value)
        require(flat and curve.x.dtype.kind in "if" and curve.value.dtype.kind in "if", "an invalid curve")


def _projection(folder: Path, content: BundleContent, _: int) -> None:
    table = _table(folder, {"proposal_id": TEXT})
    _require_same(table, content)
    for name in (f"{method}_{axis}" for method in MAP_METHODS for axis in "xy"):
        if name in table.column_names:
            require(pa.types.is_floating(table.column(name).type), f"{name} is of type {table.column(name).type}")
            _require_finite(table.column(name).to_numpy(), name)


def _pseudo_masks(folder: Path, content: BundleContent, _: int) -> None:
    table = _table(folder, {"image_id": TEXT, "file": TEXT})
    _require_ids(table.column("image_id"), content.sizes)
    for image_id, name in zip(*(table.column(c).to_pylist() for c in ("image_id", "file")), strict=True):
        require(is_plain(name) and (folder / name).is_file(), f"mask {name[:100]!r} is missing")
        with (folder / name).open("rb") as file:
            require(
                png_fits(file.read(64), content.sizes[image_id]), f"mask {name[:100]!r} has another size than its image"
            )


def _counts(folder: Path, content: BundleContent, classes: int) -> None:
    table = _table(folder, {"image_id": TEXT, "proposal_id": TEXT, "values": pa.list_(pa.int64(), classes)})
    _require_ids(table.column("image_id"), content.sizes, once=False)
    known_ids = pa.array([*content.proposals, ""], TEXT)
    require(
        bool(pc.all(pc.is_in(table.column("proposal_id"), value_set=known_ids)).as_py()), "a proposal is not in the run"
    )
    values = table.column("values").combine_chunks()
    require(values.null_count == 0 and values.flatten().null_count == 0, "an entry is missing")
    pixels = values.flatten().to_numpy().reshape(len(table), classes)
    limits = np.array([h * w for h, w in (content.sizes[i] for i in table.column("image_id").to_pylist())], np.int64)
    fits = (pixels >= 0).all(axis=1) & (pixels <= limits[:, None]).all(axis=1) if len(table) else np.ones(0, bool)
    require(bool(fits.all()) and bool((pixels.sum(axis=1) <= limits).all()), "more pixels than the image has")


CHECKS: dict[str, Callable[[Path, BundleContent, int], None]] = {  # in the order of their dependencies
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
    require(len(set(table.column_names)) == len(table.column_names), "two columns have the same name")
    for name, kind in columns.items():
        require(name in table.column_names, f"its table has no column {name}")
        actual = table.column(name).type
        matches = kind is None or actual == kind or (pa.types.is_fixed_size_list(kind) and _same_lists(actual, kind))
        require(matches, f"its column {name} is of type {actual}, not {kind}")
    return table


def _same_lists(first: pa.DataType, second: pa.DataType) -> bool:
    """Whether both are lists of the same size and type; the name of the inner field does not matter."""
    return bool(
        pa.types.is_fixed_size_list(first)
        and (first.list_size, first.value_type) == (second.list_size, second.value_type)
    )


def _require_ids(column: pa.ChunkedArray, valid: Mapping[str, Any] | None = None, *, once: bool = True) -> None:
    ids = column.to_pylist()
    require(None not in ids, "an id is missing")
    require(not once or len(set(ids)) == len(ids), "an id is listed twice")
    unknown = next((i for i in ids if valid is not None and i not in valid), None)
    require(unknown is None, f"image {str(unknown)[:100]!r} is not in the run")


def _require_same(table: pa.Table, content: BundleContent) -> None:
    ids = table.column("proposal_id").to_pylist()
    require(
        len(ids) == len(content.proposals) and set(ids) == set(content.proposals),
        "its proposals are not those of the run",
    )


def _integers(table: pa.Table, name: str) -> IntArray:
    column = table.column(name)
    require(pa.types.is_integer(column.type) and not column.null_count, f"{name} is of type {column.type}")
    values: IntArray = column.to_numpy().astype(np.int64)
    return values


def _require_finite(values: FloatArray, label: str, low: float = -np.inf, high: float = np.inf) -> None:
    step = max(1, (1 << 22) // max(1, int(np.prod(values.shape[1:]))))
    for start in range(0, len(values), step):
        part = np.asarray(values[start : start + step])
        require(
            bool(np.isfinite(part).all() and (part >= low).all() and (part <= high).all()),
            f"{label} is not finite" if low == -np.inf else f"{label} is outside {low:g} to {high:g}",
        )
