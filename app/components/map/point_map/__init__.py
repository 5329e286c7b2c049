"""The map of points. `buffers` packs what its two routes answer; `point_map` shows it."""

from typing import Any

__all__ = ["point_map"]


def __getattr__(name: str) -> Any:
    if name == "point_map":
        from app.components.map.point_map.component import point_map

        return point_map
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
