"""The log that goes on from where it stood: it amounts to a plain walk from the start, at the work of one step."""

import itertools
import sqlite3
from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from comus_core.errors import ConflictError, SettingsError
from comus_core.workspace import checkpoint, open_workspace
from comus_core.workspace import decision_steps as steps
from comus_core.workspace.conflicts import ALL, touched
from comus_core.workspace.decision_log import DecisionLog
from comus_core.workspace.decisions import Decisions, Event, apply
from tests.workspace.test_decision_log import IDS, events, split_payload, undoing, walked

pytestmark = pytest.mark.thorough

runs = (f"r{n}" for n in itertools.count())


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return open_workspace(tmp_path_factory.mktemp("log")).database


def in_force(log: list[Event]) -> tuple[list[Event], list[Event]]:
    """Done and undone, by the meaning of undo and redo alone."""
    done, undone = [], []
    for event in log:
        if event.kind == "undo":
            undone.append(done.pop())
        elif event.kind == "redo":
            done.append(undone.pop())
        else:
            done.append(event)
            undone.clear()
    return done, undone


def plain(log: list[Event]) -> Decisions:
    """All decisions in force, applied from the start."""
    state = Decisions()
    for event in in_force(log)[0]:
        state = apply(state, event)
    return replace(state, version=log[-1].id if log else 0)


def in_conflict(log: list[Event], seen: int, kind: str, payload: dict) -> bool:
    """By comparing everything with everything."""
    if not log or seen == log[-1].id:
        return False
    before = {e.id for e in in_force([e for e in log if e.id <= seen])[0]}
    since = [e for e in log if e.id in before ^ {e.id for e in in_force(log)[0]}]
    if kind in ("undo", "redo"):
        return bool(since) or log[-1].id > seen
    own, theirs = touched(Event(0, "", kind, payload)), [touched(e) for e in since]
    filters = [t for t in theirs if any(about == "filter" for about, _ in t)]
    wide = kind == "filter" and any(("filter", ALL) in own | t for t in filters)
    return wide or any(own & t for t in theirs)


steps_of_two = st.lists(
    st.tuples(
        st.integers(0, 1), st.one_of(events, undoing, undoing), st.sampled_from([True, True, False]), st.booleans()
    ),
    max_size=30,
)


def test_redo_brings_back_the_latest_of_those_that_were_undone_at_one_place(database):
    run, log = next(runs), DecisionLog(database)
    log.append(run, "c", "filter", percent=20)
    for name in ("first", "second"):
        log.append(run, "c", "rename", cluster=0, name=name)
        log.append(run, "c", "undo")
    assert DecisionLog(database).append(run, "c", "redo").names == {0: "second"}
    log.append(run, "c", "rename", cluster=0, name="third")
    assert log.append(run, "c", "undo").names == {0: "second"}
    assert log.append(run, "c", "undo").names == {}
    assert log.append(run, "c", "redo").names == {0: "second"}
    assert log.append(run, "c", "redo").names == {0: "third"}


@given(steps_of_two)
# Without shrinking, which takes minutes where every step is a transaction on disk.
@settings(deadline=None, max_examples=80, phases=[Phase.explicit, Phase.generate])
def test_two_writers_amount_to_a_plain_walk_and_are_refused_where_that_says_so(database, taken):
    run, every = next(runs), steps.EVERY
    steps.EVERY = 3  # so that checkpoints are read
    try:
        writers, seen, written = [DecisionLog(database) for _ in range(2)], [0, 0], []
        for who, (kind, payload), looks, restarts in taken:
            if restarts:
                writers[who] = DecisionLog(database)
            if looks:
                seen[who] = writers[who].read(run, "c").version
            conflict = in_conflict(written, seen[who], kind, payload)
            try:
                state = writers[who].append(run, "c", kind, based_on=seen[who], **payload)
            except ConflictError:
                assert conflict
            except SettingsError:
                pass  # which of both is told first is no promise
            else:
                assert not conflict
                written.append(Event(state.version, "", kind, payload))
                seen[who] = state.version
                assert state == plain(written)
        for log in (*writers, DecisionLog(database)):
            assert log.read(run, "c") == plain(written)
            ways, (done, undone) = log.ways(run, "c"), in_force(written)
            opening = len(done) == 1 and done[0].kind == "filter" and "cluster" not in done[0].payload
            expected = None if opening or not done else done[-1].id
            assert (ways.undoable.event.id if ways.undoable else None) == expected
            assert (ways.redoable.event.id if ways.redoable else None) == (undone[-1].id if undone else None)
            if ways.undoable is not None:
                before = plain([e for e in written if e.id <= done[-2].id]) if len(done) > 1 else Decisions()
                assert replace(ways.undoable.before, version=0) == replace(before, version=0)
        for then in [0, *(e.id for e in written)]:
            assert log.read_at(run, "c", then) == plain([e for e in written if e.id <= then])
        assert [(e.id, e.kind) for e in log.events(run, "c")] == [(e.id, e.kind) for e in written]
    finally:
        steps.EVERY = every


@given(st.lists(st.one_of(events, undoing), max_size=25))
@settings(deadline=None)
def test_a_walk_in_memory_that_takes_back_is_a_plain_one(taken):
    history, done = walked(taken)
    assert history.state == plain(done)


@given(st.lists(events, max_size=15))
@settings(deadline=None)
def test_a_checkpoint_is_the_state_to_the_last_bit(taken):
    state = Decisions()
    for number, (kind, payload) in enumerate(taken):
        try:
            state = apply(state, Event(number, "", kind, payload))
        except SettingsError:
            continue
    assert checkpoint.from_bytes(checkpoint.to_bytes(state), 7) == replace(state, version=7)


def moved(number):
    return "move", {"proposals": [f"image{number}#0"], "category": number % 6}


def counting(own, counted, name):
    def called(*given):
        counted[name] += 1
        return own(*given)

    return called


def work_of(log: DecisionLog, monkeypatch, run: str, kind: str, **payload) -> tuple[int, int]:
    """How many events were read and applied for one more."""
    counted = {"event_from": 0, "apply": 0}
    with monkeypatch.context() as patch:
        for name in counted:
            patch.setattr(steps, name, counting(getattr(steps, name), counted, name))
        log.append(run, "c", kind, **payload)
    return counted["event_from"], counted["apply"]


@pytest.mark.parametrize(
    ("kind", "payload", "most"),
    [
        ("move", {"proposals": IDS[:1], "category": 2}, (0, 1)),
        ("rename", {"cluster": 1, "name": "cat"}, (0, 1)),
        ("undo", {}, (1, 0)),
        ("split", split_payload(0, [20]), (0, 1)),
    ],
)
def test_one_more_decision_is_the_same_work_whatever_the_length_of_the_log(database, monkeypatch, kind, payload, most):
    for length in (10, 1_000):
        run, log = next(runs), DecisionLog(database)
        log.append_all(run, "c", lambda _, length=length: [moved(n) for n in range(length)])
        assert work_of(log, monkeypatch, run, kind, **payload) == most


def test_the_work_of_a_decision_on_an_older_version_is_what_was_decided_since(database, monkeypatch):
    for length in (10, 700):
        run, log = next(runs), DecisionLog(database)
        seen = log.append_all(run, "c", lambda _, length=length: [moved(n) for n in range(length)]).version
        for category in (0, 1, 2):
            log.append(run, "c", "rename", cluster=category, name="by another")
        assert work_of(log, monkeypatch, run, "rename", based_on=seen, cluster=7, name="cat") == (3, 1)


def test_a_process_that_begins_reads_no_more_than_the_events_since_the_last_checkpoint(database, monkeypatch):
    run, log = next(runs), DecisionLog(database)
    log.append_all(run, "c", lambda _: [moved(n) for n in range(2 * steps.EVERY + 30)])
    assert work_of(DecisionLog(database), monkeypatch, run, "accept", proposals=IDS[:1]) == (30, 31)


def test_a_rename_copies_nothing_of_a_large_layout(database):
    run, log = next(runs), DecisionLog(database)
    before = log.append(run, "c", "split", **split_payload(0, [6], [f"image{n}#0" for n in range(5_000)]))
    after = log.append(run, "c", "rename", cluster=2, name="cat")
    assert after.layout is before.layout
    moved = log.append(run, "c", "move", proposals=["image3#0"], category=2).layout.moved
    assert moved._base is before.layout.moved._base and len(moved._recent) == 1


def test_a_log_that_an_older_program_wrote_is_read_and_gone_on_with(database):
    run, log = next(runs), DecisionLog(database)
    for kind, payload in [("filter", {"percent": 20}), ("merge", {"categories": [0, 1]}), ("undo", {})]:
        log.append(run, "c", kind, **payload)
    with sqlite3.connect(database.path) as connection:
        connection.execute("DELETE FROM steps")
        connection.execute("DELETE FROM checkpoints")
    later = DecisionLog(database)
    assert later.read(run, "c") == log.read(run, "c")
    assert later.append(run, "c", "redo").layout.into == {1: 0}
    assert later.append(run, "c", "undo").layout.into == {}


def test_a_checkpoint_that_cannot_be_read_is_passed_over(database):
    run, log = next(runs), DecisionLog(database)
    log.append_all(run, "c", lambda _: [moved(n) for n in range(steps.EVERY)])
    with sqlite3.connect(database.path) as connection:
        assert connection.execute("UPDATE checkpoints SET state = ?", (b"\x03" + bytes(20),)).rowcount
    assert DecisionLog(database).read(run, "c") == log.read(run, "c")


def test_a_log_that_was_deleted_and_begun_anew_is_not_mixed_with_the_old_one(database):
    run, log = next(runs), DecisionLog(database)
    log.append(run, "c", "rename", cluster=0, name="old")
    with sqlite3.connect(database.path) as connection:
        connection.execute("DELETE FROM events WHERE run = ?", (run,))
        assert not connection.execute("SELECT 1 FROM steps WHERE log NOT IN (SELECT id FROM events)").fetchall()
    assert log.read(run, "c") == Decisions()
    DecisionLog(database).append(run, "c", "rename", cluster=1, name="new")
    assert log.append(run, "c", "rename", cluster=2, name="newer").names == {1: "new", 2: "newer"}


def test_a_number_once_given_to_a_category_is_never_given_again(database):
    run, log = next(runs), DecisionLog(database)

    def split_off():
        return log.append(run, "c", "split", make=lambda now: split_payload(0, [max(5, now.given) + 1]))

    assert list(split_off().layout.made) == [6]
    log.append(run, "c", "undo")
    log.append(run, "c", "rename", cluster=1, name="cat")
    assert list(split_off().layout.made) == [7]
