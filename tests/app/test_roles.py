"""A viewer looks at everything and changes nothing, by the server; and who decided is in the log."""

import io
import sqlite3

import pytest
from click.testing import CliRunner
from streamlit.runtime.context import ContextProxy

from app.forms.published_form import start_download
from app.server import session_person
from app.server.login import ROLE, USER
from comus_core import curation, jobs, make_config
from comus_core.cli.main import cli
from comus_core.curation import decision_history
from comus_core.datasets.obtain import obtain
from comus_core.datasets.uploads import unpack
from comus_core.errors import NotAllowedError
from comus_core.export.bundle_opening import open_bundle
from comus_core.maintenance.clean import clean
from comus_core.maintenance.delete import delete
from comus_core.person import STRANGER, Person, acting, acting_as, add_source, may_change
from comus_core.pipelines.dataset_settings import DatasetDownloadSettings
from comus_core.pipelines.kept_files import delete_export, keep_upload
from comus_core.pipelines.prediction_folder import delete_prediction, new_prediction
from comus_core.pipelines.relink import relink
from comus_core.pipelines.saliency_folders import new_detector, new_maps
from comus_core.pipelines.verb_settings import DiscoverSettings
from comus_core.runs.run_view import open_run_view
from comus_core.workspace.selection_shapes import Gesture
from tests.app.serving import ROOT

VIEWER, ADA = Person("Vera", "viewer"), Person("Ada Lovelace", "operator")
WANTED = DatasetDownloadSettings("voc2012", "data")
PAGES = sorted(path.name for path in (ROOT / "pages").glob("*.py"))
FILES = [("a.png", io.BytesIO(b""))]
CHANGES = {
    "start a job": lambda place, run: jobs.submit(place, "discover", make_config(dataset="demo"), DiscoverSettings()),
    "cancel a job": lambda place, run: jobs.cancel(place, 1),
    "resume a job": lambda place, run: jobs.resume(place, 1),
    "rename a category": lambda place, run: curation.rename(open_run_view(place, run), 0, "boat"),
    "undo": lambda place, run: curation.undo(open_run_view(place, run)),
    "rename the run": lambda place, run: place.runs.describe(run.id, name="other"),
    "delete the run": lambda place, run: delete(run, place),
    "clean": lambda place, run: clean(place),
    "exclude images": lambda place, run: place.exclusions.add("demo", "exclude", ["a"]),
    "upload images": lambda place, run: unpack(io.BytesIO(b""), "a.zip", place.root),
    "upload corrections": lambda place, run: keep_upload(place, run.id, FILES),
    "upload for a prediction": lambda place, run: new_prediction(place, run.id, FILES),
    "delete a prediction": lambda place, run: delete_prediction(place, run.id, "a"),
    "delete an export": lambda place, run: delete_export(place, run.id, "a"),
    "open a bundle": lambda place, run: open_bundle("a.zip", place),
    "download a data set": lambda place, run: obtain("voc2012", place.root / "data"),
    "queue a download": lambda place, run: start_download(place, WANTED),
    "a folder for a detector": lambda place, run: new_detector(place, "demo"),
    "a folder for maps": lambda place, run: new_maps(place, "demo"),
    "relink": lambda place, run: relink(run, place, None),
}


def waiting_job(place):
    """A job that waits, for there is no supervisor."""
    return jobs.submit(place, "discover", make_config(dataset="demo"), DiscoverSettings())


def content_of(place) -> list[str]:
    """The database as text, and the files of the workspace."""
    with sqlite3.connect(place.database.path) as connection:
        dumped = [line for line in connection.iterdump() if line.startswith("INSERT") and "selections" not in line]
    return dumped + sorted(str(p) for p in place.root.rglob("*") if "comus.sqlite" not in p.name)


@pytest.mark.parametrize("change", CHANGES)
def test_a_viewer_is_refused_every_change_and_nothing_changes(changeable, change):
    place, run = changeable
    waiting_job(place)
    before = content_of(place)
    with acting_as(VIEWER), pytest.raises(NotAllowedError, match="viewer"):
        CHANGES[change](place, run)
    assert content_of(place) == before


def test_a_viewer_may_select_and_reads_what_all_read(changeable):
    place, run = changeable
    with acting_as(VIEWER):
        corners = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
        key = place.selections.keep("tsne", (Gesture(corners),)).key
        assert place.selections.read(key).gestures and place.runs.get(run.id).read_only
    assert not place.runs.get(run.id).read_only


def test_every_page_shows_itself_to_a_viewer(app_test, changeable):
    with acting_as(VIEWER):
        place, run = changeable
        test = app_test("explore", workspace=place, run=run.id)
        before = content_of(place)
        told = _source(VIEWER)
        try:
            for page in PAGES:
                test.switch_page(f"../pages/{page}").run()
                assert not test.exception and not test.error, page
                assert any("Vera (viewer)" in part.proto.body for part in test.sidebar.get("html")), page
        finally:
            told.clear()
    assert content_of(place) == before


@pytest.mark.thorough
def test_a_viewers_button_says_why_nothing_happens(app_test, changeable):
    place, _ = changeable
    told = _source(VIEWER)
    try:
        before = content_of(place)
        keys = {(page, b.key) for page in ("home", "clusters") for b in app_test(page).button if not b.disabled}
        for page, key in sorted(keys):
            test = app_test(page, workspace=place)
            test.button(key).click().run()
            assert not test.exception, key
        assert keys and content_of(place) == before
    finally:
        told.clear()


def _source(person):
    """Who acts in every thread, as a page's session would say it, until the list is emptied."""
    told = [person]
    add_source(lambda: told[0] if told else None)
    return told


def test_who_decided_is_in_the_log_and_in_no_bundle(changeable):
    place, run = changeable
    view = open_run_view(place, run)
    with acting_as(ADA):
        curation.rename(view, 0, "boat")
    curation.rename(view, 1, "car")
    with acting_as(Person("", "operator")):
        curation.rename(view, 2, "dog")
    assert [d.by for d in decision_history.listed_decisions(view)][-3:] == ["Ada Lovelace", "", "operator"]
    said = CliRunner().invoke(cli, ["clusters", "log", run.id, "--workspace", str(place.root)]).output
    assert "by Ada Lovelace" in said
    place.runs.remove(run.id)
    with place.database.reading() as connection:
        assert connection.execute("SELECT COUNT(*) FROM deciders").fetchone()[0] == 0


def test_a_workspace_of_before_gets_the_table_and_keeps_its_decisions(changeable):
    place, run = changeable
    view = open_run_view(place, run)
    curation.rename(view, 0, "boat")
    with place.database.writing() as connection:
        connection.execute("DROP TRIGGER deciders_of_no_event")
        connection.execute("DROP TABLE deciders")
    again = type(place)(place.root)
    listed = decision_history.listed_decisions(open_run_view(again, again.runs.get(run.id)))
    assert "boat" in listed[-1].decision and listed[-1].by == ""


def test_nobody_is_known_in_a_terminal():
    assert acting() is None and may_change()


@pytest.mark.parametrize(
    ("way", "headers", "person"),
    [
        ("token", {ROLE: "operator", USER: "Ada%20Lovelace"}, ADA),
        ("token", {ROLE: "viewer", USER: "Vera"}, VIEWER),
        ("token", {}, STRANGER),  # as Streamlit says it when the socket has closed
        ("header", {}, STRANGER),
        ("oidc", {}, STRANGER),
        ("none", {}, None),
    ],
)
def test_a_page_whose_socket_closed_may_change_nothing_where_people_log_in(monkeypatch, way, headers, person):
    monkeypatch.setattr(session_person, "get_script_run_ctx", lambda suppress_warning: object())
    monkeypatch.setattr(ContextProxy, "headers", headers)
    assert session_person.of_session(way) == person
    monkeypatch.setattr(session_person, "get_script_run_ctx", lambda suppress_warning: None)
    assert session_person.of_session(way) is None
