"""The comparison of encoders on the Clusters page and on the Images page: nothing yet, a job, a result."""

import pytest

from app.components.clusters.encoders_panel import figures_of
from comus_core import compare_encoders, jobs, open_workspace
from comus_core.pipelines.encoder_settings import EncoderCompareSettings
from comus_core.settings import from_dict
from tests.app.working import by_key, open_app, texts
from tests.builders import copy_of

pytestmark = pytest.mark.thorough


@pytest.fixture
def at(monkeypatch):
    """`at(workspace, page, **query)`: that page; no supervisor starts."""

    def start(workspace, page, **query):
        monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
        test = open_app(monkeypatch, workspace, page, **query)
        assert not test.exception
        return test

    return start


def test_the_clusters_page_offers_a_comparison_and_queues_it(at, finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    test = at(workspace, "clusters", run=run.id)
    assert "No encoders compared yet" in texts(test)
    own = run.config.features.encoder
    assert own in by_key(test.multiselect, "encoders_choice").value
    by_key(test.multiselect, "encoders_choice").set_value([own, "dino-vits8"]).run()
    command = f"comus encoders compare {run.id} --encoders {own} --encoders dino-vits8"
    assert command in "\n".join(code.value for code in test.code)
    test.button(key="encoders_start").click().run()
    assert not test.exception and test.button(key="encoders_start").disabled
    (job,) = jobs.list_jobs(workspace)
    assert (job.kind, job.subject, job.state) == ("encoders-compare", run.id, "queued")
    assert from_dict(EncoderCompareSettings, job.settings) == EncoderCompareSettings((own, "dino-vits8"))
    assert "comparison of 2 encoders" in texts(test)
    by_key(test.multiselect, "encoders_choice").set_value([]).run()
    assert test.button(key="encoders_start").disabled


def test_a_result_is_a_table_with_its_limit_and_its_curves(at, finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    settings = EncoderCompareSettings((run.config.features.encoder, "file:/nothing.npz"), most=3)
    result = compare_encoders(run, workspace, settings, device="cpu")
    test = at(workspace, "clusters", run=run.id)
    frame = next(part.value for part in test.dataframe if "Silhouette" in part.value)
    assert frame.equals(figures_of(result))
    assert frame["Encoder"].tolist() == ["vectors.npz", "nothing.npz"] and frame["mIoU"][0] == 100
    assert "there is no such file" in frame["Not available here"][1] and frame["Best number"][0] == 3
    assert "does not rank those that are alike" in texts(test) and "28 proposals in 30 images" in texts(test)
    assert [part.proto.id for part in test.get("plotly_chart") if "encoders_curves" in part.proto.id]


def test_the_images_page_compares_on_a_data_set(at, drawn, tmp_path, monkeypatch):
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(drawn))
    workspace = open_workspace(tmp_path / "w")
    test = at(workspace, "images", data=str(drawn), tab="encoders")
    assert "No encoders compared yet" in texts(test)
    by_key(test.multiselect, "encoders_choice").set_value(["efficientnet-lite0"]).run()
    test.button(key="encoders_start").click().run()
    (job,) = jobs.list_jobs(workspace)
    assert (job.kind, job.subject) == ("encoders-compare", str(drawn)) and not test.exception
