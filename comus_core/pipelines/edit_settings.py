"""What each decision on the clusters of a run can be asked for. A cluster is given by its id or by its name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from comus_core.config import FilterBy
from comus_core.proposals.mask_edits import MOST_PIXELS
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
class ExportNamesSettings:
    """Write the names of the clusters as CSV: id, name, size."""

    csv: str
    """The CSV file to write."""
    force: bool = False
    """Replace a file that COMUS did not write."""


@settings
class ImportNamesSettings:
    """Name the clusters as a CSV file says, all or none; each name can be undone."""

    from_: str
    """The CSV file to read, with the columns `id` and `name`."""


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
    """Move proposals and drawn objects to another cluster; the filter keeps them there."""

    proposals: tuple[str, ...]
    """Ids of the proposals and drawn objects."""
    to: str
    """The cluster to move them to; `none` rejects them."""


@settings
class CreateSettings:
    """Make a new category of proposals and drawn objects; the filter keeps them there."""

    name: str
    """The name of the new category."""
    proposals: tuple[str, ...]
    """Ids of the proposals and drawn objects."""


@settings
class PutBackSettings:
    """Bring rejected and erased proposals and drawn objects back to their clusters."""

    proposals: tuple[str, ...]
    """Ids of the proposals and drawn objects."""


@settings
class ExcludeSettings:
    """Exclude images from the run: they are in no cluster, no score and no training."""

    images: tuple[str, ...]
    """Ids of the images."""


@settings
class IncludeSettings:
    """Include excluded images again."""

    images: tuple[str, ...]
    """Ids of the images."""


@settings
class AcceptSettings:
    """Keep proposals in training at every filter percentage; rejected and erased ones are restored."""

    proposals: tuple[str, ...]
    """Ids of the proposals, and of drawn objects to restore: others are always core."""


@settings
class EraseSettings:
    """Erase the masks of proposals and drawn objects: their pixels are background."""

    proposals: tuple[str, ...]
    """Ids of the proposals and drawn objects."""


@settings
class RedrawSettings:
    """Repair the mask of a proposal: start from a file, a threshold or its mask, take one part, then grow or shrink."""

    proposal: str
    """Id of the proposal."""
    mask: str | None = None
    """Image file with the new mask at the size of the image: everything that is not black."""
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Cut the soft map at another threshold, 0 to 1, around the present mask."""
    component: Annotated[int, Field(ge=1)] | None = None
    """Keep only one of the connected parts, 1 for the largest."""
    grow: Annotated[int, Field(ge=-MOST_PIXELS, le=MOST_PIXELS)] = 0
    """Pixels to grow the mask by; negative shrinks it."""
    original: bool = False
    """Start from the mask of the detector; alone it resets the mask."""


@settings
class DrawSettings:
    """Draw an object in an image, also in one without a proposal; other objects lose the pixels that it covers."""

    image: str
    """Id of the image."""
    mask: str
    """Image file with the mask at the size of the image: everything that is not black."""
    category: str | None = None
    """Id or name of the cluster that it belongs to."""
    new_category: str | None = None
    """Name of a new category for it, in place of `category`."""


@settings
class SeparateSettings:
    """Take parts of a proposal's mask out as objects of their category; the rest stays with the proposal."""

    proposal: str
    """Id of the proposal or drawn object."""
    mask: str | None = None
    """Image file with the part at the size of the image: everything that is not black."""
    component: Annotated[int, Field(ge=1)] | None = None
    """Take one of the connected parts, 1 for the largest; default without a mask: each but the largest."""
    category: str | None = None
    """Id or name of the cluster that the parts belong to; default: that of the proposal."""
    new_category: str | None = None
    """Name of a new category for the parts, in place of `category`."""


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
