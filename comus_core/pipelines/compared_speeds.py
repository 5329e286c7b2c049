"""Seconds an image of parts that were compared before: what lies there already is not timed again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from comus_core.errors import WorkspaceError


def compared_speeds(
    stored: Callable[[], Mapping[str, Any] | None], device: str, parts: str, artifact: str
) -> dict[str, float]:
    """Fingerprint of an artifact -> seconds an image, from the last comparison, if it was on this device.

    Args:
        stored: reads that comparison; None if there is none.
        device: that is to be timed on.
        parts: key of its entries, `detectors` or `encoders`.
        artifact: kind that an entry was timed on.
    """
    try:
        last = stored()
    except WorkspaceError:  # damaged: it is written anew
        last = None
    if last is None or last["device"] != device:
        return {}
    known = (row for row in last[parts] if row["reason"] is None and row["seconds"] is not None)
    return {row["artifacts"][artifact]: row["seconds"] for row in known}
