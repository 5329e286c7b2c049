"""The images stage: every file looked at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from comus_core.errors import DatasetError
from comus_core.runs import artifact_readers as tables
from comus_core.runs.run_truth import other_photograph
from comus_core.stages.context import StageContext
from comus_core.workspace import Artifact, ArtifactKey
from comus_core.workspace.artifacts import TABLE, digest
from comus_core.workspace.shards import Tick


def images_key(context: StageContext) -> ArtifactKey:
    """What decides the checked images: relative path, size and content of every file, and what is set aside."""
    dataset, hashes = context.dataset, context.image_hashes
    manifest = [[f.image_id, f.relative, *hashes[f.path]] for f in dataset.files]
    set_aside = [[s.path, s.reason] for s in dataset.skipped]
    return context.key("images", {}, manifest=digest(manifest), set_aside=digest(set_aside))


def check_images(context: StageContext) -> Artifact:
    """Look at every file once: size, pixel hash, or the reason why it is set aside."""
    from comus_core.datasets.truth_check import CHECK_SCHEMA
    from comus_core.datasets.truth_check import check_images as check

    by_id, hashes = context.dataset.by_id, context.image_hashes
    schema = CHECK_SCHEMA.append(pa.field("bytes", pa.int64())).append(pa.field("sha256", pa.string()))

    def work(ids: Sequence[str], tick: Tick, _: Path) -> pa.Table:
        files = [by_id[i] for i in ids]
        table = check(files, tick)
        sizes, digests = zip(*(hashes[f.path] for f in files), strict=True)
        return table.append_column("bytes", pa.array(sizes, pa.int64())).append_column(
            "sha256", pa.array(digests, pa.string())
        )

    def given_up(image_id: str, reason: str) -> pa.Table:
        row = dict.fromkeys(schema.names) | {"image_id": image_id, "path": by_id[image_id].relative, "reason": reason}
        row["bytes"], row["sha256"] = hashes[by_id[image_id].path]
        return pa.Table.from_pylist([row], schema=schema)

    return context.make("images", images_key(context), list(by_id), work, instead=given_up)


def require_usable(context: StageContext, images: Artifact) -> None:
    """Raise `DatasetError` if not one image can be used."""
    if not tables.usable_ids(images):
        reasons = "; ".join(f"{s['path']}: {s['reason']}" for s in tables.skipped_files(images)[:3])
        raise DatasetError(
            f"{context.dataset.spec}: none of the {len(context.dataset.files)} files is usable ({reasons})"
        )


def require_unchanged(before: Artifact, now: Artifact, image_ids: Iterable[str]) -> None:
    """Raise `DatasetError` at the first of these images that is no longer the file it was.

    `image_ids` are those of images that the run could use.
    """
    if before == now:
        return
    was, is_now = (dict(zip(*a.table(["image_id", "sha256"]).to_pydict().values(), strict=True)) for a in (before, now))
    for image_id in image_ids:
        if is_now.get(image_id) != was[image_id]:
            raise other_photograph(image_id, "has changed" if image_id in is_now else "is gone")


def check_truth(context: StageContext, images: Artifact) -> None:
    """Read every ground-truth mask once, so that a bad one stops the run before its long work, not after it.

    What is found becomes the context's `truth_report`; nothing is done without ground truth.

    Raises:
        DatasetError: the first mask that cannot be used, or there is none that can.
    """
    from comus_core.datasets.truth_check import check_truth as check

    report = context.dataset.truth_report
    if context.dataset.truth is None or report is None:
        return
    ids = tables.usable_ids(images)

    def work(folder: Path) -> None:
        checked = check(context.dataset, ids)
        if not any(checked.column("labelled").to_pylist()):
            raise DatasetError(
                f"{context.dataset.spec}: no image can be scored ({report.with_masks(checked).line}); mend that, or "
                "set truth.read to false for a run without ground truth"
            )
        pq.write_table(checked, folder / TABLE)

    key = context.key("truth", {}, images=images, truth=context.truth_fingerprint())
    context.truth_report = report.with_masks(context.make("images", key, None, work).table())
