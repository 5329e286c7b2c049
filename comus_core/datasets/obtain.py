"""A published data set brought to a folder: downloaded, checked, unpacked, and its split made where it needs one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from comus_core.datasets.archives import fetch, unpack
from comus_core.datasets.published import VOC2012_IMAGES, published
from comus_core.datasets.trainaug import make_trainaug
from comus_core.errors import DatasetError
from comus_core.text import counted, size
from comus_core.types import OnProgress, no_progress

VOC2012 = Path("VOCdevkit", "VOC2012")
SBD = Path("benchmark_RELEASE", "dataset")


def obtain(
    name: str,
    folder: Path,
    *,
    keep: bool = False,
    log: Callable[[str], None] = lambda _: None,
    on_progress: OnProgress = no_progress,
) -> list[str]:
    """Bring a published data set to a folder; what is there is not downloaded again.

    Args:
        name: a key of `PUBLISHED`.
        folder: where VOCdevkit/, or train2017/, val2017/ and annotations/, are to be.
        keep: keep the archives after they were unpacked.
        log: called with what a person should know.
        on_progress: gets bytes or members done and in all; raising `Cancelled` in it keeps what has come.

    Returns:
        The strings by which its splits are opened.

    Raises:
        DatasetError: no such data set, too little disk, no network, a file that is not the published one, or a data set
            that is needed before is not in the folder.
    """
    wanted = published(name)
    if wanted.needs is not None and not (folder / VOC2012 / "ImageSets").is_dir():
        raise DatasetError(
            f"{name} adds masks to {wanted.needs}: `comus datasets download {wanted.needs} --to {folder}`"
        )
    _require_disk(folder, sum(2 * (archive.n_bytes or 0) for archive in wanted.archives))
    files = []
    for archive in wanted.archives:
        files.append(fetch(archive, folder, on_progress))
        log(f"{archive.filename}: {'checked' if archive.checksum else 'its checksum is not known here'}")
        unpack(files[-1], folder, on_progress)
    if name == "voc2012-trainaug":
        found = len(make_trainaug(folder / VOC2012, folder / SBD, on_progress))
        log(f"trainaug: {counted(found, 'image')} (published: {VOC2012_IMAGES['trainaug']:,})")
        if not keep:
            shutil.rmtree(folder / SBD.parts[0])
    if not keep:
        for file in files:
            file.unlink()
    return [wanted.spec.replace("ROOT", str(folder)).replace("SPLIT", split) for split in wanted.images]


def _require_disk(folder: Path, needed: int) -> None:
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise DatasetError(f"{folder}: {size(free)} are free, but archives and images need about {size(needed)}")
