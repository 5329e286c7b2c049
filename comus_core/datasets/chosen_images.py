"""The images of a data set that a run uses: all, or those that its settings choose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from comus_core.config import RunConfig
from comus_core.datasets.dataset import open_dataset
from comus_core.datasets.records import Dataset
from comus_core.errors import DatasetError
from comus_core.text import counted, first_of
from comus_core.types import ImageId


def open_chosen(config: RunConfig, drawings: Path) -> Dataset:
    """Open the data set of a run with the images that its settings choose.

    Raises:
        DatasetError: as `open_dataset` and `choose`.
    """
    return choose(open_dataset(config.dataset, drawings, config.truth), config.only, config.exclude)


def choose(dataset: Dataset, only: Sequence[str] = (), exclude: Sequence[str] = ()) -> Dataset:
    """The data set with some of its images.

    Args:
        dataset: opened.
        only: ids, or paths below its folder, of the images to use; none are all.
        exclude: ids or paths of images to leave out, from `only` too.

    Returns:
        It, with the number of images left out and the names that are no image of it.

    Raises:
        DatasetError: no image is left.
    """
    if not only and not exclude:
        return dataset
    wanted, unknown_wanted = ids_of(dataset, only)
    left_out, unknown_out = ids_of(dataset, exclude)
    files = tuple(f for f in dataset.files if (not only or f.image_id in wanted) and f.image_id not in left_out)
    unknown = (*unknown_wanted, *unknown_out)
    if not files:
        raise DatasetError(_none_left(dataset, only, wanted, unknown_wanted))
    return replace(dataset, files=files, excluded=len(dataset.files) - len(files), unknown=unknown)


def ids_of(dataset: Dataset, names: Iterable[str]) -> tuple[set[ImageId], list[str]]:
    """The ids of images that are named by id or by path, and the names that are neither."""
    names = list(names)
    by_path = {file.relative: file.image_id for file in dataset.files} if names else {}
    ids = {name: name if name in dataset.by_id else by_path.get(name) for name in names}
    return {i for i in ids.values() if i is not None}, [name for name, i in ids.items() if i is None]


def unknown_words(unknown: Sequence[str]) -> str:
    """What to say of names that are no image of the data set; '' for none."""
    if not unknown:
        return ""
    verb = "is" if len(unknown) == 1 else "are"
    return f"{counted(len(unknown), 'image')} named in the settings {verb} not in the data set: {first_of(unknown)}"


def _none_left(dataset: Dataset, only: Sequence[str], wanted: set[str], unknown: Sequence[str]) -> str:
    if only and not wanted:
        return f"{dataset.spec}: none of the {len(only)} images to use is in the data set ({first_of(unknown)})"
    total = len(wanted) if only else len(dataset.files)
    return f"{dataset.spec}: all {counted(total, 'image')} are excluded: include at least one of them"
