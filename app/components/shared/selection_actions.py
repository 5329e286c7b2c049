"""The buttons of the bar of actions on a selection: their words, icons and keys, and what they decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from comus_core import curation
from comus_core.workspace.decisions import Decisions


@dataclass(frozen=True)
class Action:
    """A button.

    Attributes:
        label: on it.
        part: the end of its key.
        icon: a Material symbol.
        tip: the tooltip, with the key on the keyboard.
        done: what the notice says after it, before the number.
        verb: decides for ids of objects or images of an opened run, at a version.
    """

    label: str
    part: str
    icon: str
    tip: str
    done: str
    verb: Callable[..., Decisions]


OF_OBJECTS = (
    Action(
        *("Accept", "accept", "check", "Keep them in training at every filter (Shift+A)", "Accepted"),
        lambda view, ids, *, based_on: curation.accept(view, ids, based_on=based_on),
    ),
    Action(
        *("Reject", "reject", "block", "Background: in no category, not trained on (Shift+R)", "Rejected"),
        lambda view, ids, *, based_on: curation.move(view, ids, None, based_on=based_on),
    ),
    Action(
        *("Erase", "erase", "ink_eraser", "Not objects: background in training too (Shift+E)", "Erased"),
        lambda view, ids, *, based_on: curation.erase(view, ids, based_on=based_on),
    ),
    Action(
        *("Restore", "put_back", "settings_backup_restore"),
        "Bring rejected and erased ones back to their categories (Shift+B)",
        "Restored",
        lambda view, ids, *, based_on: curation.put_back(view, ids, based_on=based_on),
    ),
)
EXCLUDE = Action(
    *("Exclude", "exclude", "hide_image"),
    "Leave the images out of this run: no category, score or training uses them (Shift+X)",
    "Excluded",
    lambda view, ids, *, based_on: curation.exclude(view, ids, based_on=based_on),
)
INCLUDE = Action(
    *("Include", "exclude", "visibility", "Use the images again (Shift+X)", "Included"),
    lambda view, ids, *, based_on: curation.include(view, ids, based_on=based_on),
)
