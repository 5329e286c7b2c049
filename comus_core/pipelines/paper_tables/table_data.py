"""The data sets of a table on this machine: those that were named, else the paper's below a folder. No torch."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from comus_core.config import TruthSettings
from comus_core.datasets.dataset import absolute, open_dataset
from comus_core.errors import DatasetError
from comus_core.pipelines.paper_tables.table_settings import TableSettings
from comus_core.pipelines.paper_tables.table_spec import ROLE_WORDS, PaperTable, Role, RoleName
from comus_core.text import counted
from comus_core.types import ImageId
from comus_core.workspace import Workspace

ROOT_VARIABLE = "COMUS_DATA"


@dataclass(frozen=True)
class TableData:
    """A data set in its role.

    Attributes:
        role: what the table does with it.
        title: of the paper's data set.
        dataset: its string, None where it is missing.
        images: how many are used.
        published: how many the paper's split has, None if not known.
        only: ids of the images that were drawn; empty for all.
        own: whether a person named it, so that it may be another data set than the paper's.
        left_out: images with few labelled pixels, which the settings leave out as the paper's code does.
        obtain: how to get the paper's; "" where it is there.
    """

    role: RoleName
    title: str
    dataset: str | None
    images: int
    published: int | None
    only: tuple[ImageId, ...] = ()
    own: bool = False
    left_out: int = 0
    obtain: str = ""

    @property
    def complete(self) -> bool:
        """Whether it has as many images as the paper's split, with those that a rule leaves out."""
        return self.dataset is not None and not self.only and self.images + self.left_out == self.published

    @property
    def words(self) -> str:
        """One line: what it is, and how far it is the paper's."""
        said = f"{ROLE_WORDS[self.role]}: "
        if self.dataset is None:
            instead = " Until then round 2 learns from the images of round 1." if self.role == "more" else ""
            return f"{said}{self.title} is not here. {self.obtain}{instead}"
        count = counted(self.images, "image") + (", drawn at random" if self.only else "")
        count += f", without {self.left_out} with few labelled pixels" if self.left_out else ""
        if self.complete:
            return f"{said}{self.dataset}: {count}, as many as {self.title} has"
        if self.published is None:
            return f"{said}{self.dataset}: {count} ({self.title})"
        return f"{said}{self.dataset}: {count}; not the paper's {self.title}, of which there are {self.published:,}"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, without the ids."""
        values = asdict(self) | {"words": self.words, "complete": self.complete, "drawn": bool(self.only)}
        values.pop("only")
        return values


def data_of(table: PaperTable, settings: TableSettings, workspace: Workspace) -> dict[RoleName, TableData]:
    """The data set of every role; of those that are missing how to get them.

    Named data sets stand in for the paper's: without `train`, clusters are found in the one that is scored; without
    `more`, later rounds learn from that of `train`.

    Raises:
        DatasetError: a data set that was named cannot be opened, or has no ground truth for this table.
    """
    named: dict[RoleName, str | None] = {"scored": settings.dataset, "train": settings.train, "more": settings.more}
    named["train"] = named["train"] or named["scored"]
    named["more"] = named["more"] or named["train"]
    found = {}
    for role in table.roles:
        spec = named[role.name]
        found[role.name] = (
            _named(table, role, spec, settings, workspace) if spec else _papers(role, settings, workspace)
        )
    return found


def require_data(data: dict[RoleName, TableData]) -> None:
    """Raise `DatasetError` unless every data set that a table cannot do without is here; says how to get it."""
    missing = [one.words for one in data.values() if one.dataset is None and one.role != "more"]
    if missing:
        raise DatasetError("; ".join(missing))


def spec_of(data: dict[RoleName, TableData], role: RoleName) -> str:
    """The string of a role's data set; of `train` and `more` that of the role before, where there is none."""
    before: dict[RoleName, RoleName] = {"more": "train", "train": "scored"}
    one = data.get(role)
    if one is not None and one.dataset is not None:
        return one.dataset
    return spec_of(data, before[role])


def _named(table: PaperTable, role: Role, spec: str, settings: TableSettings, workspace: Workspace) -> TableData:
    dataset = open_dataset(spec, workspace.drawings, settings.truth)
    if table.kind == "image classes" and dataset.image_classes is None:
        raise DatasetError(
            f"{spec} does not say of which class an image is: open it as `classes:FOLDER`, with a folder for each class"
        )
    if table.kind != "image classes" and role.name == "scored" and dataset.truth is None:
        raise DatasetError(f"{spec} has no ground truth, so that there is nothing to score table {table.number} by")
    ids, only = [file.image_id for file in dataset.files], tuple[str, ...]()
    if settings.images is not None and settings.images < len(ids):
        rows = np.random.default_rng(0).permutation(len(ids))[: settings.images]
        only = tuple(sorted(ids)[row] for row in sorted(rows))
    left_out = sum("truth.least_pixels" in file.reason for file in dataset.skipped)
    count = len(only or ids)
    return TableData(role.name, role.title, absolute(spec), count, role.images, only, own=True, left_out=left_out)


def _papers(role: Role, settings: TableSettings, workspace: Workspace) -> TableData:
    root = settings.root or os.environ.get(ROOT_VARIABLE)
    # Counting labelled pixels leaves images out; nothing else of the masks is needed to plan.
    how = settings.truth if settings.truth.least_pixels else TruthSettings(read=False)
    fault = ""
    for place in role.places if root else ():
        spec = place.format(root=Path(str(root)).expanduser())
        try:
            dataset = open_dataset(spec, workspace.drawings, how)
        except DatasetError as error:
            fault = fault or f"{error}. "  # of the first place, where it should be
            continue
        left_out = sum("truth.least_pixels" in file.reason for file in dataset.skipped)
        count = len(dataset.files)
        return TableData(role.name, role.title, absolute(spec), count, role.images, left_out=left_out)
    return TableData(role.name, role.title, None, 0, role.images, obtain=fault + _how(role, root))


def _how(role: Role, root: str | None) -> str:
    """What to do to have it."""
    option = "--dataset" if role.name == "scored" else f"--{role.name}"
    searched = f"It was looked for in {root}. " if root else ""
    if not role.published:
        return f"{searched}Name yours: `{option} classes:FOLDER`, with a folder for each class."
    needs = "`comus datasets download voc2012 --to FOLDER`, then " if role.published == "voc2012-trainaug" else ""
    return (
        f"{searched}Get it: {needs}`comus datasets download {role.published} --to FOLDER`, then `--root FOLDER`; or "
        f"name another: `{option} DATASET`."
    )
