"""What each decision on the clusters of a run can be asked for. A cluster is given by its id or by its name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from comus_core.config import FilterBy
from comus_core.settings import Percent, Seed, settings

NO_CLUSTER = "none"  # where proposals are moved to that are to be in no cluster


@settings
class RenameSettings:
    """Give a cluster a name."""

    cluster: str
    """The cluster's id or name."""
    name: str
    """Its new name."""


@settings
class ResetNameSettings:
    """Give a cluster its original name back, such as `cluster 7`."""

    cluster: str
    """The cluster's id or name."""


@settings
class MergeSettings:
    """Merge two clusters or more; the result keeps the smallest id."""

    clusters: tuple[str, ...]
    """Ids or names of the clusters."""


@settings
class SplitSettings:
    """Split a cluster by clustering its proposals again; the largest part keeps its id."""

    cluster: str
    """The cluster's id or name."""
    parts: Annotated[int, Field(ge=2, le=20)] = 2
    """The number of parts."""
    seed: Seed | None = None
    """Seed of the clustering; default: the run's."""


@settings
class RejectSettings:
    """Reject clusters: background in scores, absent from training labels."""

    clusters: tuple[str, ...]
    """Ids or names of the clusters."""


@settings
class RestoreSettings:
    """Restore rejected clusters."""

    clusters: tuple[str, ...]
    """Ids or names of the clusters."""


@settings
class MoveSettings:
    """Move proposals to another cluster; the filter keeps them there."""

    proposals: tuple[str, ...]
    """Ids of the proposals."""
    to: str
    """The cluster to move them to; `none` rejects the proposals."""


@settings
class AcceptSettings:
    """Keep proposals in training at every filter percentage."""

    proposals: tuple[str, ...]
    """Ids of the proposals."""


@settings
class EraseSettings:
    """Erase the masks of proposals: their pixels are background."""

    proposals: tuple[str, ...]
    """Ids of the proposals."""


@settings
class FilterSettings:
    """Set the percentage of each cluster that is left out of training, the least certain proposals first."""

    percent: Percent | None = None
    """Percent of the proposals to leave out; default: unchanged."""
    cluster: str | None = None
    """Id or name of a single cluster; default: all clusters, which removes their own percentages."""
    by: FilterBy | None = None
    """What ranks the proposals by uncertainty; default: unchanged."""


@settings
class UndoSettings:
    """Undo the last decision."""


@settings
class RedoSettings:
    """Redo the decision that was undone last."""
