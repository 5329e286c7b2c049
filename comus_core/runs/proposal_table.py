"""Chosen proposals and drawn objects as a table: ids, boxes, categories, ground truth (`comus proposals`)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.errors import SettingsError
from comus_core.files.csv_file import csv_bytes
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import RunView
from comus_core.settings import check_choice
from comus_core.types import BoolMask, IntArray
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.selection_shapes import select
from comus_core.workspace.selections import Selection

TableFormat = Literal["csv", "parquet"]
TABLE_FORMATS: tuple[TableFormat, ...] = get_args(TableFormat)


def chosen_rows(view: RunView, selection: Selection, decided: Decisions) -> IntArray:
    """Rows of a selection, all for the empty one: by category, the nearest to its centre first, unassigned last."""
    return in_order(view, np.flatnonzero(chosen(view, selection)), decided)


def chosen(view: RunView, selection: Selection) -> BoolMask:
    """(n,) the proposals inside a selection, wherever other projections put them; all for the empty one."""
    if not selection.gestures:
        return np.ones(len(view), bool)
    return select(view.points(selection.method), selection.gestures)


def in_order(view: RunView, rows: IntArray, decided: Decisions) -> IntArray:
    """Rows by category, the nearest to its centre first; unassigned ones last."""
    categories = view.categories(decided)
    category = np.where(categories.category[rows] < 0, len(categories.ids), categories.category[rows])
    return np.asarray(rows[np.lexsort((categories.distance[rows], category))])


def proposal_table(view: RunView, rows: IntArray, decided: Decisions) -> pa.Table:
    """What is known of some objects, a row each in the order of `rows`, which are those of `DecidedObjects`.

    Columns: `proposal_id`, `image_id`, `x0, y0, x1, y1` (pixels, end exclusive), `area` (pixels), `confidence` (0 to 1,
    null of a drawn object), `cluster` (its category's stable id, −1 for none), `name`, `distance` (cosine to the
    centre, null in none and of a drawn object), `kept` by the filter as decided, whether its image is `excluded`, and
    with ground truth `class`, the one that fills most of it (null: not counted).
    """
    objects, rows = decided_objects(view, decided), np.asarray(rows, np.int64)
    masks, drawn, assigned = objects.masks, rows >= len(view), objects.category[rows] >= 0
    cluster = np.where(assigned, objects.id_of[rows], -1)
    name_of = {k: decided.name_of(k) for k in view.categories(decided).ids}
    boxes = dict(zip(("x0", "y0", "x1", "y1"), masks.box_xyxy[rows].T, strict=True))
    columns: dict[str, pa.Array] = {
        "proposal_id": pa.array(objects.ids[rows], pa.string()),
        "image_id": pa.array(objects.image_id[rows], pa.string()),
        **{name: pa.array(values, pa.int32()) for name, values in boxes.items()},
        "area": pa.array(masks.area[rows], pa.int64()),
        "confidence": pa.array(masks.score[rows], pa.float32(), mask=drawn),
        "cluster": pa.array(cluster, pa.int32()),
        "name": pa.array([name_of.get(k, "") for k in cluster.tolist()], pa.string()),
        "distance": pa.array(objects.distance[rows], pa.float32(), mask=drawn | ~assigned),
        "kept": pa.array(objects.core[rows], pa.bool_()),
        "excluded": pa.array(objects.excluded[rows], pa.bool_()),
    }
    if view.has_truth:
        truth = [view.classes[k] if k >= 0 else None for k in objects.truth_class[rows].tolist()]
        columns["class"] = pa.array(truth, pa.string())
    return pa.table(columns)


def encoded(table: pa.Table, kind: TableFormat, *, bom: bool = False) -> bytes:
    """The table as a CSV (see `csv_bytes`, with a byte order mark on request) or Parquet file.

    Raises:
        SettingsError: another format.
    """
    check_choice("table format", kind, TableFormat)
    if kind == "csv":
        return csv_bytes(table, bom=bom)
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def format_of(file: Path) -> TableFormat:
    """The format that a file's name asks for.

    Raises:
        SettingsError: it ends in neither `.csv` nor `.parquet`.
    """
    kind = next((kind for kind in TABLE_FORMATS if file.suffix.lower() == f".{kind}"), None)
    if kind is None:
        raise SettingsError(f"{file}: the name must end in {' or '.join(f'.{k}' for k in TABLE_FORMATS)}")
    return kind
