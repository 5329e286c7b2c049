"""The few images by which a run is recognised in a list, each with its masks; no artifact is read here."""

from __future__ import annotations

from dataclasses import dataclass

from app.data import urls
from comus_core.workspace import Run, Workspace

SIZE = 480  # pixels of the longer side, the smallest that the images route gives


@dataclass(frozen=True)
class Cover:
    """An image's address, and that of its masks to lay over it; '' before there are any."""

    image: str
    masks: str


def covers(workspace: Workspace, run: Run, most: int = 4) -> list[Cover]:
    """Images spread evenly over the run; none where the images are lost or not read yet."""
    usable = int(run.result.get("images") or 0) - int(run.result.get("skipped") or 0)
    if "images" not in run.artifacts or usable <= 0 or workspace.has_lost_images(run):
        return []
    count = min(most, usable)
    rows = [number * usable // count for number in range(count)]
    has_masks = "clustering" in run.artifacts
    version = workspace.decisions_of(run).version if has_masks else 0
    return [
        Cover(urls.run_image(run, row, SIZE), urls.run_masks(run, row, version) if has_masks else "") for row in rows
    ]
