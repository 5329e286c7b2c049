"""Drawn objects among proposals: each decision on both is one step, and says exactly what it is about."""

import re

import numpy as np
import pytest

from comus_core import curation
from comus_core.curation import NewObject
from comus_core.curation.proposal_edits import acceptable
from comus_core.errors import SettingsError
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.proposal_table import proposal_table
from comus_core.workspace.drawn_ids import counted_objects, named_object


@pytest.fixture
def view(curated_view):
    return curated_view


def draw(view, row=3, category=1) -> str:
    """The id of a new object of 4 × 6 pixels in the corner of the image of a proposal."""
    image_id = str(view.proposals.image_id[row])
    mask = np.zeros(tuple(view.proposals.size_hw[row]), bool)
    mask[:4, :6] = True
    curation.draw(view, image_id, [NewObject(mask, category)])
    return f"{image_id}#d1"


def events(view) -> list[tuple[str, list[str]]]:
    """(kind, ids) of all decisions but the opening filter and the drawing."""
    listed = view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"])
    return [(e.kind, e.payload.get("proposals")) for e in listed if e.kind not in ("filter", "draw")]


def last_words(view) -> str:
    return [d for d in curation.listed_decisions(view) if not d.undone][-1].decision


def test_objects_are_counted_and_named_by_what_they_are():
    assert counted_objects(["a#0", "b#1"]) == "2 proposals" and counted_objects([]) == "0 proposals"
    assert counted_objects(["a#d1"]) == "1 drawn object" and counted_objects(["a#d1", "a#d2"]) == "2 drawn objects"
    assert counted_objects(["a#0", "a#d1", "x#d1/y#2"]) == "2 proposals and 1 drawn object"
    assert (named_object("a#0"), named_object("a#d1")) == ("proposal a#0", "drawn object a#d1")


def test_each_decision_on_proposals_and_a_drawn_object_is_one_step_and_one_undo(view):
    drawn, one = draw(view), str(view.proposals.proposal_id[7])
    both, before = [one, drawn], curation.decided_in(view).layout

    def where(decided) -> list[int]:
        objects = decided_objects(view, decided)
        return [int(objects.id_of[objects.find(name)]) for name in both]

    first = where(curation.decided_in(view))
    assert first == [int(view.cluster[7]), 1]
    assert where(curation.move(view, both, 4)) == [4, 4]
    assert last_words(view) == "move of 1 proposal and 1 drawn object to cluster 4"
    assert where(curation.create(view, "own", both)) == [6, 6]
    assert last_words(view) == "new category own of 1 proposal and 1 drawn object"
    assert where(curation.move(view, both, None)) == [-1, -1]
    assert last_words(view) == "rejection of 1 proposal and 1 drawn object"
    assert where(curation.put_back(view, both)) == first  # to the category of its cluster, and the one it was drawn in
    assert last_words(view) == "return of 1 proposal and 1 drawn object"
    assert where(curation.erase(view, both)) == [-1, -1] and last_words(view) == "erasure of 2 masks"
    assert where(curation.accept(view, both)) == first and last_words(view) == "acceptance of 2 masks"
    assert events(view) == [(k, both) for k in ("move", "create", "move", "put_back", "erase", "accept")]
    for _ in range(6):
        last = curation.undo(view)
    assert last.layout == before


def test_accepting_leaves_out_drawn_objects_that_are_core_and_alone_says_so(view):
    drawn, one = draw(view), str(view.proposals.proposal_id[7])
    sentence = "accept: a drawn object is always core, so there is nothing to accept"
    with pytest.raises(SettingsError, match=f"^{re.escape(sentence)}$"):
        curation.accept(view, [drawn])
    with pytest.raises(SettingsError, match=r"^accept: choose a proposal$"):
        curation.accept(view, [])
    decided = curation.accept(view, [one, drawn])
    assert set(decided.layout.accepted) == {one} and events(view) == [("accept", [one])]
    for remove in (lambda: curation.move(view, [drawn], None), lambda: curation.erase(view, [drawn])):
        assert acceptable(view, remove(), [one, drawn]) == [one, drawn]
        restored = curation.accept(view, [drawn])
        assert view.drawn(restored).id_of.tolist() == [1] and set(restored.layout.accepted) == {one, drawn}
    curation.reject(view, [1])
    with pytest.raises(SettingsError, match=f"^drawn object {re.escape(drawn)} is in no category"):
        curation.accept(view, [drawn])


def test_single_ones_are_named_in_the_log(view):
    drawn = draw(view)
    curation.move(view, [drawn], 2)
    assert last_words(view) == f"move of drawn object {drawn} to cluster 2"
    curation.move(view, [drawn], None)
    assert last_words(view) == f"rejection of drawn object {drawn}"
    curation.put_back(view, [drawn])
    assert last_words(view) == f"return of drawn object {drawn}"


def test_the_table_of_a_selection_has_what_is_known_of_a_drawn_object(view):
    drawn = draw(view)
    decided = curation.rename(view, 1, "wheel")
    one, line = proposal_table(view, np.array([7, len(view)]), decided).to_pylist()
    assert one == proposal_table(view, np.array([7]), decided).to_pylist()[0] and one["confidence"] is not None
    image_id = drawn.rpartition("#")[0]
    assert line.pop("class") in (*view.classes, None)
    assert line == {
        **{"proposal_id": drawn, "image_id": image_id, "x0": 0, "y0": 0, "x1": 6, "y1": 4, "area": 24},
        **{"confidence": None, "cluster": 1, "name": "wheel", "distance": None, "kept": True, "excluded": False},
    }
    (line,) = proposal_table(view, np.array([len(view)]), curation.move(view, [drawn], None)).to_pylist()
    assert (line["cluster"], line["name"], line["kept"]) == (-1, "", False)
