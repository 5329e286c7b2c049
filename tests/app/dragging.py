"""Dragging with a real mouse, step by step, so that a test can look at the page between them."""

from __future__ import annotations

STRIP = ".comus-drop-strip"


def centre(part) -> tuple[float, float]:
    """The middle of a part of the page, in pixels of the window; it is scrolled into view."""
    part.scroll_into_view_if_needed()
    box = part.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def take(page, crop) -> None:
    """Press on a crop and move until the drag has begun."""
    x, y = centre(crop)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 6, y + 6)
    page.mouse.move(x + 16, y + 16)
    page.locator(STRIP).wait_for()


def hold_over(page, target) -> None:
    """Move what is dragged over a target until that is marked."""
    box = target.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + min(box["height"] / 2, 40)
    page.mouse.move(x, y - 4)
    page.mouse.move(x, y)
    page.wait_for_function("target => target.hasAttribute('data-drop-over')", arg=target.element_handle())


def let_go(page) -> None:
    """Drop it; what showed during the drag is gone."""
    page.mouse.up()
    page.locator(STRIP).wait_for(state="detached")
