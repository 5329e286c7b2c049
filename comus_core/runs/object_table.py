"""The objects of a run as a table, one row each: what is known, decided and measured of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.object_measures import LOOK, SHAPE, object_measures
from comus_core.runs.run_view import RunView
from comus_core.types import OnProgress, no_progress
from comus_core.workspace.decisions import Decisions


def object_table(view: RunView, decided: Decisions, on_progress: OnProgress = no_progress) -> pa.Table:
    """All objects of a run as decided: proposals in the order of the run, then drawn objects.

    Columns: `id`, `image_id`, `category` (stable id, null in none), `name`, `cluster` (as the clustering made it, null
    for none), `core`, `distance` (cosine to the centre, null in no category), `score` (0…1), `x0, y0, x1, y1` (pixels,
    end exclusive), `area` (pixels), `area_share` (of the image), those of `object_measures`, `accepted`, `by_hand`
    (moved to its category or drawn by a person), `erased`, `excluded` (its image), and with ground truth `class`.

    Raises:
        WorkspaceError: an artifact is gone.
    """
    objects = decided_objects(view, decided)
    masks, inside, m = objects.masks, objects.category >= 0, len(objects.drawn)
    names = {k: decided.name_of(k) for k in view.categories(decided).ids}
    ids, cluster = [str(i) for i in objects.ids], np.concatenate([view.cluster, np.full(m, -1, np.int32)])
    boxes = dict(zip(("x0", "y0", "x1", "y1"), masks.box_xyxy.T, strict=True))
    category = np.where(inside, objects.id_of, -1)
    columns: dict[str, pa.Array] = {
        "id": pa.array(ids, pa.string()),
        "image_id": pa.array(masks.image_id, pa.string()),
        "category": pa.array(category, pa.int32(), mask=~inside),
        "name": pa.array([names.get(k, "") for k in category.tolist()], pa.string()),
        "cluster": pa.array(cluster, pa.int32(), mask=cluster < 0),
        "core": pa.array(objects.core, pa.bool_()),
        "distance": pa.array(objects.distance, pa.float32(), mask=~inside | np.isnan(objects.distance)),
        "score": pa.array(masks.score, pa.float32(), from_pandas=True),
        **{name: pa.array(values, pa.int32()) for name, values in boxes.items()},
        "area": pa.array(masks.area, pa.int64()),
        "area_share": pa.array(masks.area / masks.size_hw.astype(np.int64).prod(axis=1), pa.float64()),
    }
    measured = object_measures(view, decided, on_progress)
    place = {name: row for row, name in enumerate(measured.column("id").to_pylist())}
    rows = pa.array([place.get(name) for name in ids], pa.int64())  # null where nothing is left of a mask
    for name in (*SHAPE, *LOOK):
        columns[name] = measured.column(name).combine_chunks().take(rows)
    columns |= {
        "accepted": pa.array(objects.accepted, pa.bool_()),
        "by_hand": pa.array(objects.by_hand, pa.bool_()),
        "erased": pa.array(objects.erased, pa.bool_()),
        "excluded": pa.array(objects.excluded, pa.bool_()),
    }
    if view.has_truth:
        truth = [view.classes[k] if k >= 0 else None for k in objects.truth_class.tolist()]
        columns["class"] = pa.array(truth, pa.string())
    return pa.table(columns)
