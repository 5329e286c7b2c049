"""The paper's tables on the Evaluate page: what is started, what it needs, and what there is."""

import csv
import io
from dataclasses import replace

import pytest

from app.components.scores import tables_panel
from app.forms import table_form, verb_form
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.pipelines.paper_tables.measuring import Measured
from comus_core.pipelines.paper_tables.paper_table import result_json
from comus_core.pipelines.paper_tables.stored_tables import keep_table
from comus_core.pipelines.paper_tables.table_plan import plan_table
from comus_core.settings import from_dict
from comus_core.verbs import VERBS
from tests.app.test_frame import save_run
from tests.app.working import by_key, texts
from tests.builders import copy_of

pytestmark = pytest.mark.thorough


@pytest.fixture
def place(shown, tmp_path):
    return copy_of(shown, tmp_path)


def stored(workspace, run):
    """A result with values that nobody computed."""
    settings = table_form.settings_for(workspace, run, "5", run.config.dataset, 2)
    owed = {"direct": "masks", "inherited": "none"}
    values = [Measured(38.5, 90, owed, ("basnet",), "run-1@0"), Measured(40.5, 90, owed, ("basnet",), "run-2@0")]
    result = result_json(plan_table(settings, workspace), settings, {"spectral": values})
    keep_table(workspace, result)
    return result


def test_the_table_has_the_settings_of_the_run_and_is_started_once(app_test, place, monkeypatch):
    workspace, run = place
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    test = app_test("scores", workspace=workspace)
    assert not test.exception
    by_key(test.selectbox, "paper_table").set_value("8").run()
    wanted = table_form.settings_for(workspace, run, "8", run.config.dataset, 1)
    assert wanted.saliency == run.config.saliency and wanted.clustering == run.config.clustering
    assert verb_form.command(workspace, "table", None, wanted) in [code.value for code in test.code]
    for _ in range(2):
        by_key(test.button, "paper_table_start").click().run()
    assert not test.exception
    [job] = jobs.list_jobs(workspace)
    assert job.kind == "table" and from_dict(VERBS["table"].settings, job.settings) == wanted


def test_what_it_needs_is_said_on_request(app_test, place):
    workspace, _ = place
    test = app_test("scores", workspace=workspace)
    assert "learned from in round 2" not in texts(test)
    by_key(test.toggle, "paper_table_needs").set_value(True).run()
    assert not test.exception and "learned from in round 2" in texts(test) and "estimate:" in texts(test)


def test_the_published_value_stands_beside_ours_with_the_badge(app_test, place):
    workspace, run = place
    result = stored(workspace, run)
    test = app_test("scores", workspace=workspace)
    assert not test.exception
    shown_table = test.dataframe[-1].value
    line = shown_table[shown_table["Row"] == "spectral"].iloc[0]
    assert (line["Ours"], line["Published"]) == (39.5, 41.8) and line["Supervision"].startswith("supervised: masks")
    assert "Zadaianchuk" in line["Source"] and "Hungarian" in line["Protocol"]
    assert "supervised: masks · basnet: non-commercial licence" in texts(test)
    read = list(csv.DictReader(io.StringIO(tables_panel.content(result, "csv").decode())))
    assert [row["Row"] for row in read] == shown_table["Row"].tolist()
    assert b"\\begin{tabular}" in tables_panel.content(result, "latex")


def test_a_data_set_outside_the_folders_that_may_be_read_is_refused(place, tmp_path, monkeypatch):
    workspace, run = place
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(tmp_path / "allowed"))
    (tmp_path / "allowed").mkdir()
    with pytest.raises(ComusError):
        table_form.settings_for(workspace, run, "5", "/etc", 1)


def test_classes_of_whole_images_have_their_figures_and_no_miou(app_test, place):
    workspace, run = place
    quality = {"proposals": 84, "nmi": 0.5, "ari": 0.4, "accuracy": 70.0, "purity": 75.0}
    artifacts = {kind: name for kind, name in run.artifacts.items() if kind != "counts"}
    result = run.result | {"evaluation": None, "image_classes": 3, "cluster_quality": quality, "truth": None}
    save_run(workspace, run, artifacts=artifacts, provenance={**run.provenance, "classes": []}, result=result)
    test = app_test("scores", workspace=workspace)
    assert not test.exception and {m.label: m.value for m in test.metric}["Accuracy"] == "70.0 %"
    assert "3 classes of whole images" in texts(test) and "without ground truth" not in texts(test)


def test_seeds_are_that_of_the_run_and_the_smallest_others(place):
    workspace, run = place
    found = table_form.settings_for(workspace, replace(run, config=replace(run.config, seed=5)), "1", "", 3)
    assert found.seeds == (0, 1, 5) and found.dataset is None
