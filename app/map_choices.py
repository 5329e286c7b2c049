"""The values that a choice on the map can have; pages and HTTP routes agree here."""

from __future__ import annotations

from typing import Literal

MapMethod = Literal["tsne", "umap"]
ColourBy = Literal["cluster", "truth", "core"]

MAP_METHODS: tuple[MapMethod, ...] = ("tsne", "umap")
COLOURINGS: tuple[ColourBy, ...] = ("cluster", "truth", "core")
