"""A bundle made and opened on the pages."""

import json

import pytest
from starlette.testclient import TestClient

from app.server import asgi
from comus_core import open_workspace
from comus_core.export.bundle import bundle
from comus_core.export.bundle_opening import open_bundle
from comus_core.pipelines.verb_settings import BundleSettings
from tests.app.working import by_key, open_app, texts
from tests.builders import copy_of

pytestmark = pytest.mark.thorough


@pytest.fixture
def receiver(shown, tmp_path):
    """(workspace, run): another workspace in which the finished run was opened, without its photographs."""
    workspace = open_workspace(tmp_path / "receiver")
    bundle(shown[1], shown[0], BundleSettings(str(tmp_path / "b.zip"), images=False))
    return workspace, open_bundle(tmp_path / "b.zip", workspace)


def client(monkeypatch, workspace) -> TestClient:
    from starlette.applications import Starlette

    monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root))
    return TestClient(Starlette(routes=asgi.routes()))


def test_the_route_sends_a_bundle_that_opens_and_leaves_nothing_behind(monkeypatch, shown, tmp_path):
    workspace, run = shown
    answer = client(monkeypatch, workspace).get(f"/api/runs/{run.id}/bundle?images=1")
    assert answer.status_code == 200 and f'filename="{run.id}.zip"' in answer.headers["content-disposition"]
    assert [*workspace.root.glob(".*"), *workspace.root.glob("writing/*.json")] == []
    (tmp_path / "sent.zip").write_bytes(answer.content)
    opened = open_bundle(tmp_path / "sent.zip", open_workspace(tmp_path / "w"))
    assert opened.result["evaluation"] == run.result["evaluation"]
    answer = client(monkeypatch, workspace).get("/api/runs/nobody/bundle")
    assert answer.status_code == 404 and "no run 'nobody'" in answer.json()["error"]


def test_the_route_reads_no_photograph_that_the_pages_may_not(monkeypatch, shown, tmp_path):
    workspace, run = copy_of(shown, tmp_path)
    own, outside, allowed = (tmp_path / name for name in ("own", "outside", "allowed"))
    allowed.mkdir()
    rows = workspace.artifact(run, "images").table(["path", "reason"]).to_pylist()
    for row in rows:
        for folder in (own, outside):
            (folder / row["path"]).parent.mkdir(parents=True, exist_ok=True)
            (folder / row["path"]).write_bytes((workspace.images_root(run) / row["path"]).read_bytes())
    linked = own / rows[2]["path"]
    linked.unlink()
    linked.symlink_to(outside / rows[2]["path"])
    told = {**run.provenance, "root": str(own)}
    with workspace.database.writing() as connection:
        connection.execute("UPDATE runs SET provenance = ? WHERE id = ?", (json.dumps(told), run.id))
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(allowed))
    routes = client(monkeypatch, workspace)
    answer = routes.get(f"/api/runs/{run.id}/bundle")
    assert answer.status_code == 404 and "is a link to a file outside its data set" in answer.json()["error"]
    assert rows[2]["path"] in answer.json()["error"] and list(workspace.root.glob(".bundle-*")) == []
    assert routes.get(f"/api/runs/{run.id}/bundle?images=0").status_code == 200
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(outside))
    assert routes.get(f"/api/runs/{run.id}/bundle").status_code == 200


def test_every_page_of_an_opened_run_works_and_says_that_it_is_read_only(monkeypatch, receiver):
    workspace, run = receiver
    for page in ("explore", "clusters", "filter", "scores", "image", "training"):
        test = open_app(monkeypatch, workspace, page, run=run.id)
        assert not test.exception and not test.error, page
        assert "read-only" in texts(test), page
    routes = client(monkeypatch, workspace)
    for path in ("crops/3?size=160", "images/2", "layers/truth/2", "layers/saliency/2", "layers/pseudo_mask/2"):
        assert routes.get(f"/api/runs/{run.id}/{path}").status_code == 200, path


def test_a_decision_in_an_opened_run_is_refused_in_words(monkeypatch, receiver):
    workspace, run = receiver
    test = open_app(monkeypatch, workspace, "clusters", run=run.id)
    by_key(test.text_input, "name_0").set_value("mine").run()
    assert not test.exception and "read-only" in test.toast[0].value
    assert workspace.decisions_of(run).names == {}


def test_the_runs_offer_to_bundle_and_to_open(monkeypatch, shown):
    test = open_app(monkeypatch, shown[0], "jobs")
    test = next(g for g in test.get("button_group") if g.key == "jobs_or_runs").set_value("runs").run()
    by_key(test.button, f"run_bundle_{shown[1].id}").click().run()
    assert not test.exception
    assert f'"api/runs/{shown[1].id}/bundle?images=1"' in texts(test)
    assert f"comus bundle {shown[1].id} --out {shown[1].id}.zip --workspace" in texts(test)
