"""The pseudo-mask and evaluation stages: what is written and counted pixel by pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from comus_core.curation.mask_decisions import mask_settings
from comus_core.datasets.records import GroundTruth
from comus_core.errors import DatasetError
from comus_core.files.atomic import write_bytes
from comus_core.files.file_kinds import EXTENSIONS
from comus_core.files.file_names import file_names
from comus_core.runs import artifact_readers as tables
from comus_core.runs.drawn_objects import drawn_objects
from comus_core.runs.redrawn_masks import with_redrawn
from comus_core.stages.context import StageContext
from comus_core.types import BoolMask, IntArray
from comus_core.workspace import Artifact
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.shards import Tick


def pseudo_masks(context: StageContext, artifacts: Mapping[str, Artifact], decided: Decisions) -> Artifact:
    """Index masks of the images with a kept proposal or drawn object, as PNG under `masks/`: the first training set."""
    from comus_core.proposals.pseudo_masks import pseudo_mask, to_png, training_images

    images, proposals, clusters = (artifacts[kind] for kind in ("images", "proposals", "clustering"))
    all_proposals, table = tables.read_proposals(proposals), tables.read_clusters(clusters)
    all_proposals = with_redrawn(all_proposals, None, decided.layout.redrawn)
    categories, category, keep = tables.decided_rows(all_proposals, table, decided)
    erased, sizes = decided.layout.erased, tables.image_sizes(images)
    drawn = drawn_objects(decided.layout, table.count, sizes)
    rows_of = tables.rows_by_image(all_proposals)
    file_of = mask_files([*rows_of, *(i for i in drawn.rows_of_image if i not in rows_of)])

    def work(ids: Sequence[str], tick: Tick, folder: Path) -> pa.Table:
        files = []
        for image_id in ids:
            found = [row for row in rows_of.get(image_id, []) if all_proposals.proposal_id[row] not in erased]
            rows = np.array(found, np.int64)
            objects = drawn.joined(image_id, all_proposals[rows], category[rows], keep[rows])
            mask = pseudo_mask(*objects, sizes[image_id], len(categories.ids))
            files.append(file_of[image_id])
            write_bytes(folder / files[-1], to_png(mask))
            tick(1)
        return pa.table({"image_id": pa.array(ids, pa.string()), "file": pa.array(files, pa.string())})

    values = mask_settings(decided, table.count, categories, category, keep)
    key = context.key("pseudo_masks", values, proposals=proposals, clustering=clusters)
    learned = training_images(
        np.concatenate([all_proposals.image_id, drawn.proposals.image_id]),
        np.concatenate([keep, drawn.category >= 0]),
    )
    return context.make("pseudo_masks", key, learned, work)


def counts(context: StageContext, images: Artifact, proposals: Artifact) -> Artifact:
    """Pixels of each class inside each proposal and in each image's remainder: the only pass over ground truth."""
    from comus_core.evaluation.counts import Counts
    from comus_core.machine.threads import Threads

    truth = context.dataset.truth
    assert truth is not None, "counts need ground truth: the caller checks"
    all_proposals = tables.read_proposals(proposals)
    rows_of = tables.rows_by_image(all_proposals)

    def counted(image_id: str) -> IntArray:
        return _counted(image_id, truth, [all_proposals.mask(row) for row in rows_of.get(image_id, [])])

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        images_of, proposals_of, values = [], [], []
        with Threads() as threads:
            for image_id, table in zip(ids, threads.each(counted, ids), strict=True):
                rows = rows_of.get(image_id, [])
                values.append(table)
                images_of += [image_id] * len(table)
                proposals_of += [*all_proposals.proposal_id[rows], ""]
                tick(1)
        arrays = np.array(images_of, object), np.array(proposals_of, object), np.concatenate(values)
        return Counts(*arrays).to_table()

    ids = [i for i in tables.usable_ids(images) if truth.has(i) and i not in context.set_aside]
    missing = {"without": sorted(context.set_aside)} if context.set_aside else {}  # they are in no score
    key = context.key("counts", missing, proposals=proposals, truth=context.truth_fingerprint())
    return context.make("evaluation", key, ids, work)


def mask_files(image_ids: Sequence[str]) -> dict[str, str]:
    """Image id -> file of its mask: the same stem, as label tools want it; the whole id where two share a stem.

    What no file can be called, and what some file systems would take for one, is told apart: see `file_names`.
    """
    stems = {i: i.rsplit(".", 1)[0] if Path(i).suffix.lower() in EXTENSIONS else i for i in image_ids}
    return {
        i: f"masks/{name}" for i, name in file_names({i: (f"{s}.png", f"{i}.png") for i, s in stems.items()}).items()
    }


def _counted(image_id: str, truth: GroundTruth, masks: list[BoolMask]) -> IntArray:
    """(m + 1, n) pixels of one image; a fault names the image."""
    from comus_core.evaluation.counts import count_image

    try:
        return count_image(truth.mask(image_id), truth.ignore, masks, len(truth.classes))
    except DatasetError as error:
        raise DatasetError(f"image {image_id}: {error}") from None
