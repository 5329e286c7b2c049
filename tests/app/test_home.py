"""The landing: a welcome in an empty workspace, and the runs with what comes next where there are some."""

import pytest

from app.data.run_covers import covers
from comus_core import curation, open_workspace
from comus_core.runs.run_view import open_run_view
from tests.app.test_frame import save_run
from tests.app.working import by_key, open_app, texts
from tests.builders import draw_folder


def test_the_bare_address_of_an_empty_workspace_is_the_welcome(app_test, tmp_path):
    test = app_test(workspace=tmp_path)
    assert not test.exception and test.title[0].value == "COMUS Explorer"
    said = texts(test)
    assert "without labels" in said and "Your folder" in said and "Try the demo" in said
    assert "supervised: image labels" in said and "synthetic scenes" in said and "Your runs" not in said
    assert len(test.get("image")) == 1


def test_the_bare_address_of_a_workspace_with_runs_is_home_and_one_with_a_run_its_map(app_test, shown):
    assert app_test().title[0].value == "Home"
    assert app_test(run=shown[1].id).title[0].value == "Explore"


def test_the_demo_opens_at_once_and_a_second_time_is_the_same_run(monkeypatch, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    for _ in range(2):
        test = open_app(monkeypatch, workspace, "home")
        by_key(test.button, "home_try").click().run()
        assert not test.exception and test.title[0].value == "Explore"
        (run,) = workspace.runs.all()
        assert "10 clusters" in texts(test) and "0 of 10 named" in texts(test)
        assert test.query_params["run"] in (run.id, [run.id])


def test_the_folder_goes_along_to_discover(monkeypatch, tmp_path):
    folder = draw_folder(tmp_path / "shapes", count=5, empty=1)
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(tmp_path))
    test = open_app(monkeypatch, open_workspace(tmp_path / "w"), "home")
    by_key(test.text_input, "new_folder_path").set_value(str(folder)).run()
    by_key(test.button, "home_discover").click().run()
    assert not test.exception and test.title[0].value == "Discover"
    assert by_key(test.text_input, "new_folder_path").value == str(folder) and "**5 images**" in texts(test)


def test_without_a_folder_discover_opens_on_the_upload(monkeypatch, tmp_path):
    test = open_app(monkeypatch, open_workspace(tmp_path / "w"), "home")
    by_key(test.button, "home_discover").click().run()
    assert not test.exception and len(test.get("file_uploader")) == 1


def test_each_run_has_its_images_its_numbers_and_what_comes_next(app_test, changeable):
    workspace, run = changeable
    save_run(workspace, run, id="early-1", name="<stopped>", state="failed", artifacts={}, result={})
    said = texts(app_test("home", workspace=workspace))
    assert said.count("<article>") == 2 and "&lt;stopped&gt;" in said and "<stopped>" not in said
    assert "Next: Name the clusters" in said and f'href="name?run={run.id}"' in said
    assert "Next: Resume the run" in said and 'data-state="failed"' in said
    assert "90 images · 5 clusters · mIoU" in said and said.count("/layers/pseudo_mask/") == 4
    for category in range(5):
        curation.rename(open_run_view(workspace, run), category, f"thing {category}")
    assert "Next: Choose the filter" in texts(app_test("home", workspace=workspace))


def test_only_the_newest_runs_are_shown_and_the_others_are_linked(app_test, changeable):
    workspace, run = changeable
    for number in range(9):
        save_run(workspace, run, id=f"run-{number}", name=f"run {number}")
    test = app_test("home", workspace=workspace)
    assert not test.exception and texts(test).count("<article>") == 8
    assert "All 10 runs" in [link.proto.label for link in test.get("page_link")]


@pytest.mark.parametrize("size", [1, 3, 90])
def test_covers_are_spread_over_the_images_and_none_is_beyond_them(shown, size):
    from dataclasses import replace

    workspace, run = shown
    few = replace(run, result={"images": size + 2, "skipped": 2})
    rows = [int(one.image.partition("/images/")[2].partition("?")[0]) for one in covers(workspace, few)]
    assert rows == sorted(set(rows)) and len(rows) == min(4, size) and max(rows) < size


def test_a_run_whose_images_are_gone_or_not_read_has_no_covers(shown, tmp_path):
    from dataclasses import replace

    workspace, run = shown
    assert covers(workspace, replace(run, artifacts={})) == []
    assert covers(workspace, replace(run, provenance=run.provenance | {"root": str(tmp_path / "gone")})) == []
