"""The images stage: every file looked at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa

from comus_core import run_tables as tables
from comus_core.errors import DatasetError
from comus_core.stages.context import StageContext
from comus_core.workspace import Artifact
from comus_core.workspace.artifacts import Tick, digest


def check_images(context: StageContext) -> Artifact:
    """Look at every file once: size, pixel hash, or the reason why it is set aside."""
    from comus_core.images.checking import CHECK_SCHEMA
    from comus_core.images.checking import check_images as check

    dataset = context.dataset
    schema = CHECK_SCHEMA.append(pa.field("bytes", pa.int64())).append(pa.field("sha256", pa.string()))
    hashes = context.workspace.hash_files(file.path for file in dataset.files)
    by_id = {file.image_id: file for file in dataset.files}
    manifest = [[f.image_id, f.relative, *hashes[f.path]] for f in dataset.files]
    set_aside = [[s.path, s.reason] for s in dataset.set_aside]

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

    key = context.key("images", {}, manifest=digest(manifest), set_aside=digest(set_aside))
    return context.make("images", key, list(by_id), work, instead=given_up)


def require_usable(context: StageContext, images: Artifact) -> None:
    """Raise `DatasetError` if not one image can be used."""
    if not tables.usable_ids(images):
        reasons = "; ".join(f"{s['path']}: {s['reason']}" for s in tables.skipped_files(images)[:3])
        raise DatasetError(
            f"{context.dataset.spec}: none of the {len(context.dataset.files)} files is usable ({reasons})"
        )


def require_unchanged(before: Artifact, now: Artifact, image_ids: Iterable[str]) -> None:
    """Raise `DatasetError` at the first of these images that is no longer the file it was.

    Args:
        before: the images as a run saw them.
        now: the images as they are.
        image_ids: of images that the run could use.
    """
    if before == now:
        return
    was, is_now = (dict(zip(*a.table(["image_id", "sha256"]).to_pydict().values(), strict=True)) for a in (before, now))
    for image_id in image_ids:
        if is_now.get(image_id) != was[image_id]:
            fault = "has changed" if image_id in is_now else "is gone"
            raise DatasetError(
                f"image {image_id} {fault} since objects were found in it: put the old file back, or discover anew "
                "(`comus run`) and train that run"
            )


def check_truth(context: StageContext, images: Artifact) -> None:
    """Read every ground-truth mask once, so that a bad one stops the run before its long work, not after it.

    Raises:
        DatasetError: the first mask that cannot be used.
    """
    from comus_core.images.checking import check_truth as check

    ids = tables.usable_ids(images)
    key = context.key("truth", {}, images=images, truth=context.truth_fingerprint())
    context.make("images", key, None, lambda _: check(context.dataset, ids))
