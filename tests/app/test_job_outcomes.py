"""Where a finished job leads: its card, the sidebar and its notice say what came out and link to it."""

import json

import pytest

from app.components.frame import job_news
from app.components.shared import job_outcome, navigation
from app.data.job_outcomes import Destination, destination
from comus_core import open_workspace
from comus_core.jobs.logs import result_path
from comus_core.verbs import VERBS
from tests.app.working import ended_job, open_app, texts
from tests.jobs.builders import job

PAGES = tuple(navigation.PAGES)
RUN = {"images": 60, "skipped": 0, "proposals": 75, "clusters": 8}


@pytest.mark.parametrize("kind", [name for name, verb in VERBS.items() if verb.is_job])
def test_every_job_that_a_page_shows_leads_to_a_page_that_there_is(kind):
    place = destination(job(kind=kind, state="done", run="run-1"))
    if kind in ("bundle", "figure", "report") or kind.startswith("datasets-"):  # files; a folder: the next test
        assert place is None
    elif kind.startswith("saliency-"):  # of a data set
        assert place.page == "images" and place.label and dict(place.parameters).keys() == {"data", "tab"}
    else:
        assert place is not None and place.page in PAGES and place.label
        assert dict(place.parameters).get("run") == (None if kind == "images" else "run-1")
        assert ("picture" in dict(place.parameters)) == (kind == "similar")


def test_a_download_and_a_check_lead_to_the_folder_of_the_data_set():
    made = destination(job(kind="datasets-download", state="done", settings={"name": "voc2012", "to_": "/data"}))
    assert made == Destination("datasets", (("folder", "/data"),), "Show the data sets")
    for spec in ("voc:/data/VOCdevkit:val", "coco:/data:val2017"):
        assert destination(job(kind="datasets-check", state="done", subject=spec)) == made
    assert destination(job(kind="datasets-check", state="done", subject="/my/photos")) is None


def test_files_that_a_command_wrote_outside_the_workspace_are_on_no_page(monkeypatch, tmp_path):
    monkeypatch.setenv("COMUS_WORKSPACE", str(tmp_path / "w"))
    about = {"kind": "saliency-predict", "state": "done", "subject": "/photos"}
    assert destination(job(settings={"out": str(tmp_path / "maps")}, **about)) is None
    inside = destination(job(settings={"out": str(tmp_path / "w" / "maps")}, **about))
    assert inside == Destination("images", (("data", "/photos"), ("tab", "maps")), "Download the maps")


def test_encoders_compared_on_a_data_set_are_on_the_images_page():
    place = destination(job(kind="encoders-compare", state="done", subject="/photos"))
    assert place == Destination("images", (("data", "/photos"), ("tab", "encoders")), "Show the comparison")


def test_a_job_that_did_not_finish_or_whose_run_is_unknown_leads_nowhere():
    for state in ("running", "failed", "cancelled", "lost"):
        assert destination(job(state=state, run="run-1")) is None
    assert destination(job(state="done")) is None


def test_new_clusters_lead_to_the_naming_page():
    assert destination(job(state="done", run="run-1")) == Destination("name", (("run", "run-1"),), "Name them")


def test_a_notice_says_what_came_out_below_how_it_ended():
    done = job(state="done", kind="how_many", started_at=1.0, ended_at=31.0)
    said = job_news.sentence_on(done, "8 clusters: [Name them](clusters?run=r)")
    assert said == "8 clusters: [Name them](clusters?run=r)  \n**How_many** finished after 30 s"
    assert job_outcome.address(Destination("images", (), "Check")) == "images"


def test_the_last_result_is_the_newest_that_was_not_there_before():
    done = [job(id=n, state="done", ended_at=float(n)) for n in (1, 2, 3)]
    others = [job(id=9, state="failed", ended_at=9.0), job(id=8, state="running")]
    assert job_news.last_result([*done, *others], frozenset([1])).id == 3
    assert job_news.last_result([*done, *others], frozenset([1, 2, 3])) is None


@pytest.fixture
def finishing(monkeypatch, shown, tmp_path):
    """`finishing(page)`: that page, open while a job on the finished run ends; the page, and the job."""
    from tests.builders import copy_of

    workspace, run = copy_of(shown, tmp_path)

    def end(page: str):
        test = open_app(monkeypatch, workspace, page, run=run.id)
        done = ended_job(workspace, "done")
        with workspace.database.writing() as connection:
            connection.execute("UPDATE jobs SET run = ?, started_at = ended_at - 60 WHERE id = ?", (run.id, done.id))
        result_path(done).write_text(json.dumps(RUN))
        return test.run(), done

    return end


def links(test):
    return [(link.proto.label, link.proto.page) for link in test.get("page_link")]


def test_sidebar_and_notice_lead_to_the_result_until_it_is_open(finishing):
    test, _ = finishing("filter")
    assert not test.exception
    assert "8 clusters in 60 images: [Name them](name?run=" in test.toast[0].value
    assert ("8 clusters in 60 images: name them", "name") in links(test)
    test.switch_page("../pages/name_clusters.py").run()
    assert not [label for label, _ in links(test) if "name them" in label]
    test.switch_page("../pages/filter.py").run()
    assert not [label for label, _ in links(test) if "name them" in label]


def test_the_card_says_what_came_out_and_leads_there(finishing):
    test, _ = finishing("jobs")
    assert not test.exception and "**8 clusters in 60 images**" in texts(test)
    assert ("Name them", "name") in links(test)


def test_a_job_without_a_stored_result_has_its_link_alone(monkeypatch, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    ended_job(workspace, "done")
    test = open_app(monkeypatch, workspace, "jobs")
    assert not test.exception and "clusters in" not in texts(test)
