"""The curves on the Clusters page, `auto` on the Discover page, and the rankings on the Filter page."""

import csv
import io
import json

import numpy as np
import pytest

from app.components.clusters import how_many_panel
from app.components.shared import score_table
from app.data import job_words
from app.forms import verb_form
from comus_core.clustering.curves import Curve
from comus_core.errors import SettingsError
from comus_core.jobs import words
from comus_core.pipelines.how_many import how_many
from comus_core.pipelines.verb_settings import HowManySettings
from comus_core.runs.run_view import open_run_view
from comus_core.workspace.decisions import Decisions
from tests.app.test_filter import expected, metrics, slide
from tests.app.test_frame import texts

pytestmark = pytest.mark.thorough


def test_a_run_without_curves_offers_to_compute_them_and_says_the_command(app_test, shown):
    test = app_test("clusters")
    assert not test.exception
    assert any(button.key == "how_many_start" for button in test.button)
    assert any(code.value.startswith(f"comus how-many {shown[1].id} --workspace") for code in test.code)


def test_computed_curves_are_drawn_with_what_they_suggest(app_test, changeable):
    workspace, run = changeable
    found = how_many(run, workspace, HowManySettings(6, silhouette=False, evoc=False))
    test = app_test("clusters", workspace=workspace)
    assert not test.exception
    said = texts(test)
    assert f"`auto` chooses **{found.clusters}** clusters; this run has 5" in said
    for curve in found.curves:
        assert f"**{how_many_panel.TITLES[curve.name]}**: {curve.suggestion}" in said
    assert len(test.get("plotly_chart")) == 3


def test_a_figure_marks_the_suggestion_and_the_run_s_own_number():
    curve = Curve("eigengap", np.array([2, 3, 4]), np.array([0.1, 0.4, 0.2]), 3, "")
    drawn = how_many_panel.figure(curve, 4)
    assert list(drawn.data[1].x) == [3] and list(drawn.data[1].y) == [0.4]
    assert drawn.layout.shapes[0].x0 == drawn.layout.shapes[0].x1 == 4
    leiden = Curve("leiden", np.array([0.5, 1.0, 2.0]), np.array([2, 3, 3]), 3, "")
    drawn = how_many_panel.figure(leiden, 4)
    assert list(drawn.data[1].x) == [1.0, 2.0] and drawn.layout.shapes[0].y0 == 4


def test_the_curves_are_downloaded_point_by_point(changeable):
    workspace, run = changeable
    found = how_many(run, workspace, HowManySettings(6, silhouette=False, evoc=False))
    said = score_table.about(open_run_view(workspace, run), "", "")
    rows = list(csv.DictReader(io.StringIO(score_table.as_csv(how_many_panel.frame(found), said).decode("utf-8-sig"))))
    stable = [row for row in rows if row["Curve"] == "stability"]
    assert [float(row["Value"]) for row in stable] == found.curves[0].value.tolist()
    assert {row["run"] for row in rows} == {run.id} and len(rows) == sum(len(c.x) for c in found.curves)


def test_the_job_is_found_again_and_tells_its_stage(changeable, monkeypatch):
    workspace, run = changeable
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    job = verb_form.submit_verb(workspace, "how-many", run, HowManySettings(4))
    assert verb_form.submit_verb(workspace, "how-many", run, HowManySettings(4)).id == job.id  # a second click
    assert verb_form.last_job(workspace, "how-many", run).id == job.id
    assert job_words.stage_states(job) == [("Clustering", "todo")]
    assert (words.phrase(job), words.title(job)) == ("estimate of the number of clusters", run.id)
    with pytest.raises(SettingsError, match="most 1"):
        HowManySettings(most=1)


@pytest.mark.parametrize("by", ["silhouette", "density", "agreement"])
def test_the_filter_tried_with_another_ranking_is_that_of_the_core_and_can_be_applied(app_test, changeable, by):
    workspace, run = changeable
    test = slide(app_test("filter", workspace=workspace), 40)
    test.selectbox(key="filter_by").set_value(by).run()
    draft = Decisions(filter_percent=40, filter_by=by)
    assert not test.exception
    assert metrics(test) == expected(workspace, run, open_run_view(workspace, run), draft)
    test.button(key="apply_filter").click().run()
    decided = workspace.decisions_of(run)
    assert (decided.filter_by, decided.filter_percent) == (by, 40.0)
    assert f"Applied filter: 40 % by {by}" in texts(test)


def test_the_curves_of_all_rankings_are_shown_when_asked(app_test):
    test = app_test("filter")

    def names():
        return [trace["name"] for trace in chart(test)["data"] if "name" in trace]

    before = names()
    test.toggle(key="filter_compare_widget").set_value(True).run()
    assert not test.exception
    added = [name for name in names() if name not in before]
    names_of = ["silhouette", "density of neighbours", "agreement of neighbours", "distance to the centre (paper)"]
    assert added == [f"mIoU by {name}" for name in names_of]


def chart(test) -> dict:
    return json.loads(test.get("plotly_chart")[0].proto.spec)
