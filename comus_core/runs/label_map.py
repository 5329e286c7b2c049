"""Which cluster is which category: the small, changeable layer that a person decides on top of immutable clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comus_core.errors import SettingsError
from comus_core.types import IntArray

REJECTED = -1


@dataclass(frozen=True, eq=False)
class LabelMap:
    """K clusters mapped onto C dense categories.

    Attributes:
        category_of: (K,) int32 category 0…C−1 of each cluster, -1 = rejected; every category has a cluster.
        names: (C,) names, which a person may give twice.

    Raises:
        SettingsError: a category outside -1…C−1, a category without a cluster, an empty name.
    """

    category_of: IntArray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "category_of", np.asarray(self.category_of, np.int32))
        numbers = set(self.category_of.tolist())
        if wrong := sorted(numbers - set(range(REJECTED, self.C))):
            raise SettingsError(f"label map: category {wrong[0]} has no name: use 0 to {self.C - 1}, or -1 to reject")
        if unused := sorted(set(range(self.C)) - numbers):
            raise SettingsError(f"label map: category {unused[0]} has no cluster: number the categories without gaps")
        if unnamed := [c for c, name in enumerate(self.names) if not name.strip()]:
            raise SettingsError(f"label map: category {unnamed[0]} has an empty name: give it one")

    @property
    def C(self) -> int:
        """How many categories there are."""
        return len(self.names)

    @property
    def ids(self) -> tuple[int, ...]:
        """(C,) stable id of each category: its smallest cluster.

        Dense numbers shift when another category is merged away or rejected; these do not.
        """
        return tuple(int(np.argmax(self.category_of == category)) for category in range(self.C))

    def categories(self, cluster: IntArray) -> IntArray:
        """The category of each cluster id.

        Args:
            cluster: (n,) integers, -1 = unassigned.

        Returns:
            (n,) int32, -1 where unassigned or rejected.

        Raises:
            SettingsError: a cluster that this map does not know.
        """
        cluster = np.asarray(cluster)
        wrong = cluster[(cluster < -1) | (cluster >= len(self.category_of))]
        if len(wrong):
            raise SettingsError(
                f"label map of {len(self.category_of)} clusters: given cluster {wrong[0]}; "
                "a label map belongs to one clustering, make a new one after clustering again"
            )
        return np.append(self.category_of, np.int32(REJECTED))[cluster]
