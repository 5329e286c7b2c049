"""The order in which categories are offered to a selection, by a plain loop over categories."""

import numpy as np
import pytest

from comus_core import curation
from comus_core.curation.likely_categories import likely_categories


@pytest.fixture
def view(curated_view):
    return curated_view


def by_loop(view, decided, rows, here=None) -> list[int]:
    """Each category's mean without the rows, if it has others, and its cosine to theirs."""
    embedding, found = np.asarray(view.embedding(), np.float64), view.categories(decided)
    wanted = embedding[rows].mean(axis=0)
    cosine = {}
    for k in found.ids:
        every = [row for row in range(len(view)) if found.id_of[row] == k]
        others = [row for row in every if row not in set(rows.tolist())] or every
        if not others:
            cosine[k] = -np.inf
            continue
        centre = embedding[others].mean(axis=0)
        cosine[k] = centre @ wanted / np.linalg.norm(centre) / np.linalg.norm(wanted)
    own = here or set(found.id_of[rows].tolist())
    return sorted(found.ids, key=lambda k: (own == {k}, -round(cosine[k], 12), k))


@pytest.mark.parametrize("seed", range(5))
def test_the_order_is_that_of_the_cosine_to_each_centre(view, seed):
    rows = np.sort(np.random.default_rng(seed).choice(len(view), 4 + seed, replace=False))
    decided = curation.merge(view, [0, 1]) if seed % 2 else curation.decided_in(view)
    assert likely_categories(view, decided, rows) == by_loop(view, decided, rows)


def test_proposals_of_one_category_are_offered_the_others_first(view):
    rows = np.flatnonzero(view.cluster == 2)[:3]
    decided = curation.decided_in(view)
    order = likely_categories(view, decided, rows)
    assert order[-1] == 2 and sorted(order) == list(range(6)) and order == by_loop(view, decided, rows)


def test_a_stray_is_offered_its_own_kind_first(view):
    """Three proposals of a cluster were moved elsewhere: the cluster that they came from is the most likely one."""
    rows = np.flatnonzero(view.cluster == 4)[:3]
    decided = curation.move(view, [str(p) for p in view.proposals.proposal_id[rows]], 1)
    assert likely_categories(view, decided, rows)[0] == 4


def test_an_emptied_category_is_still_offered_after_those_with_proposals(view):
    every = np.flatnonzero(view.cluster == 3)
    decided = curation.move(view, [str(p) for p in view.proposals.proposal_id[every]], 0)
    order = likely_categories(view, decided, np.flatnonzero(view.cluster == 5)[:1])
    assert order.index(3) == 4 and order[-1] == 5


def test_proposals_found_by_their_likeness_to_a_whole_category_are_offered_that_one_first(view):
    every = np.flatnonzero(view.cluster == 4)
    decided = curation.create(view, "kind", [str(p) for p in view.proposals.proposal_id[every[:4]]])
    rows = every[:7]  # the category and three that are like it
    order = likely_categories(view, decided, rows)
    assert order == by_loop(view, decided, rows)
    assert order[0] == max(decided.names) or order[:2] == [4, max(decided.names)]


def test_drawn_objects_have_no_say_but_where_they_are_and_alone_they_are_offered_the_others_by_id(view):
    image_id, own = str(view.proposals.image_id[3]), np.flatnonzero(view.cluster == 4)[:3]
    mask = np.zeros(tuple(view.proposals.size_hw[3]), bool)
    mask[:4, :6] = True
    decided, drawn = curation.draw(view, image_id, [curation.NewObject(mask, 1)]), len(view)
    assert likely_categories(view, decided, np.append(own, drawn)) == by_loop(view, decided, own, here={1, 4})
    assert likely_categories(view, decided, np.array([drawn])) == [0, 2, 3, 4, 5, 1]
    decided = curation.move(view, [f"{image_id}#d1"], 4)
    assert likely_categories(view, decided, np.append(own, drawn)) == by_loop(view, decided, own, here={4})
