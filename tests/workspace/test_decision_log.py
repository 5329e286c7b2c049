"""The log of decisions on categories: what it amounts to, undo and redo, and two people at it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comus_core.errors import ConflictError, SettingsError
from comus_core.workspace import open_workspace
from comus_core.workspace.decisions import Decisions, Event, History, replay
from comus_core.workspace.layout import packed, unpacked

K, IDS = 6, [f"image{n}#0" for n in range(12)]
IMAGES = [f"image{n}" for n in range(12)]


@pytest.fixture
def log(tmp_path):
    return open_workspace(tmp_path / "work").decisions


def split_payload(category, made, ids=IDS):
    members = [[p, ([category, *made])[n % (1 + len(made))], n / 100] for n, p in enumerate(ids)]
    return {"category": category, "made": list(made), "parts": 1 + len(made), "members": packed(members)}


numbers = st.integers(0, K - 1)
drawings = st.tuples(st.sampled_from(IDS), st.sampled_from(["", "PPYo0", "U1", None])).map(list)
events = st.one_of(
    st.tuples(st.just("merge"), st.fixed_dictionaries({"categories": st.lists(numbers, min_size=2, max_size=3)})),
    st.tuples(st.just("reject"), st.fixed_dictionaries({"categories": st.lists(numbers, min_size=1, max_size=2)})),
    st.tuples(st.just("restore"), st.fixed_dictionaries({"categories": st.lists(numbers, min_size=1, max_size=2)})),
    st.tuples(st.just("rename"), st.fixed_dictionaries({"cluster": numbers, "name": st.sampled_from(["cat", "dog"])})),
    st.tuples(st.just("reset_name"), st.fixed_dictionaries({"cluster": numbers})),
    st.tuples(
        st.just("filter"), st.fixed_dictionaries({"percent": st.integers(0, 100)}, optional={"cluster": numbers})
    ),
    st.tuples(
        st.just("move"),
        st.fixed_dictionaries(
            {"proposals": st.lists(st.sampled_from(IDS), min_size=1, max_size=3), "category": st.integers(-1, K - 1)}
        ),
    ),
    st.tuples(
        st.sampled_from(["accept", "erase", "put_back"]),
        st.fixed_dictionaries({"proposals": st.lists(st.sampled_from(IDS), min_size=1, max_size=3)}),
    ),
    st.tuples(
        st.just("create"),
        st.builds(
            lambda ids, made, pack: {"proposals": packed(ids) if pack else ids, "made": [made], "name": f"new {made}"},
            st.lists(st.sampled_from(IDS), min_size=1, max_size=3),
            st.integers(K, K + 9),
            st.booleans(),
        ),
    ),
    st.tuples(
        st.sampled_from(["exclude", "include"]),
        st.lists(st.sampled_from(IMAGES), min_size=1, max_size=3).flatmap(
            lambda ids: st.sampled_from([{"images": ids}, {"images": packed(ids)}])
        ),
    ),
    st.tuples(st.just("redraw"), st.fixed_dictionaries({"masks": st.lists(drawings, min_size=1, max_size=3)})),
    st.tuples(st.just("split"), st.tuples(numbers, st.integers(K, K + 9)).map(lambda s: split_payload(s[0], [s[1]]))),
)
undoing = st.tuples(st.sampled_from(["undo", "redo"]), st.just({}))


def walked(steps) -> tuple[History, list[Event]]:
    """The history of all steps that make sense where they come, and their events."""
    history, done = History(), []
    for number, (kind, payload) in enumerate(steps, 1):
        event = Event(number, "", kind, payload)
        try:
            history.add(event)
        except SettingsError:
            continue
        done.append(event)
    return history, done


def meaning(state: Decisions) -> Decisions:
    return replace(state, version=0)


@given(st.lists(events, max_size=12), st.lists(events, min_size=1, max_size=5))
@settings(deadline=None)
def test_merge_split_and_the_rest_then_undo_restores_what_was_and_redo_what_came(before, after):
    history, _ = walked(before)
    start, opening = meaning(history.state), len(history.done)
    states = []
    for kind, payload in after:
        try:
            history.add(Event(100 + len(states), "", kind, payload))
        except SettingsError:
            continue
        states.append(meaning(history.state))
    floor = 1 if opening == 0 and states and history.done[0].event.kind == "filter" else 0
    floor = floor if floor and "cluster" not in history.done[0].event.payload else 0
    for expected in [*reversed(states[:-1]), start][: len(states) - floor]:
        history.add(Event(200, "", "undo", {}))
        assert meaning(history.state) == expected
    for expected in states[floor:]:
        history.add(Event(300, "", "redo", {}))
        assert meaning(history.state) == expected


@given(st.lists(st.one_of(events, undoing), max_size=25))
@settings(deadline=None)
def test_a_log_read_back_is_the_state_that_was_built_step_by_step(steps):
    history, done = walked(steps)
    assert replay(done) == history.state
    assert history.version == (done[-1].id if done else 0)


@given(st.lists(st.one_of(events, undoing), max_size=25))
@settings(deadline=None)
def test_in_every_state_each_id_leads_to_a_category_that_is_there(steps):
    layout = walked(steps)[0].state.layout
    assert not set(layout.into.values()) & set(layout.into)
    assert all(now < old for old, now in layout.into.items())
    assert not layout.rejected & set(layout.into)
    assert layout.by_hand <= set(layout.moved)
    assert not layout.accepted & layout.erased
    assert all(layout.moved.get(proposal) != -1 for proposal in layout.accepted)


def test_a_new_decision_after_an_undo_clears_the_redo(log):
    log.append("r", "c", "rename", cluster=0, name="cat")
    log.append("r", "c", "undo")
    log.append("r", "c", "rename", cluster=1, name="dog")
    with pytest.raises(SettingsError, match="nothing to redo"):
        log.append("r", "c", "redo")
    assert log.read("r", "c").names == {1: "dog"}


def test_the_filter_that_a_run_began_with_is_not_undone(log):
    log.append("r", "c", "filter", percent=20)
    with pytest.raises(SettingsError, match="nothing to undo"):
        log.append("r", "c", "undo")
    log.append("r", "c", "filter", percent=50)
    assert log.append("r", "c", "undo").filter_percent == 20
    assert [e.kind for e in log.events("r", "c")] == ["filter", "filter", "undo"]


def test_a_merged_category_keeps_the_smallest_id_its_percentage_and_the_name_a_person_gave():
    state = replay(
        Event(n, "", kind, payload)
        for n, (kind, payload) in enumerate(
            [
                ("filter", {"percent": 30, "cluster": 4}),
                ("filter", {"percent": 10, "cluster": 2}),
                ("rename", {"cluster": 4, "name": "bird"}),
                ("merge", {"categories": [4, 2]}),
                ("merge", {"categories": [5, 2]}),
            ]
        )
    )
    assert state.layout.into == {4: 2, 5: 2}
    assert state.names == {2: "bird"} and state.percent_of([2]) == {2: 10.0}


def test_a_part_is_named_after_its_whole_by_a_number_no_other_has():
    steps = [
        ("rename", {"cluster": 1, "name": "bird"}),
        ("split", split_payload(1, [6, 7])),
        ("split", split_payload(1, [8])),
    ]
    state = walked(steps)[0].state
    assert [state.name_of(k) for k in (1, 6, 7, 8, 2)] == ["bird", "bird · 2", "bird · 3", "bird · 4", "cluster 2"]


@pytest.mark.parametrize(
    ("kind", "payload", "message"),
    [
        ("merge", {"categories": [0]}, "two or more categories"),
        ("merge", {"categories": [2, 3]}, "category 3 was merged into category 1"),
        ("merge", {"categories": [0, 4]}, "category 4 is rejected: restore it first"),
        ("split", split_payload(3, [9]), "merged into category 1"),
        ("split", split_payload(0, [6]), "id 6 is in use"),
        ("reject", {"categories": [4]}, "rejected"),
        ("restore", {"categories": [1]}, "category 1 is not rejected"),
        ("move", {"proposals": [IDS[0]], "category": 3}, "merged into category 1"),
        ("move", {"proposals": [], "category": 0}, "choose a proposal"),
        ("rename", {"cluster": 3, "name": "cat"}, "merged into category 1"),
        ("rename", {"cluster": 2, "name": " "}, "a name must not be empty"),
        ("rename", {"cluster": 2, "name": "\n\x00\u2029"}, "a name must not be empty"),
        ("reset_name", {"cluster": 3}, "merged into category 1"),
        ("reset_name", {"cluster": 2}, "no name to reset"),
        ("redo", {}, "nothing to redo"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused_and_not_written(log, kind, payload, message):
    log.append("r", "c", "merge", categories=[1, 3])
    log.append("r", "c", "reject", categories=[4])
    log.append("r", "c", "split", **split_payload(2, [6]))
    written = len(log.events("r", "c"))
    with pytest.raises(SettingsError, match=message):
        log.append("r", "c", kind, **payload)
    assert len(log.events("r", "c")) == written


def test_what_a_split_holds_comes_back_exactly():
    members = [[f"ein Bild · {n}#0", n % 3, 0.1 + n / 7] for n in range(500)]
    assert unpacked(packed(members)) == members


def test_a_part_of_a_split_that_is_named_and_reset_has_the_name_of_its_part_again(log):
    log.append("r", "c", "split", **split_payload(1, [6]))
    log.append("r", "c", "rename", cluster=6, name="cat")
    state = log.append("r", "c", "reset_name", cluster=6)
    assert state.names == {} and state.name_of(6) == state.own_name_of(6) == "cluster 1 · 2"


def test_decisions_of_two_people_on_different_things_both_hold(log):
    seen = log.append("r", "c", "filter", percent=20).version
    log.append("r", "c", "merge", based_on=seen, categories=[0, 1])
    log.append("r", "c", "reject", based_on=seen, categories=[3])
    state = log.append("r", "c", "rename", based_on=seen, cluster=2, name="cat")
    assert state.layout.into == {1: 0} and state.layout.rejected == {3} and state.names == {2: "cat"}
    log.append("r", "c", "filter", based_on=seen, percent=70, cluster=4)
    assert log.append("r", "c", "filter", based_on=seen, percent=60, cluster=5).cluster_percent == {4: 70.0, 5: 60.0}


def test_several_decisions_are_all_written_or_none(log):
    seen = log.append("r", "c", "filter", percent=20).version
    log.append("r", "c", "filter", percent=35, cluster=2)
    own = [("filter", {"percent": 60, "cluster": 1}), ("filter", {"percent": 70, "cluster": 2})]
    with pytest.raises(ConflictError):
        log.append_all("r", "c", lambda _: own, based_on=seen)
    with pytest.raises(SettingsError):
        log.append_all("r", "c", lambda _: [own[0], ("filter", {"percent": 101, "cluster": 3})])
    assert log.read("r", "c").cluster_percent == {2: 35.0} and len(log.events("r", "c")) == 2
    assert log.append_all("r", "c", lambda _: own[:1], based_on=seen).cluster_percent == {1: 60.0, 2: 35.0}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("merge", {"categories": [0, 1]}), ("reject", {"categories": [1]})),
        (("rename", {"cluster": 2, "name": "cat"}), ("rename", {"cluster": 2, "name": "dog"})),
        (("rename", {"cluster": 2, "name": "cat"}), ("reset_name", {"cluster": 2})),
        (("filter", {"percent": 30}), ("filter", {"percent": 40})),
        (("filter", {"percent": 30}), ("filter", {"percent": 40, "cluster": 1})),
        (("filter", {"percent": 30, "cluster": 1}), ("filter", {"percent": 40})),
        (("filter", {"percent": 30, "cluster": 1}), ("filter", {"percent": 40, "cluster": 1})),
        (("move", {"proposals": IDS[:2], "category": 1}), ("move", {"proposals": IDS[1:3], "category": 2})),
        (("move", {"proposals": IDS[:1], "category": 1}), ("split", split_payload(0, [6]))),
        (("merge", {"categories": [0, 1]}), ("undo", {})),
    ],
)
def test_the_second_of_two_on_the_same_thing_is_told_and_the_first_stays(log, first, second):
    seen = log.append("r", "c", "rename", cluster=5, name="last seen").version
    state = log.append("r", "c", first[0], based_on=seen, **first[1])
    with pytest.raises(ConflictError, match=f"in the meantime \\({first[0]}\\)"):
        log.append("r", "c", second[0], based_on=seen, **second[1])
    assert log.read("r", "c") == state


def test_what_someone_undid_in_the_meantime_counts_as_decided(log):
    seen = log.append("r", "c", "merge", categories=[0, 1]).version
    log.append("r", "c", "undo")
    with pytest.raises(ConflictError, match="merge"):
        log.append("r", "c", "reject", based_on=seen, categories=[0])
    log.append("r", "c", "reject", based_on=seen, categories=[4])


def test_many_writers_lose_no_merge(log):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: log.append("r", "c", "merge", based_on=0, categories=[2 * n, 2 * n + 1]), range(20)))
    assert log.read("r", "c").layout.into == {2 * n + 1: 2 * n for n in range(20)}


def test_a_name_is_one_line_however_it_was_given_and_when_the_log_is_read_anew(log):
    odd = " grey\r\nwolf\x00\t of\u2028the\x1b north "
    assert log.append("r", "c", "rename", cluster=2, name=odd).names == {2: "grey wolf of the north"}
    assert replay([Event(1, "", "rename", {"cluster": 2, "name": odd})]).names == {2: "grey wolf of the north"}
