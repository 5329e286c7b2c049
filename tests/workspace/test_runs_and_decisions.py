import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comus_core.config import RunConfig, make_config
from comus_core.errors import Cancelled, SettingsError, WorkspaceError
from comus_core.workspace import Run, open_workspace
from comus_core.workspace.decisions import Event, replay
from comus_core.workspace.trainings import Training


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "work")


def a_run(name="photos-12345678", **changes):
    return Run(name, name=name, config=RunConfig("photos"), **changes)


def test_a_run_comes_back_as_it_was_saved(workspace):
    run = a_run(state="done", provenance={"seed": 3}, artifacts={"images": "ab"}, result={"images": 2})
    saved = workspace.runs.save(run)
    assert workspace.runs.get(run.id) == saved
    assert (saved.config, saved.provenance, saved.artifacts, saved.result) == (
        run.config,
        run.provenance,
        run.artifacts,
        run.result,
    )


def test_saving_again_keeps_what_the_person_wrote(workspace):
    workspace.runs.save(a_run())
    workspace.runs.describe("photos-12345678", name="holiday", note="the good one", archived=True)
    again = workspace.runs.save(a_run(state="done"))
    assert (again.name, again.note, again.archived, again.state) == ("holiday", "the good one", True, "done")


def test_a_decision_changes_when_its_run_was_last_touched(workspace):
    for name in ("one-11111111", "two-22222222"):
        workspace.runs.save(a_run(name, artifacts={"clustering": "c"}))
    before = workspace.runs.get("one-11111111").updated_at
    workspace.decisions.append("one-11111111", "c", "filter", percent=20)
    workspace.decisions.append("one-11111111", "c", "rename", cluster=0, name="dog")
    written = workspace.decisions.events("one-11111111", "c")[-1].at
    assert workspace.runs.get("one-11111111").updated_at == written >= before
    assert workspace.runs.find("latest").id == "one-11111111"
    with pytest.raises(SettingsError):
        workspace.decisions.append("two-22222222", "c", "rename", cluster=0, name=" ")
    assert workspace.runs.find("latest").id == "one-11111111"  # what is refused touches nothing


def test_a_run_is_found_by_id_name_beginning_and_latest(workspace):
    workspace.runs.save(a_run("one-11111111"))
    workspace.runs.save(a_run("two-22222222"))
    workspace.runs.describe("one-11111111", name="first")
    assert [workspace.runs.find(n).id for n in ("one-11111111", "first", "two", "latest")] == [
        "one-11111111",
        "one-11111111",
        "two-22222222",
        "two-22222222",
    ]


def test_latest_is_what_was_begun_finished_opened_or_decided_on_last_whatever_changed_since(workspace):
    runs = workspace.runs
    for name in ("a-1", "b-2", "c-3"):
        runs.save(a_run(name, artifacts={"clustering": "c"}))
    assert [run.id for run in runs.all()] == ["c-3", "b-2", "a-1"]
    before = runs.get("a-1").updated_at
    runs.bring_to_front("a-1")
    assert runs.find("latest").id == "a-1" and runs.get("a-1").updated_at == before  # no time was moved
    runs.update("b-2", lambda run: replace(run, provenance={"root": "/elsewhere"}))  # as another run's relinking does
    runs.end("b-2", "failed")
    assert runs.find("latest").id == "a-1"
    runs.begin(a_run("b-2"))
    assert runs.find("latest").id == "b-2"
    runs.finish("c-3", {}, {}, {})
    assert [run.id for run in runs.all()] == ["c-3", "b-2", "a-1"]
    runs.remove("c-3")
    assert runs.find("latest").id == "b-2"  # the one before it
    workspace.decisions.append("a-1", "c", "filter", percent=20)
    runs.add(a_run("d-4"))
    assert [run.id for run in runs.all()] == ["d-4", "a-1", "b-2"]


def test_a_run_of_an_older_program_has_no_place_and_comes_by_its_time(workspace):
    for name in ("a-1", "b-2"):
        workspace.runs.save(a_run(name))
    with workspace.database.writing() as connection:
        connection.execute("DELETE FROM latest")
    assert workspace.runs.find("latest").id == "b-2"
    workspace.runs.bring_to_front("a-1")
    assert workspace.runs.find("latest").id == "a-1"


@pytest.mark.parametrize("table", ["runs", "trainings"])
def test_runs_and_trainings_end_alike(workspace, table):
    rows = getattr(workspace, table)
    save = rows.begin(a_run("a-1") if table == "runs" else Training("a-1", "r"))
    assert rows.get(save.id).state == "interrupted"  # it says "running", and nobody is at work on it
    with rows.attempt("a-1"):
        assert rows.get("a-1").state == "running"
        rows.end("a-1", "failed")  # of another attempt, while this one works
        assert rows.get("a-1").state == "running"
    for fault, state in ((ValueError, "failed"), (Cancelled, "cancelled"), (KeyboardInterrupt, "cancelled")):
        with pytest.raises(fault), rows.attempt("a-1"):
            raise fault
        assert rows.get("a-1").state == state
        rows.begin(save)
    rows.save(replace(save, state="done"))
    with pytest.raises(ValueError), rows.attempt("a-1"):
        raise ValueError
    rows.end("a-1", "cancelled")
    assert rows.get("a-1").state == "done"


def test_trainings_come_latest_first_and_may_be_brought_to_the_front(workspace):
    table = workspace.trainings
    for name in ("a", "b", "c"):
        table.begin(Training(name, "r", artifacts={"network-1": name}))
    table.grow(Training("a", "r", artifacts={"network-2": "a"}, result={}))
    assert [training.id for training in table.of_run("r")] == ["c", "b", "a"]
    assert (table.with_round("r", 1).id, table.with_round("r", 2).id) == ("c", "a")
    table.bring_to_front("b", "a")
    assert [training.id for training in table.of_run("r")] == ["b", "a", "c"]


def test_an_ambiguous_or_unknown_run_is_a_clear_message(workspace):
    workspace.runs.save(a_run("one-11111111"))
    workspace.runs.save(a_run("one-22222222"))
    with pytest.raises(WorkspaceError, match="fits 2 runs"):
        workspace.runs.find("one")
    with pytest.raises(WorkspaceError, match="no run 'three'"):
        workspace.runs.find("three")


def test_the_database_is_in_wal_mode(workspace):
    with sqlite3.connect(workspace.root / "comus.sqlite") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_decisions_amount_to_the_last_word_on_each_thing(workspace):
    log = workspace.decisions
    log.append("r", "c", "filter", percent=20)
    log.append("r", "c", "rename", cluster=3, name=" cat ")
    log.append("r", "c", "filter", percent=50.0, cluster=3)
    decided = log.append("r", "c", "rename", cluster=3, name="dog")
    assert decided.names == {3: "dog"}
    assert decided.percent_of(range(4)) == {0: 20.0, 1: 20.0, 2: 20.0, 3: 50.0}
    assert decided.version == log.events("r", "c")[-1].id


def test_decisions_on_another_clustering_are_another_log(workspace):
    workspace.decisions.append("r", "old", "rename", cluster=0, name="cat")
    assert workspace.decisions.read("r", "new").names == {}


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("filter", {"percent": 101}),
        ("filter", {"percent": -1, "cluster": 2}),
        ("rename", {"cluster": 0, "name": "  "}),
        ("rename", {"cluster": "x", "name": "cat"}),
        ("vanish", {}),
    ],
)
def test_a_decision_that_cannot_be_replayed_is_refused_and_not_written(workspace, kind, payload):
    with pytest.raises(SettingsError):
        workspace.decisions.append("r", "c", kind, **payload)
    assert workspace.decisions.events("r", "c") == []


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 100)), max_size=20))
def test_a_global_filter_wipes_the_per_cluster_ones(pairs):
    events = [Event(i + 1, "", "filter", {"percent": p, "cluster": c}) for i, (c, p) in enumerate(pairs)]
    events.append(Event(99, "", "filter", {"percent": 30}))
    assert set(replay(events).percent_of(range(6)).values()) == {30.0}


def test_what_the_filter_ranks_by_stays_until_another_is_decided(workspace):
    assert workspace.decisions.append("r", "c", "filter", percent=30).filter_by == "distance"
    assert workspace.decisions.append("r", "c", "filter", percent=30, by="density").filter_by == "density"
    decided = workspace.decisions.append("r", "c", "filter", percent=50, cluster=2)
    assert (decided.filter_by, decided.filter_percent, decided.cluster_percent) == ("density", 30.0, {2: 50.0})
    with pytest.raises(SettingsError, match="filter by 'colour': choose one of distance, silhouette"):
        workspace.decisions.append("r", "c", "filter", percent=30, by="colour")
    assert len(workspace.decisions.events("r", "c")) == 3


def test_many_writers_lose_no_decision(workspace):
    def write(number):
        workspace.decisions.append("r", "c", "rename", cluster=number, name=f"name {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert workspace.decisions.read("r", "c").names == {n: f"name {n}" for n in range(40)}


def test_a_workspace_works_after_it_was_moved(workspace, tmp_path):
    workspace.runs.save(a_run())
    workspace.decisions.append("photos-12345678", "", "filter", percent=30)
    shutil.move(workspace.root, tmp_path / "elsewhere")
    moved = open_workspace(tmp_path / "elsewhere")
    assert moved.decisions_of(moved.runs.find("latest")).filter_percent == 30


def test_a_workspace_that_is_a_file_or_cannot_be_written_is_a_clear_message(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="is a file"):
        open_workspace(tmp_path / "file")
    with pytest.raises(WorkspaceError, match="cannot write"):
        open_workspace("/proc/comus")


def test_a_damaged_database_is_a_clear_message(tmp_path):
    (tmp_path / "comus.sqlite").write_bytes(b"not a database at all, but long enough to be read as one" * 40)
    with pytest.raises(WorkspaceError, match=r"comus\.sqlite"):
        open_workspace(tmp_path)


def test_an_unchanged_file_is_hashed_once(workspace, tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"one")
    first = workspace.hash_files([file])[file]
    with workspace.database.writing() as connection:
        connection.execute("UPDATE files SET sha256 = 'remembered'")
    assert workspace.hash_files([file])[file] == (3, "remembered")
    file.write_bytes(b"other")
    assert workspace.hash_files([file])[file][1] not in ("remembered", first[1])


def test_settings_come_back_from_a_file_and_changes_win(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text('{"dataset": "photos", "filter_percent": 35, "clustering": {"clusters": 7}}')
    config = make_config("paper-voc", file, clustering={"features": "l2", "method": None})
    assert (config.dataset, config.filter_percent) == ("photos", 35)
    assert (config.clustering.clusters, config.clustering.features, config.saliency.detector) == (7, "l2", "basnet")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clustering": {"clusters": 1}}, "at least 2"),
        ({"clustering": {"features": "L3"}}, "raw, l2"),
        ({"clustering": {"klusters": 3}}, "valid are"),
        ({"filter_percent": 120}, "at most 100"),
        ({"matching": "best"}, "auto, hungarian, counts, majority"),
        ({"saliency": {"threshold": 1.5}}, "less than 1"),
        ({"dataset": ""}, "no data set"),
    ],
)
def test_a_setting_out_of_range_names_itself_and_the_valid_values(changes, message):
    with pytest.raises(SettingsError, match=message):
        make_config(**({"dataset": "photos"} | changes))
