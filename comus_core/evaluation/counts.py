"""Pixels of each ground-truth class inside each proposal and in each image's remainder, counted in one pass.

Proposals of one image are disjoint, so the confusion of any filter percentage, merge or rejection is a sum of these
rows; no pixel is read twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from comus_core.errors import DatasetError, SettingsError
from comus_core.settings import require
from comus_core.types import BoolMask, ImageId, IndexMask, IntArray, ProposalId, StrArray

REMAINDER: ProposalId = ""  # the proposal id of an image's pixels outside all its proposals
BACKGROUND = -1  # the category of remainders and of dropped, rejected and unassigned proposals


def schema(n_classes: int) -> pa.Schema:
    """Columns of a stored table of counts."""
    values = pa.list_(pa.int64(), n_classes)
    return pa.schema([("image_id", pa.string()), ("proposal_id", pa.string()), ("values", values)])


@dataclass(frozen=True)
class Counts:
    """One row a proposal and one remainder row an image, images without proposals included.

    Attributes:
        image_id: (r,) str.
        proposal_id: (r,) str, "" for the remainder.
        values: (r, n_classes) int64 pixels; ignored pixels are in no column. Given as any such array, held as a
            SciPy `csr_array`: few classes meet in a proposal, so that 100,000 of them take 10 MB instead of 130.
    """

    image_id: StrArray
    proposal_id: StrArray
    values: Any

    def __post_init__(self) -> None:
        from scipy.sparse import csr_array

        object.__setattr__(self, "values", csr_array(self.values, dtype=np.int64))
        rows = (len(self.image_id), len(self.proposal_id), self.values.shape[0])
        require(
            len(set(rows)) == 1, f"counts: {rows[0]} image ids, {rows[1]} proposal ids and {rows[2]} rows of pixels"
        )

    def __len__(self) -> int:
        return len(self.proposal_id)

    def pixels(self, rows: IntArray | BoolMask) -> IntArray:
        """The pixels of the chosen rows, (m, n_classes) int64."""
        chosen: IntArray = self.values[rows].toarray()
        return chosen

    def without(self, image_ids: Set[ImageId]) -> Counts:
        """The rows of all other images."""
        if not image_ids:
            return self
        stay = np.array([image_id not in image_ids for image_id in self.image_id], bool)
        return self if stay.all() else Counts(self.image_id[stay], self.proposal_id[stay], self.values[stay])

    @property
    def n_classes(self) -> int:
        """How many classes the columns stand for, background included."""
        return int(self.values.shape[1])

    def to_table(self) -> pa.Table:
        """As an Arrow table of `schema(n_classes)`."""
        flat = pa.array(self.values.toarray().ravel())
        values = pa.FixedSizeListArray.from_arrays(flat, self.n_classes)
        columns = [pa.array(self.image_id, pa.string()), pa.array(self.proposal_id, pa.string()), values]
        return pa.table(columns, schema=schema(self.n_classes))

    @staticmethod
    def from_table(table: pa.Table) -> Counts:
        """From an Arrow table of `schema(n_classes)`."""
        return Counts.from_batches(table.schema, table.to_batches())

    @staticmethod
    def from_batches(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Counts:
        """From parts of a stored table, one held at a time."""
        from scipy.sparse import csr_array, vstack

        width = schema.field("values").type.list_size
        image_id, proposal_id = [np.zeros(0, object)], [np.zeros(0, object)]
        values = [csr_array((0, width), dtype=np.int64)]
        for batch in batches:
            image_id.append(batch.column("image_id").to_numpy(zero_copy_only=False))
            proposal_id.append(batch.column("proposal_id").to_numpy(zero_copy_only=False))
            values.append(csr_array(batch.column("values").flatten().to_numpy().reshape(-1, width)))
        return Counts(np.concatenate(image_id), np.concatenate(proposal_id), vstack(values, format="csr"))

    @cached_property
    def images(self) -> tuple[list[ImageId], IntArray]:
        """The m image ids in the order of their first row, and (r,) int64 the place of each row's image among them."""
        number_of = {image_id: number for number, image_id in enumerate(dict.fromkeys(self.image_id))}
        return list(number_of), np.fromiter((number_of[i] for i in self.image_id), np.int64, len(self))

    @cached_property
    def _proposals(self) -> tuple[IntArray, pa.Array]:
        """(m,) rows that are no remainders, and their proposal ids."""
        rows = np.flatnonzero(np.asarray(self.proposal_id) != REMAINDER)
        ids = pa.array(np.asarray(self.proposal_id)[rows], pa.string())
        different = pc.count_distinct(ids).as_py()
        require(
            different == len(ids),
            f"counts: {len(ids)} rows for {different} proposals: a proposal was counted twice; evaluate again",
        )
        return rows, ids

    def rows_of(self, proposal_ids: StrArray | Sequence[ProposalId]) -> IntArray:
        """The row of each proposal, (n,) int64; -1 where its image was not counted.

        Raises:
            SettingsError: a proposal has two rows, or none of the proposals has one although there are rows.
        """
        rows, known = self.find(proposal_ids), len(self._proposals[0])
        require(
            not (len(rows) and known and (rows < 0).all()),
            f"none of the {len(rows)} proposals is among the {known} that were counted: "
            "counts and clusters are of different proposals; evaluate again",
        )
        return rows

    def find(self, proposal_ids: StrArray | Sequence[ProposalId]) -> IntArray:
        """As `rows_of`, of ids of which it is no fault that none is there."""
        known, counted = self._proposals
        wanted = pa.array(np.asarray(proposal_ids, object), pa.string())
        place = pc.index_in(wanted, value_set=counted).fill_null(-1).to_numpy(zero_copy_only=False)
        rows: IntArray = np.append(known, -1)[place]  # −1 finds the last
        return rows


def count_image(truth: IndexMask, ignore: int | None, masks: Sequence[BoolMask], n_classes: int) -> IntArray:
    """Count one image: a row a proposal in the order given, then the remainder.

    Args:
        truth: (H, W) integers, class 0…n−1 or `ignore`.
        ignore: the ground truth's own ignore value, or None.
        masks: m disjoint (H, W) bool.
        n_classes: n, background included.

    Returns:
        (m + 1, n) int64 pixels.

    Raises:
        DatasetError: a mask of another size, masks that overlap, a class outside 0…n−1.
    """
    from comus_core.evaluation.joint_counts import OutOfRange, joint_counts  # loads numba

    for number, mask in enumerate(masks):
        if mask.shape != truth.shape:
            raise DatasetError(
                f"ground truth of {truth.shape[0]}x{truth.shape[1]} pixels (height x width) but proposal {number} of "
                f"{mask.shape[0]}x{mask.shape[1]}: give ground truth of the upright image's size"
            )
    try:
        return joint_counts(_owners(truth.shape, masks), truth, len(masks) + 1, n_classes, ignore)
    except OutOfRange as wrong:
        raise DatasetError(unknown_class(wrong.value, n_classes, ignore)) from None


def unknown_class(value: int, n_classes: int, ignore: int | None) -> str:
    """What to say of ground truth with a class that the data set does not have."""
    return (
        f"ground truth holds class {value}, but the data set has {n_classes} classes (0 to {n_classes - 1}; "
        f"ignore is {ignore}): correct the mask or the list of classes"
    )


def sum_rows(values: Any, group: IntArray, groups: int) -> IntArray:
    """Exact sums of the rows of each group: (r, n) int64, dense or sparse, and (r,) 0…groups−1 -> (groups, n) int64."""
    from scipy.sparse import csc_array, issparse

    # A product with the 0/1 matrix of membership reads every row once, in place: 9 times faster than sorting them.
    members = csc_array((np.ones(len(group), np.int64), group, np.arange(len(group) + 1)), shape=(groups, len(group)))
    sums = members.tocsr() @ values if issparse(values) else members @ values
    return np.asarray(sums.toarray() if issparse(sums) else sums, np.int64)


def check_categories(category: IntArray, C: int) -> None:
    """Raise `SettingsError` unless every category lies in -1…C−1."""
    wrong = category[(category < BACKGROUND) | (category >= C)]
    if len(wrong):
        raise SettingsError(f"predicted category {wrong[0]} of {C}: categories are 0 to {C - 1}, -1 is background")


def _owners(shape: tuple[int, ...], masks: Sequence[BoolMask]) -> IndexMask:
    """(H, W): the number of the mask that holds each pixel, m where none does; of as few bytes as hold m."""
    owner = np.full(shape, len(masks), np.min_scalar_type(len(masks)))
    area = 0
    for number, mask in enumerate(masks):
        owner[np.asarray(mask, bool)] = number
        area += int(np.count_nonzero(mask))
    if area != np.count_nonzero(owner < len(masks)):
        raise DatasetError(f"the {len(masks)} proposals of an image overlap: make the proposals again, disjoint")
    return owner
