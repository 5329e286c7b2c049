import pytest
from streamlit.testing.v1 import AppTest

from comus_core import curation, open_workspace
from comus_core.runs.run_view import open_run_view
from comus_core.workspace import Run


def texts(test) -> str:
    """All words on the page."""
    parts = [*test.title, *test.caption, *test.markdown, *test.error, *test.get("html"), *test.get("page_link")]
    return "\n".join(str(getattr(p, "value", "") or getattr(getattr(p, "proto", None), "body", "") or p) for p in parts)


def save_run(workspace, run: Run, **changes) -> Run:
    from dataclasses import replace

    return workspace.runs.save(replace(run, **changes))


def test_a_workspace_without_runs_leads_to_starting_one(app_test, tmp_path):
    test = app_test("explore", workspace=tmp_path)
    assert not test.exception and "No runs yet" in texts(test) and "comus run demo" in texts(test)


@pytest.mark.parametrize(
    ("state", "words"),
    [("running", "stopped unexpectedly"), ("failed", "failed before"), ("cancelled", "stopped before")],
)
def test_a_run_without_clusters_says_why_and_what_to_do(app_test, changeable, state, words):
    workspace, run = changeable
    save_run(workspace, run, id="early-1", state=state, artifacts={"images": run.artifacts["images"]}, result={})
    test = app_test("explore", workspace=workspace, run="early-1")
    assert not test.exception and words in texts(test)


def test_a_run_on_which_a_process_works_is_still_at_work(app_test, changeable):
    workspace, run = changeable
    save_run(workspace, run, id="early-1", state="running", artifacts={"images": run.artifacts["images"]}, result={})
    with workspace.attempts.at_work("early-1"):
        test = app_test("explore", workspace=workspace, run="early-1")
    assert not test.exception and "still running" in texts(test)


def test_the_newest_run_is_looked_at_and_named_in_the_address(app_test, shown):
    test = app_test("explore")
    assert not test.exception and test.title[0].value == "Explore"
    assert test.query_params["run"] == [shown[1].id] or test.query_params["run"] == shown[1].id
    assert test.selectbox(key="run_picker").value == shown[1].id


def test_the_run_in_the_address_wins_over_the_newest(app_test, changeable):
    workspace, run = changeable
    save_run(workspace, run, id="newer-1", name="the newer one")
    test = app_test("explore", workspace=workspace, run=run.id)
    assert test.selectbox(key="run_picker").value == run.id


def test_choosing_another_run_changes_the_address(app_test, changeable):
    workspace, run = changeable
    save_run(workspace, run, id="newer-1", name="the newer one")
    test = app_test("explore", workspace=workspace)
    assert test.selectbox(key="run_picker").value == "newer-1"
    test.selectbox(key="run_picker").set_value(run.id).run()
    assert not test.exception and run.id in test.query_params["run"]
    assert test.selectbox(key="run_picker").value == run.id


@pytest.mark.parametrize("page", ["explore", "filter", "image"])
def test_an_address_of_an_unknown_run_says_so_and_opens_no_other(app_test, shown, page):
    test = app_test(page, run="gone-1")
    assert not test.exception and "Run gone-1 not found" in texts(test)
    assert test.query_params["run"] in ("gone-1", ["gone-1"])
    assert [box.key for box in test.selectbox] == [] and "Open the newest" in texts(test)


def test_the_supervision_of_a_run_stands_above_each_page_about_it(app_test):
    for page in ("explore", "clusters", "filter", "scores", "image"):
        test = app_test(page)
        assert not test.exception, test.exception
        assert "supervised: masks" in texts(test), page


def test_drawn_scenes_are_marked_as_such(app_test, changeable):
    workspace, run = changeable
    assert "synthetic scenes" not in texts(app_test("explore", workspace=workspace))
    save_run(workspace, run, provenance=run.provenance | {"synthetic": True})
    assert "synthetic scenes" in texts(app_test("explore", workspace=workspace))


def test_an_expected_fault_is_one_sentence(app_test, changeable):
    workspace, run = changeable
    for file in workspace.artifact(run, "clustering").folder.iterdir():
        file.unlink()
    test = app_test("explore", workspace=open_workspace(workspace.root))
    assert not test.exception
    assert [e.value for e in test.error] and "run the stage again" in test.error[0].value


def test_runs_of_the_same_name_are_told_apart(app_test, changeable):
    workspace, run = changeable
    save_run(workspace, run, id="twin-1")
    test = app_test("explore", workspace=workspace, run=run.id)
    test.selectbox(key="run_picker").set_value("twin-1").run()
    assert not test.exception and test.selectbox(key="run_picker").value == "twin-1"
    assert len(set(test.selectbox(key="run_picker").options)) == 2


def test_the_line_above_a_page_counts_the_clusters_that_are_left(app_test, changeable):
    workspace, run = changeable
    assert "5 clusters" in texts(app_test("filter", workspace=workspace))
    curation.merge(open_run_view(workspace, run), [0, 1])
    said = texts(app_test("filter", workspace=workspace))
    assert "4 clusters" in said and "5 clusters" not in said


def test_after_the_way_back_that_is_open_which_the_address_says(app_test, shown):
    def went_back(address: str) -> None:
        from app import state

        state.enter("clusters")
        state.open_cluster(1, 2)
        state.set_colour_by("size")
        state.pick("a#0")  # of another page
        state.follow_history(address)

    def open_after(address: str):
        test = AppTest.from_function(went_back, args=(address,)).run()
        assert not test.exception
        return [test.session_state[f"comus.{name}"] for name in ("cluster", "beside", "colour", "proposal")]

    assert open_after("?run=r&cluster=1&beside=2&colour=size") == ["1", "2", "size", "a#0"]
    assert open_after("?run=r&cluster=1") == ["1", "", "", "a#0"]
    assert open_after("?run=r") == ["", "", "", "a#0"]
    assert open_after("") == ["1", "2", "size", "a#0"]  # an address that was never completed
