"""A published data set brought to a folder: downloaded, checked, unpacked, and its split made where it needs one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from comus_core.datasets.archives import fetch, unpack
from comus_core.datasets.published import VOC2012_IMAGES, Archive, PublishedDataset, published
from comus_core.datasets.published_state import specs_in
from comus_core.datasets.trainaug import make_trainaug
from comus_core.errors import DatasetError
from comus_core.files.atomic import write_bytes
from comus_core.files.output_folder import locked
from comus_core.person import require_operator
from comus_core.text import counted, size
from comus_core.types import OnProgress, Progress, no_progress

VOC2012 = Path("VOCdevkit", "VOC2012")


def obtain(
    name: str,
    folder: Path,
    *,
    keep: bool = False,
    again: bool = False,
    log: Callable[[str], None] = lambda _: None,
    on_progress: OnProgress = no_progress,
) -> list[str]:
    """Bring a published data set to a folder; what an earlier call brought there is not downloaded again.

    Archives and folders that were there before stay; those of this call go once they are unpacked.

    Args:
        name: a key of `PUBLISHED`.
        folder: where VOCdevkit/, or train2017/, val2017/ and annotations/, are to be.
        keep: keep the archives after they were unpacked.
        again: also where an earlier call brought it, such as after files were removed.
        log: called with what a person should know.
        on_progress: gets bytes or members done and in all, its stage `download`, `checksum` or `unpacking` and the
            archive's name; raising `Cancelled` in it keeps what has come.

    Returns:
        The strings by which its splits are opened.

    Raises:
        DatasetError: no such data set, too little disk, no network, a file that is not the published one, or a data set
            that is needed before is not in the folder.
        WorkspaceError: another process is bringing one to the same folder.
        NotAllowedError: who acts here may only look.
    """
    require_operator()
    wanted = published(name)
    if wanted.needs is not None and not (folder / VOC2012 / "ImageSets").is_dir():
        raise DatasetError(
            f"{name} adds masks to {wanted.needs}: `comus datasets download {wanted.needs} --to {folder}`"
        )
    specs = list(specs_in(wanted, folder).values())
    done = _mark(name, folder)
    if was_obtained(name, folder) and not again:
        log(f"{name} was brought to {folder} before; `comus datasets check` says whether all of it is still there")
        return specs
    with _made_and_locked(folder):
        done.unlink(missing_ok=True)  # a stop in the middle leaves nothing that says it is all there
        _bring(wanted, folder, keep, log, on_progress)
        write_bytes(done, b"")
    return specs


def _bring(
    wanted: PublishedDataset, folder: Path, keep: bool, log: Callable[[str], None], on_progress: OnProgress
) -> None:
    """Download, check and unpack what is missing."""
    brought = [place for place in _places(wanted, folder) if place.exists()]
    _require_disk(folder, sum(_needed(archive, folder) for archive in wanted.archives))
    for archive in wanted.archives:
        told = _of_archive(archive, on_progress)
        file = fetch(archive, folder, told)
        log(f"{archive.filename}: {'checked' if archive.checksum else 'its checksum is not known here'}")
        unpack(file, folder, told)
    if wanted.source is not None:
        found = len(make_trainaug(folder / VOC2012, folder / wanted.source / "dataset", on_progress))
        log(f"trainaug: {counted(found, 'image')} (published: {VOC2012_IMAGES['trainaug']:,})")
    for place in _places(wanted, folder) if not keep else []:
        if place not in brought:
            shutil.rmtree(place) if place.is_dir() else place.unlink()


@contextmanager
def _made_and_locked(folder: Path) -> Iterator[None]:
    """The folder, made if it is missing, while no other process downloads to it.

    Raises:
        DatasetError: it cannot be made.
        WorkspaceError: another process is at work there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"{folder}: {error.strerror or error}; choose another folder") from None
    with locked(folder, "wait until it has ended, or choose another folder"):
        yield


def was_obtained(name: str, folder: Path) -> bool:
    """Whether `obtain` brought a data set to a folder before; some of it may be gone since."""
    return _mark(name, folder).is_file()


def _mark(name: str, folder: Path) -> Path:
    return folder / f".comus-{name}"


def _of_archive(archive: Archive, on_progress: OnProgress) -> OnProgress:
    """Progress told with the name of the archive that it is of."""
    return lambda told: on_progress(Progress(f"{told.stage} {archive.filename}", told.step, told.total))


def _places(wanted: PublishedDataset, folder: Path) -> list[Path]:
    """What is not needed once the data set is there: its archives, and the folder that only masks were made of."""
    archives = [folder / archive.filename for archive in wanted.archives]
    return [*archives, *([folder / wanted.source] if wanted.source is not None else [])]


def _needed(archive: Archive, folder: Path) -> int:
    """Bytes of disk for what is missing of an archive, and for what is in it."""
    size_known = archive.n_bytes or 0
    there = (folder / archive.filename, folder / f"{archive.filename}.part")
    return 2 * size_known - min(size_known, sum(file.stat().st_size for file in there if file.is_file()))


def _require_disk(folder: Path, needed: int) -> None:
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise DatasetError(f"{folder}: {size(free)} are free, but archives and images need about {size(needed)}")
