"""The Name clusters page: which cluster is open, what the buttons decide, files of names, the list of suggestions."""

import re

import pytest

from app.data import naming as naming_data
from comus_core import curation
from comus_core.curation import naming
from comus_core.curation.names_csv import read_names
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.cluster_summary import summaries
from tests.app.test_frame import texts

pytestmark = pytest.mark.thorough


@pytest.fixture
def view(changeable):
    return open_run_view(*changeable)


@pytest.fixture
def page(app_test, view):
    return lambda **query: app_test("name_clusters", workspace=view.workspace, **query)


def order_of(view) -> list[int]:
    return naming.naming_order(view, curation.decided_in(view))


def open_in(test) -> int:
    bodies = [part.proto.body for part in test.get("html")]
    return next(int(found.group(1)) for body in bodies if (found := re.search(r'data-cluster="(\d+)"', body)))


def field(test):
    return next(one for one in test.text_input if str(one.key).startswith("naming_name"))


def named(test, name: str):
    field(test).set_value(name).run()
    assert not test.exception
    return test


def button(test, name: str):
    """The button of that name; its key also says what it is about, so that it is never pressed for another."""
    return next(one for one in test.button if one.key == name or str(one.key).startswith(f"{name}-of-"))


def pressed(test, key: str):
    button(test, key).click().run()
    assert not test.exception
    return test


def shown_crops(test) -> list[list[str]]:
    body = next(part.proto.body for part in test.get("html") if "comus-to-name" in part.proto.body)
    return [re.findall(r'data-proposal="([^"]+)"', side) for side in body.split("</section>")[:2]]


def written(view) -> list[tuple[str, object]]:
    events = view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"])
    return [(e.kind, {k: v for k, v in e.payload.items() if k != "members"}) for e in events[1:]]


def test_the_largest_opens_with_its_typical_and_its_least_certain_crops(page, view):
    test = page()
    assert not test.exception and open_in(test) == order_of(view)[0]
    known = summaries(view, curation.decided_in(view))
    core = next(s for s in known if s.cluster == open_in(test)).core
    ids = [view.proposals.proposal_id[row] for row in core]
    near, border = shown_crops(test)
    assert near == ids[:12] and border == ids[max(12, len(ids) - 6) :] and not set(near) & set(border)
    said = " ".join(part.proto.body for part in test.get("html"))
    assert f"{len(core)} in the core" in said and "tightness 0." in said and "No name yet" in said
    assert test.get("progress")[0].proto.text == f"0 of {view.clusters} named"


def test_a_name_is_saved_at_once_and_the_button_goes_on_past_named_ones(page, view):
    first, second, third, *_ = order_of(view)
    curation.rename(view, second, "cat")
    test = named(page(), "  big   dog ")
    assert curation.decided_in(view).names == {first: "big dog", second: "cat"}
    assert open_in(test) == first and field(test).value == "big dog" and "✓ Saved" in _html(test)
    pressed(test, "naming_next_unnamed")
    assert open_in(test) == third and field(test).value == "" and f"big dog is cluster {first}" in _html(test)
    assert test.query_params["cluster"] == str(third)


def _html(test) -> str:
    return " ".join(part.proto.body for part in test.get("html"))


def test_next_and_previous_walk_all_and_end_at_both_ends(page, view):
    order, test = order_of(view), page()
    assert button(test, "naming_previous").disabled
    seen = [open_in(test)]
    for _ in order[1:]:
        seen.append(open_in(pressed(test, "naming_next")))
    assert seen == order and button(test, "naming_next").disabled
    assert open_in(pressed(test, "naming_previous")) == order[-2]


def test_an_empty_field_and_the_same_name_decide_nothing(page, view):
    test = named(page(), "   ")
    k = open_in(test)
    named(named(test, "dog"), "dog ")
    assert written(view) == [("rename", {"cluster": k, "name": "dog"})]


def test_a_name_that_another_has_offers_a_merge_which_goes_on(page, view):
    first, second, third, *_ = order_of(view)
    curation.rename(view, first, "Dog")
    test = named(page(cluster=str(second)), "dog")
    assert f"Cluster {first} is called Dog too: merge them (Ctrl+Enter), or keep both (Enter)." in texts(test)
    pressed(test, "naming_merge")
    decided = curation.decided_in(view)
    assert decided.layout.into == {max(first, second): min(first, second)} and open_in(test) == third
    assert written(view)[-1] == ("merge", {"categories": sorted([first, second])})
    assert not any("naming_merge" in str(one.key) for one in test.button)


def test_without_a_shared_name_no_merge_is_offered(page, view):
    curation.rename(view, order_of(view)[0], "dog")
    test = named(page(), "cat")
    assert not any("naming_merge" in str(one.key) for one in test.button) and "is called" not in texts(test)


def test_a_rejected_cluster_is_left_and_undo_opens_it_again(page, view):
    first, second, *_ = order_of(view)
    test = pressed(page(), "naming_reject")
    assert curation.decided_in(view).layout.rejected == {first} and open_in(test) == second
    assert test.get("progress")[0].proto.text == f"0 of {view.clusters - 1} named, 1 rejected"
    named(test, "cat")
    pressed(test, "naming_next_unnamed")
    assert button(test, "naming_undo").label == f"Undo rename of cluster {second} to cat"
    assert open_in(pressed(test, "naming_undo")) == second and field(test).value == ""
    assert open_in(pressed(test, "naming_undo")) == first
    pressed(test, "naming_redo")
    assert curation.decided_in(view).layout.rejected == {first} and open_in(test) == second


def test_all_named_is_said_and_all_rejected_too(page, view):
    for k in order_of(view):
        curation.rename(view, k, f"thing {k}")
    test = page()
    assert f"All {view.clusters} clusters have a name: thing" in test.success[0].value
    assert button(test, "naming_next_unnamed").disabled
    curation.reject(view, order_of(view))
    assert "Every cluster is rejected" in _html(page())


@pytest.mark.parametrize("asked", ["99", "x", "-1", ""])
def test_an_unknown_cluster_in_the_address_opens_the_largest(page, view, asked):
    assert open_in(page(cluster=asked)) == order_of(view)[0]


def test_a_merged_cluster_in_the_address_opens_what_it_is_part_of(page, view):
    curation.merge(view, [1, 3])
    assert open_in(page(cluster="3")) == 1


def test_the_cluster_being_named_is_not_opened_alone_on_the_clusters_page(page, view):
    test = pressed(page(), "naming_next")
    test.query_params.clear()
    test.switch_page("../pages/clusters.py").run()
    assert not test.exception and "all_clusters" not in [one.key for one in test.button]


def test_a_file_of_names_is_shown_before_it_is_imported(page, view):
    first, second, *_ = order_of(view)
    curation.rename(view, second, "cat")
    test = page()
    test.file_uploader[0].upload(
        "names.csv", f"id;name\n{first};Käse\n{second};cluster {second}\n".encode("cp1252")
    ).run()
    said = texts(test)
    assert "2 clusters renamed, 0 unchanged" in said and f"cluster {first} → Käse" in said
    assert "Windows-1252" in test.warning[0].value
    assert curation.decided_in(view).names == {second: "cat"}
    pressed(test, "naming_import")
    assert curation.decided_in(view).names == {first: "Käse"}
    assert "naming_import" not in [one.key for one in test.button]
    pressed(test, "naming_undo")
    assert curation.decided_in(view).names == {first: "Käse", second: "cat"}


def test_a_file_that_is_not_clear_changes_nothing(page, view):
    test = page()
    test.file_uploader[0].upload("names.csv", b"id,name\n0,dog\n9,cat\n").run()
    assert "has no cluster 9" in test.error[0].value and "naming_import" not in [one.key for one in test.button]
    assert written(view) == []


def test_a_pasted_list_is_kept_with_the_run_and_suggested_before_names_of_other_runs(page, view):
    test = page()
    test.text_area[0].set_value("dog, cat\n\ndog\nwild boar").run()
    assert not test.exception and test.text_area[0].value == "dog\ncat\nwild boar"
    fresh = page()
    assert fresh.text_area[0].value == "dog\ncat\nwild boar"
    curation.rename(view, 0, "ant")
    decided = curation.decided_in(view)
    assert naming_data.suggestions(view, decided) == ["dog", "cat", "wild boar", "ant"]
    fresh.file_uploader[1].upload("list.txt", "\ufeffcar\nbus\n".encode()).run()
    assert view.workspace.name_lists.read(view.run.id) == ["car", "bus"]


def test_names_of_other_runs_are_suggested_the_most_used_first(view):
    log, events = view.workspace.decisions, []
    for run, name in (("a", "bee"), ("b", "bee"), ("b", "ant"), ("c", "typo"), ("c", "wasp")):
        k = {"bee": 0, "ant": 1, "typo": 2, "wasp": 2}[name]
        events.append(log.append(run, "clustering", "rename", cluster=k, name=name))
    found = naming_data.names_elsewhere(view.workspace, view.run.id)
    assert found == {"bee": 2, "ant": 1, "wasp": 1}
    assert naming_data.suggestions(view, curation.decided_in(view)) == ["bee", "ant", "wasp"]
    log.append("c", "clustering", "undo")
    assert naming_data.names_elsewhere(view.workspace, view.run.id)["typo"] == 1
    assert naming_data.names_elsewhere(view.workspace, "b") == {"bee": 1, "typo": 1}


def test_the_download_is_what_the_command_writes(page, view):
    from app.components.naming import names_file_panel

    curation.rename(view, 2, "=dog")
    rows = read_names(names_file_panel.content(view)).rows
    assert {row.cluster: row.name for row in rows} == {
        k: curation.decided_in(view).name_of(k) for k in range(view.clusters)
    }


def test_ranks_of_tightness_begin_at_one(view):
    known = summaries(view, curation.decided_in(view))
    ranks = {s.cluster: naming_data.tightness_rank(known, s.cluster) for s in known}
    tightest = min(known, key=lambda s: s.spread).cluster
    assert ranks[tightest] == 1 and sorted(ranks.values()) == list(range(1, len(known) + 1))


def test_a_name_that_somebody_gave_meanwhile_is_not_overwritten_and_stays_open(page, view):
    test = page()
    k = open_in(test)
    curation.rename(view, k, "theirs")
    field(test).set_value("mine")
    button(test, "naming_next_unnamed").click().run()
    assert not test.exception and "someone else has changed this" in " ".join(t.value for t in test.toast)
    assert curation.decided_in(view).names == {k: "theirs"} and open_in(test) == k and field(test).value == "theirs"
    assert open_in(pressed(named(test, "mine"), "naming_next_unnamed")) != k
    assert curation.decided_in(view).names == {k: "mine"}
