"""Pictures of one image side by side, moved and zoomed together, their layers faded in the browser."""

from app.components.compare.panes.component import Pane, panes

__all__ = ["Pane", "panes"]
