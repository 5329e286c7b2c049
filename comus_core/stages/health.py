"""The health stage: what can be measured of every usable picture, for the report on a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from comus_core.datasets.health_measures import LONGEST, measure
from comus_core.datasets.reading import read_ahead
from comus_core.runs import artifact_readers as tables
from comus_core.stages.context import StageContext
from comus_core.workspace import Artifact
from comus_core.workspace.shards import Tick


def health(context: StageContext, images: Artifact) -> Artifact:
    """Brightness, sharpness, contrast and hash of each usable image: see `images.measures.Measures`."""

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        measures = []
        for picture in read_ahead(context.dataset, ids, 2 * LONGEST):
            measures.append(measure(picture))
            tick(1)
        return pa.table(
            {
                "image_id": pa.array(ids, pa.string()),
                "brightness": pa.array([m.brightness for m in measures], pa.float64()),
                "sharpness": pa.array([m.sharpness for m in measures], pa.float64()),
                "contrast": pa.array([m.contrast for m in measures], pa.float64()),
                "hash": pa.array([m.hash for m in measures], pa.uint64()),
            }
        )

    return context.make("health", context.key("health", {}, images=images), tables.usable_ids(images), work)
