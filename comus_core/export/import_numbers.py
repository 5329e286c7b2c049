"""The numbers in the ids of proposals, so that a new one never has the id of one that was removed."""

from __future__ import annotations

from comus_core.errors import ComusError
from comus_core.export.export_facts import ancestors
from comus_core.runs.artifact_readers import read_proposals_lightly
from comus_core.runs.run_view import RunView
from comus_core.types import StrArray
from comus_core.workspace.drawn_ids import is_drawn_id


def number_of(object_id: str) -> int:
    """The number in the id of a proposal or a drawn object."""
    return int(object_id.rpartition("#")[2].removeprefix("d"))


def highest_numbers(view: RunView) -> dict[str, int]:
    """Image id -> the highest number of a proposal in it, in the run or a run that it was imported from.

    An import leaves out removed proposals; their ids stay taken, since files of the earlier runs still name them.
    """
    highest: dict[str, int] = {}
    for ids in [view.proposals.proposal_id, *(_ids(view, run) for run in sorted(ancestors(view) - {view.run.id}))]:
        for name in map(str, ids if ids is not None else ()):
            image, _, number = name.rpartition("#")
            if not is_drawn_id(name):
                highest[image] = max(highest.get(image, -1), int(number))
    return highest


def _ids(view: RunView, run_id: str) -> StrArray | None:
    """Ids of the proposals of another run; None where it is deleted."""
    try:
        run = view.workspace.runs.get(run_id)
        return read_proposals_lightly(view.workspace.artifact(run, "proposals")).proposal_id
    except ComusError:
        return None
