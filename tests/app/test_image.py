import re
from itertools import pairwise

import numpy as np
import pytest

from app.data import image_navigation
from comus_core.curation.filter_explanation import explain_filter
from comus_core.runs.run_view import open_run_view
from comus_core.workspace.decisions import Decisions
from tests.app.test_frame import texts


@pytest.fixture
def view(shown):
    return open_run_view(*shown)


def looked_at(test) -> str:
    return re.search(r'comus-proposal" data-proposal="([^"]+)"', texts(test)).group(1)


def similar_ids(test) -> list[str]:
    bodies = [part.proto.body for part in test.get("html") if 'class="comus-gallery"' in part.proto.body]
    return re.findall(r'data-proposal="([^"]+)"', bodies[-1])


def test_a_proposal_in_the_address_is_shown_with_why_it_is_kept_or_dropped(app_test, shown, view):
    decided = shown[0].decisions_of(shown[1])
    keep = view.kept(decided)
    for row in (int(np.flatnonzero(keep)[3]), int(np.flatnonzero(~keep)[3])):
        name = str(view.proposals.proposal_id[row])
        test = app_test("image", proposal=name)
        words = texts(test)
        assert not test.exception and looked_at(test) == name
        assert explain_filter(view, row, decided).reason.replace("'", "&#x27;") in words
        assert f'data-kept="{str(bool(keep[row])).lower()}"' in words
        assert f"cluster {view.cluster[row]}" in words and f"{view.distance[row]:.4f}" in words


def test_similar_proposals_are_the_nearest_by_cosine(app_test, view):
    vectors = np.asarray(view.vectors(), np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit[7]
    cosine[7] = -2
    test = app_test("image", proposal=str(view.proposals.proposal_id[7]))
    found = [view.row_of[name] for name in similar_ids(test)]
    assert len(found) == 24 and set(found) == set(np.argsort(-cosine)[:24])
    assert cosine[found] == pytest.approx(np.sort(cosine)[::-1][:24], abs=1e-5)


def test_next_and_previous_go_through_the_photographs(app_test, view):
    test = app_test("image")
    assert looked_at(test) == view.proposals.proposal_id[0] and test.button(key="previous_image").disabled
    test.button(key="next_image").click().run()
    assert not test.exception
    assert view.proposals.image_id[view.row_of[looked_at(test)]] == view.image_ids[1]
    test.button(key="previous_image").click().run()
    assert view.proposals.image_id[view.row_of[looked_at(test)]] == view.image_ids[0]


def test_next_in_a_cluster_goes_by_distance(app_test, view):
    rows = view.categories(Decisions()).rows[2]
    test = app_test("image", proposal=str(view.proposals.proposal_id[rows[1]]))
    test.get("button_group")[0].set_value("cluster").run()
    test.button(key="next_image").click().run()
    assert not test.exception and looked_at(test) == view.proposals.proposal_id[rows[2]]
    assert f"3 of {len(rows)}" in texts(test)


def test_a_photograph_without_proposals_says_so_and_is_walked_past(app_test, view):
    empty = [i for i in view.image_ids if i not in view.rows_of_image]
    assert empty
    test = app_test("image", image=str(empty[0]))
    assert not test.exception and "No proposal was found" in test.info[0].value
    assert str(empty[0]) in texts(test)
    test.button(key="previous_image").click().run()
    before = view.image_ids[list(view.image_ids).index(empty[0]) - 1]
    assert view.proposals.image_id[view.row_of[looked_at(test)]] == before


def test_part_of_a_file_name_finds_a_photograph(app_test, view):
    test = app_test("image")
    test.text_input(key="go_to_image").set_value("042").run()
    assert not test.exception and looked_at(test) == "images/042.png#0"


def test_an_unknown_proposal_is_said_and_the_first_one_shown(app_test, view):
    test = app_test("image", proposal="gone.png#0")
    assert not test.exception and "gone.png#0" in test.warning[0].value
    assert looked_at(test) == view.proposals.proposal_id[0]


def test_walks_have_two_ends_and_meet_every_photograph(view):
    place = image_navigation.first_place(view)
    seen = [place]
    while (way := image_navigation.walk(view, seen[-1], "images", Decisions())).after is not None:
        assert way.number == len(seen) and way.count == len(view.image_ids)
        seen.append(way.after)
    assert [p.image_row for p in seen] == list(range(len(view.image_ids)))
    for here, after in pairwise(seen):
        assert image_navigation.walk(view, after, "images", Decisions()).before == here


def test_finding_goes_round_and_ignores_case(view):
    assert image_navigation.find_image(view, "IMAGES/000", after=5) == 0
    assert (
        image_navigation.find_image(view, "nowhere", after=0) is None
        and image_navigation.find_image(view, " ", after=0) is None
    )
    assert image_navigation.find_image(view, ".png", after=len(view.image_ids) - 1) == 0
