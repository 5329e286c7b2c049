"""Groups of images that are the same or nearly so: they must not be in two splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from comus_core.datasets.decoding import read_rgb
from comus_core.errors import ImageError
from comus_core.export.object_source import SourceImage
from comus_core.pipelines.verb_settings import HealthLimits
from comus_core.types import BoolMask, ImageId, IntArray, OnProgress
from comus_core.workspace import Artifact, ArtifactKey, Workspace
from comus_core.workspace.artifacts import digest
from comus_core.workspace.shards import Tick

KIND, VERSION = "export_hashes", 1
STAGE = "near duplicates"


def near_duplicates(
    workspace: Workspace, checked: Artifact, images: Sequence[SourceImage], on_progress: OnProgress
) -> list[list[ImageId]]:
    """Groups of two and more images with equal pixels, or with hashes as close as the check of the images calls near.

    The hashes are kept in the workspace. An image that cannot be read is near none.

    Args:
        workspace: where they are kept.
        checked: the artifact of the images.
        images: all of them, or some.
        on_progress: called at every image.
    """
    from comus_core.datasets.health_measures import groups_of, near_pairs

    ids = [image.id for image in images]
    equal: defaultdict[str, list[int]] = defaultdict(list)
    for row, image in enumerate(images):
        equal[image.pixel_hash].append(row)
    pairs = [(rows[0], other) for rows in equal.values() for other in rows[1:]]
    hashes, meaningful = _hashes(workspace, checked, images, on_progress)
    rows = np.flatnonzero(meaningful)
    near = rows[near_pairs(hashes[rows], HealthLimits().near_bits)].reshape(-1, 2)
    joined = np.concatenate([np.array(pairs, np.int64).reshape(-1, 2), near])
    return [[ids[row] for row in group] for group in groups_of(joined, len(ids))]


def _hashes(
    workspace: Workspace, checked: Artifact, images: Sequence[SourceImage], on_progress: OnProgress
) -> tuple[IntArray, BoolMask]:
    """(n,) uint64 hash of each image, and whether the image has enough contrast for it to mean something."""
    path_of = {image.id: image.path for image in images}
    missing = sorted(image_id for image_id, path in path_of.items() if not path.is_file())

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        rows = []
        for image_id in ids:
            rows.append({"image_id": image_id, **_measured(path_of[image_id])})
            tick(1)
        schema = pa.schema([("image_id", pa.string()), ("contrast", pa.float64()), ("hash", pa.uint64())])
        return pa.Table.from_pylist(rows, schema=schema)

    key = ArtifactKey(
        KIND, VERSION, {"images": digest(sorted(path_of)), "missing": digest(missing)}, {"images": checked.fingerprint}
    )
    made = workspace.artifacts.make_sharded(key, list(path_of), work, stage=STAGE, on_progress=on_progress)
    table = made.table(["image_id", "contrast", "hash"])
    row_of = {image_id: row for row, image_id in enumerate(table.column("image_id").to_pylist())}
    rows = [row_of[image_id] for image_id in path_of]
    contrast, hashes = (table.column(name).to_numpy()[rows] for name in ("contrast", "hash"))
    return hashes, contrast >= HealthLimits().flat


def _measured(path: Path) -> dict[str, float | int]:
    from comus_core.datasets.health_measures import LONGEST, measure

    try:
        measures = measure(read_rgb(path, 2 * LONGEST))
    except ImageError:
        return {"contrast": 0.0, "hash": 0}
    return {"contrast": measures.contrast, "hash": measures.hash}
