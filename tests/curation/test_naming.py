"""The order in which clusters are named, what is suggested, and names from a file."""

import pytest

from comus_core import curation
from comus_core.curation import naming
from comus_core.curation.name_import import exported_names, plan_names
from comus_core.curation.names_csv import NameRow, NameRows, read_names
from comus_core.errors import ConflictError, SettingsError
from comus_core.workspace.decisions import Decisions, Event


def test_the_largest_comes_first_and_rejected_and_merged_ones_do_not_come(curated_view):
    order = naming.naming_order(curated_view, curation.decided_in(curated_view))
    sizes = [int((curated_view.cluster == k).sum()) for k in order]
    assert sorted(order) == list(range(6)) and sizes == sorted(sizes, reverse=True)
    first, second, third, *rest = order
    curation.merge(curated_view, [second, third])
    decided = curation.reject(curated_view, [first])
    left = naming.naming_order(curated_view, decided)
    assert left[0] == min(second, third) and set(left[1:]) == set(rest)
    assert naming.naming_progress(left, decided) == naming.NamingProgress(0, 4)
    named = curation.rename(curated_view, left[0], "dog")
    assert naming.naming_progress(left, named).words == "1 of 4 named"


def test_the_part_of_a_split_has_no_name_yet(curated_view):
    curation.rename(curated_view, 0, "dog")
    decided = curation.split(curated_view, curation.propose_split(curated_view, 0, 2))
    order = naming.naming_order(curated_view, decided)
    assert decided.name_of(6) == "dog · 2" and naming.next_unnamed(order, decided.names, 0) != 0
    assert naming.naming_progress(order, decided) == naming.NamingProgress(1, 7)


@pytest.mark.parametrize(
    ("named", "after", "found"),
    [((), None, 5), ((), 5, 2), ((), 9, 5), ((2,), 5, 9), ((5, 9), 2, None), ((5, 2, 9), 2, None), ((5,), 77, 2)],
)
def test_the_next_one_without_a_name_is_looked_for_from_here_and_then_from_the_start(named, after, found):
    assert naming.next_unnamed([5, 2, 9], named, after) == found


def test_neighbours_end_at_both_ends():
    steps = [(5, 1), (5, -1), (9, 1), (9, -1), (7, 1)]
    assert [naming.neighbour([5, 2, 9], k, step) for k, step in steps] == [2, None, None, 2, None]


@pytest.mark.parametrize(
    ("named", "gone", "live", "opened"),
    [
        ({}, 5, (2, 9), 2),
        ({2: "a"}, 5, (2, 9), 9),
        ({2: "a", 9: "b"}, 2, (5, 9), 5),
        ({5: "x", 2: "a", 9: "b"}, 2, (5, 9), 9),
        ({5: "x", 9: "b"}, 9, (5, 2), 2),
        ({5: "x", 2: "b"}, 9, (5, 2), 2),
        ({}, 5, (), None),
    ],
)
def test_after_a_rejection_the_next_without_a_name_opens_else_a_neighbour(named, gone, live, opened):
    assert naming.after_removal([5, 2, 9], Decisions(names=named), gone, live) == opened


def test_names_that_differ_in_capitals_are_the_same():
    decided = Decisions(names={0: "Dog", 3: "dog", 4: "cat", 5: "DOG"})
    assert naming.of_the_same_name(decided, range(6), 0) == [3, 5]
    assert naming.of_the_same_name(decided, [0, 1, 3], 0) == [3]
    assert naming.of_the_same_name(decided, range(6), 4) == naming.of_the_same_name(decided, range(6), 1) == []
    assert naming.merge_offer([3], "dog") == "Cluster 3 is called dog too"
    assert naming.merge_offer([3, 5], "dog") == "Clusters 3 and 5 are called dog too"


@pytest.mark.parametrize(
    ("kind", "payload", "opened"),
    [
        ("rename", {"cluster": 3, "name": "x"}, 3),
        ("merge", {"categories": [2, 5]}, 2),
        ("reject", {"categories": [4]}, 4),
        ("split", {"category": 0, "made": [6]}, 0),
        ("filter", {"percent": 3.0}, None),
        ("move", {"proposals": ["a"], "category": -1}, None),
    ],
)
def test_what_was_undone_is_opened(kind, payload, opened):
    assert naming.opened_by(Event(1, "", kind, payload)) == opened


def test_a_pasted_list_is_cut_at_lines_commas_and_semicolons():
    text = '\ufeffdog, cat;wild  boar\r\n\t"car"\nDog\n\n' + "x" * 300
    assert naming.names_of_text(text) == ["dog", "cat", "wild boar", "car"]
    assert len(naming.names_of_text("\n".join(map(str, range(9_000))))) == naming.MOST_NAMES


def test_the_list_comes_before_names_in_use_and_those_before_names_of_other_runs():
    found = naming.suggested_names(["cat", "car"], ["Dog", "Cat"], {"ant": 1, "bee": 3, "dog": 9})
    assert found == ["cat", "car", "Dog", "bee", "ant"]


def rows(*pairs):
    return NameRows(tuple(NameRow(line, k, name) for line, (k, name) in enumerate(pairs, 2)))


def logged(view):
    events = view.workspace.decisions.events(view.run.id, view.run.artifacts["clustering"])
    return [(event.kind, event.payload) for event in events[1:]]


def test_an_import_names_all_at_once_and_each_can_be_undone(curated_view):
    curation.rename(curated_view, 1, "cat")
    decided = curation.import_names(curated_view, rows((0, "dog"), (1, "cluster 1"), (2, "cluster 2"), (3, "bird")))
    assert decided.names == {0: "dog", 3: "bird"}
    assert logged(curated_view)[1:] == [
        ("rename", {"cluster": 0, "name": "dog"}),
        ("reset_name", {"cluster": 1}),
        ("rename", {"cluster": 3, "name": "bird"}),
    ]
    assert curation.undo(curated_view).names == {0: "dog"}
    assert curation.undo(curated_view).names == {0: "dog", 1: "cat"}


def test_what_was_exported_restores_the_names_and_changes_nothing_where_they_are(curated_view):
    curation.rename(curated_view, 4, "=dog")
    before = curation.merge(curated_view, [0, 5])
    content = exported_names(curated_view, before)
    assert plan_names(curated_view, before, read_names(content)).changes == ()
    version = curation.import_names(curated_view, read_names(content)).version
    assert version == before.version
    curation.rename(curated_view, 4, "other")
    curation.rename(curated_view, 2, "third")
    assert curation.import_names(curated_view, read_names(content)).names == before.names
    sizes = [line.rsplit(",", 1)[1] for line in content.decode("utf-8-sig").splitlines()[1:]]
    assert sum(map(int, sizes)) == len(curated_view)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [((9, "x"), "line 3: run .* has no cluster 9"), ((5, "x"), "line 3: cluster 5 was merged into cluster 1")],
)
def test_nothing_is_named_where_one_line_is_wrong(curated_view, wrong, words):
    curation.merge(curated_view, [1, 5])
    before = logged(curated_view)
    with pytest.raises(SettingsError, match=words):
        curation.import_names(curated_view, rows((0, "dog"), wrong))
    assert logged(curated_view) == before


def test_nothing_is_named_where_somebody_named_one_meanwhile(curated_view):
    seen = curation.decided_in(curated_view).version
    curation.rename(curated_view, 3, "theirs")
    with pytest.raises(ConflictError):
        curation.import_names(curated_view, rows((0, "dog"), (3, "mine")), based_on=seen)
    assert curation.decided_in(curated_view).names == {3: "theirs"}
    assert curation.import_names(curated_view, rows((0, "dog")), based_on=seen).names == {0: "dog", 3: "theirs"}


def test_a_list_of_names_is_kept_for_its_run_until_that_is_deleted(curated_view):
    lists, run = curated_view.workspace.name_lists, curated_view.run
    lists.keep(run.id, ["dog", "Käse"])
    assert lists.read(run.id) == ["dog", "Käse"] and lists.read("other") == []
    lists.keep(run.id, [])
    assert lists.read(run.id) == []
    lists.keep(run.id, ["cat"])
    curated_view.workspace.runs.remove(run.id)
    assert lists.read(run.id) == []
