"""Packaging a round from the Self-training page: the button, its job, the packages listed, and the zip."""

import io
import shlex
import shutil
import zipfile

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.forms import package_form
from app.server import asgi
from comus_core import find_round, jobs, open_workspace
from comus_core.cli.main import cli
from comus_core.maintenance.delete import plan_deletion
from comus_core.pipelines import package_folder
from comus_core.pipelines.package_folder import new_package, packages_folder, packages_of
from comus_core.pipelines.train import train
from comus_core.training import TrainSettings, make_training
from tests.app.working import texts
from tests.builders import TINY_TRAINING

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def once(shown, tmp_path_factory):
    """(workspace, run): a copy of the finished run, trained for one round."""
    root = tmp_path_factory.mktemp("package") / "workspace"
    shutil.copytree(shown[0].root, root)
    workspace = open_workspace(root)
    run = workspace.runs.get(shown[1].id)
    train(run, workspace, TrainSettings(make_training(**TINY_TRAINING)), device="cpu")
    return workspace, run


@pytest.fixture
def trained(once, tmp_path, monkeypatch):
    """A copy of it, in which no supervisor takes up jobs."""
    shutil.copytree(once[0].root, tmp_path / "workspace")
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    workspace = open_workspace(tmp_path / "workspace")
    return workspace, workspace.runs.get(once[1].id)


def finished_package(workspace, run):
    """What a job left: a folder with a card and a model."""
    folder = new_package(workspace, find_round(workspace, run.id, 1))
    folder.mkdir()
    (folder / "README.md").write_text("# card")
    (folder / "model.onnx").write_bytes(b"onnx" * 1000)
    return folder


def test_nothing_is_offered_before_a_round_is_finished(app_test, changeable):
    workspace, run = changeable
    test = app_test("training", workspace=workspace, run=run.id)
    assert not test.exception and "Package for other programs" not in texts(test)


def test_the_button_queues_the_job_that_the_command_does(app_test, trained):
    workspace, run = trained
    test = app_test("training", workspace=workspace, run=run.id)
    assert not test.exception and "Package for other programs" in texts(test)
    test.toggle(key="package_int8").set_value(True).run()
    written = next(code.value for code in test.code if code.value.startswith("comus package"))
    test.button(key="package_start").click().run()
    assert not test.exception
    (job,) = jobs.list_jobs(workspace)
    subject = find_round(workspace, run.id, 1)
    assert (job.kind, job.subject, job.state) == ("package", subject.key, "queued")
    assert job.settings["int8"] is True and job.settings["out"].startswith(str(packages_folder(workspace, run.id)))
    assert "package with round 1" in texts(test)
    words = shlex.split(written)
    assert words[:3] == ["comus", "package", subject.key] and "--int8" in words
    context = cli.commands["package"].make_context("package", words[2:])
    assert context.params["int8"] is True and context.params["workspace"] == str(workspace.root)


def test_a_second_press_while_it_is_queued_changes_nothing(app_test, trained):
    workspace, run = trained
    test = app_test("training", workspace=workspace, run=run.id)
    test.button(key="package_start").click().run()
    test.button(key="package_start").click().run()
    assert not test.exception
    assert len(jobs.list_jobs(workspace)) == 1
    test.toggle(key="package_int8").set_value(True).run()
    test.button(key="package_start").click().run()
    outs = [job.settings["out"] for job in jobs.list_jobs(workspace)]
    assert not test.exception and len(set(outs)) == 2


def test_a_missing_library_is_named_on_the_page(app_test, trained, monkeypatch):
    workspace, run = trained
    test = app_test("training", workspace=workspace, run=run.id)
    monkeypatch.setattr(package_folder, "find_spec", lambda name: None)
    test.button(key="package_start").click().run()
    assert not test.exception and "comus-explorer[package]" in texts(test)
    assert jobs.list_jobs(workspace) == []


def test_finished_packages_are_listed_with_folder_and_download_and_go_with_the_run(app_test, trained, monkeypatch):
    workspace, run = trained
    folder = finished_package(workspace, run)
    test = app_test("training", workspace=workspace, run=run.id)
    assert not test.exception and str(folder) in texts(test)
    address = f"api/runs/{run.id}/packages/{folder.name}"
    assert f'href="{address}"' in texts(test)
    monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root))
    client = TestClient(Starlette(routes=asgi.routes()))
    answer = client.get(f"/{address}")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == [f"{folder.name}/README.md", f"{folder.name}/model.onnx"]
        assert archive.read(f"{folder.name}/model.onnx") == b"onnx" * 1000
    assert not list(workspace.root.glob(".package-*"))
    for name in ("round-1-20260101-000000-00000000", "..", "%2e%2e%2fcomus.sqlite"):
        assert client.get(f"/api/runs/{run.id}/packages/{name}").status_code == 404
    assert packages_folder(workspace, run.id) in plan_deletion(workspace, run.id).folders


def test_a_package_that_is_being_written_is_not_listed(trained):
    workspace, run = trained
    folder = finished_package(workspace, run)
    folder.rename(folder.with_name(f".{folder.name}.comus-partial"))
    assert packages_of(workspace, run.id) == []
    assert package_form.rounds(find_round(workspace, run.id, 1).training) == {1: "Teacher (round 1)"}
