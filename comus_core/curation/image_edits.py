"""Decisions on images: exclude them from the run, and include them again."""

from __future__ import annotations

from collections.abc import Sequence

from comus_core.curation.decision_history import decide
from comus_core.runs.run_view import RunView
from comus_core.settings import require
from comus_core.workspace.decisions import Decisions
from comus_core.workspace.layout import packed_ids


def exclude(view: RunView, images: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Exclude images from the run: none of their proposals is in a category, and no score or training uses them.

    Raises:
        SettingsError: no such image, or all of them are excluded already.
        ConflictError: someone else has excluded or included one of them in the meantime.
    """
    return decide(view, "exclude", [], based_on, images=packed_ids(_existing_images(view, images)))


def include(view: RunView, images: Sequence[str], *, based_on: int | None = None) -> Decisions:
    """Include excluded images again, their proposals in the categories where they were.

    Raises:
        SettingsError: no such image, or one is not excluded.
        ConflictError: someone else has excluded or included one of them in the meantime.
    """
    return decide(view, "include", [], based_on, images=packed_ids(_existing_images(view, images)))


def _existing_images(view: RunView, images: Sequence[str]) -> list[str]:
    """The ids without duplicates, if the run has all of them."""
    unknown = [i for i in images if i not in view.image_row_of]
    require(not unknown, f"no image {unknown[0] if unknown else ''} in this run; ids are such as 2007_000032")
    return list(dict.fromkeys(map(str, images)))
