import re

import numpy as np
import pytest

from comus_core.runs.run_view import open_run_view
from tests.app.test_frame import texts

pytestmark = pytest.mark.thorough


@pytest.fixture
def view(shown):
    return open_run_view(*shown)


def sides(test) -> dict[str, list[list[str]]]:
    """Proposal ids of the core and the filtered side of each card, in the order of the cards."""
    bodies = [part.proto.body for part in test.get("html") if "comus-sides" in part.proto.body]
    found: dict[str, list[list[str]]] = {"core": [], "filtered": []}
    for body in bodies:
        for side, content in re.findall(r'<section[^>]*data-side="(\w+)">(.*?)</section>', body, re.S):
            found[side].append(re.findall(r'data-proposal="([^"]+)"', content))
    return found


def name_fields(test) -> list[str]:
    return [field.value for field in test.text_input if str(field.key).startswith("name_")]


def test_each_card_shows_core_and_filtered_side_by_side_nearest_first(app_test, shown, view):
    test = app_test("clusters")
    assert not test.exception
    keep = view.kept(shown[0].decisions_of(shown[1]))
    cards = sides(test)
    assert len(cards["core"]) == len(cards["filtered"]) == view.clusters
    largest = sorted(range(view.clusters), key=lambda c: (-int((view.cluster == c).sum()), c))
    for cluster, core, filtered in zip(largest, cards["core"], cards["filtered"], strict=True):
        for ids, wanted in ((core, keep), (filtered, ~keep)):
            rows = np.flatnonzero((view.cluster == cluster) & wanted)
            expected = sorted(rows, key=lambda r: (view.distance[r], view.proposals.proposal_id[r]))
            assert ids == [view.proposals.proposal_id[row] for row in expected][:12]


def test_core_is_green_and_filtered_red(app_test):
    bodies = "".join(part.proto.body for part in app_test("clusters").get("html"))
    for side, colour in (("core", "1a9850"), ("filtered", "d73027")):
        for content in re.findall(rf'data-side="{side}">(.*?)</section>', bodies, re.S):
            outlines = set(re.findall(r"outline=(\w+)", content))
            assert outlines <= {colour}


def test_farthest_first_turns_both_sides_round(app_test, view):
    test = app_test("clusters")
    test.get("button_group")[0].set_value("far").run()
    assert not test.exception
    for ids in sides(test)["core"] + sides(test)["filtered"]:
        distances = [view.distance[view.row_of[name]] for name in ids]
        assert distances == sorted(distances, reverse=True)


def test_a_renamed_cluster_is_called_so_on_every_page(app_test, changeable):
    workspace, run = changeable
    test = app_test("clusters", workspace=workspace)
    test.text_input(key="name_2").set_value("  Wheels & things ").run()
    assert not test.exception
    assert workspace.decisions_of(run).names == {2: "Wheels & things"}
    assert "Wheels & things" in name_fields(test)
    test.switch_page("../pages/filter.py").run()
    assert not test.exception and "Wheels & things" in list(test.dataframe[0].value["Cluster"])
    fresh = app_test("clusters", workspace=workspace)
    assert fresh.text_input(key="name_2").value == "Wheels & things"


def test_an_emptied_name_decides_nothing_and_the_button_resets_it(app_test, changeable):
    workspace, run = changeable
    test = app_test("clusters", workspace=workspace)
    assert not [b for b in test.button if str(b.key).startswith("reset_name_")]
    test.text_input(key="name_1").set_value("bars").run()
    written = workspace.decisions_of(run)
    test.text_input(key="name_1").set_value("").run()
    assert not test.exception and "bars" in name_fields(test) and workspace.decisions_of(run) == written
    test.button(key="reset_name_1").click().run()
    assert not test.exception and "cluster 1" in name_fields(test) and workspace.decisions_of(run).names == {}
    test.button(key="undo_decision").click().run()
    assert not test.exception and "bars" in name_fields(test)


def test_typing_the_same_name_again_decides_nothing(app_test, changeable):
    workspace, run = changeable
    before = workspace.decisions_of(run).version
    test = app_test("clusters", workspace=workspace)
    test.text_input(key="name_0").set_value(" cluster 0").run()
    assert workspace.decisions_of(run).version == before


def test_clusters_are_found_by_name_and_by_class(app_test, changeable):
    workspace, run = changeable
    workspace.decisions.append(run.id, run.artifacts["clustering"], "rename", cluster=3, name="Round ones")
    test = app_test("clusters", workspace=workspace)
    test.text_input(key="cluster_search").set_value("round").run()
    assert name_fields(test) == ["Round ones"]
    test.text_input(key="cluster_search").set_value("no such thing").run()
    assert not test.exception and "No matching cluster" in texts(test)


def test_a_cluster_in_the_address_is_shown_alone_and_left_again(app_test, view):
    test = app_test("clusters", cluster="1")
    assert name_fields(test) == ["cluster 1"]
    shown_ids = sides(test)["core"][0] + sides(test)["filtered"][0]
    assert sorted(shown_ids) == sorted(view.proposals.proposal_id[view.cluster == 1])
    test.button(key="all_clusters").click().run()
    assert not test.exception and len(name_fields(test)) == view.clusters
    assert "cluster" not in test.query_params


def test_an_address_of_a_cluster_that_is_not_there_shows_all(app_test, view):
    for asked in ("99", "-1", "x"):
        test = app_test("clusters", cluster=asked)
        assert not test.exception and len(name_fields(test)) == view.clusters
