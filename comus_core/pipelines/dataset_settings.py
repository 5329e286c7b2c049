"""What the verbs on published data sets can be asked for. Imports no torch."""

from __future__ import annotations

from comus_core.datasets.published import PUBLISHED
from comus_core.settings import require, settings


@settings
class DatasetListSettings:
    """List the data sets of the paper's tables: size, terms, what they are checked by, and what is in a folder."""

    to_: str | None = None
    """Also say what of each is in this folder."""


@settings
class DatasetDownloadSettings:
    """Download a published data set, check and unpack it; interrupted, the same command goes on.

    Without a network, put the archive into the folder yourself: it is checked and unpacked.
    """

    name: str
    """The data set; `comus datasets list` names them."""
    to_: str
    """Where to unpack it."""
    keep: bool = False
    """Keep the archives after they were unpacked."""
    again: bool = False
    """Download again what an earlier command brought, such as after files were removed."""

    def __post_init__(self) -> None:
        require(self.name in PUBLISHED, f"data set '{self.name}': choose one of {', '.join(PUBLISHED)}")
        require(bool(self.to_), "to: give a folder for the data set")


@settings
class DatasetCheckSettings:
    """Check a data set: files that are listed and missing, published counts, images and pixels of each class."""

    names: str | None = None
    """Official list, one image name a line: say which are not here."""
    classes: bool = True
    """Read the masks to count the images and pixels of each class."""
