"""The Predict page: what it asks, what it shows of a prediction, and the pictures behind it."""

import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.data.colouring import category_colours
from app.forms import predict_form
from app.server import asgi
from app.server.prediction_routes import image_url, mask_url
from comus_core import PredictSettings, find_round, open_workspace, predict
from comus_core.datasets.demo.drawing import rgb
from comus_core.errors import SettingsError
from comus_core.pipelines.prediction_folder import new_prediction, stored_prediction
from comus_core.pipelines.train import train
from comus_core.training import TrainSettings, make_training
from tests.app.test_frame import texts
from tests.builders import TINY_TRAINING

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def trained(shown, tmp_path_factory):
    """(workspace, run): a copy of the finished run, trained for one round."""
    root = tmp_path_factory.mktemp("predict") / "workspace"
    shutil.copytree(shown[0].root, root)
    workspace = open_workspace(root)
    run = workspace.runs.get(shown[1].id)
    train(run, workspace, TrainSettings(make_training(**TINY_TRAINING)), device="cpu")
    return workspace, run


@pytest.fixture
def predicted(trained, tmp_path):
    """(workspace, run, prediction) of three photographs and a file that is none; goes with the test."""
    workspace, run = trained
    root = workspace.images_root(run)
    files = [(f"{k}.png", io.BytesIO((root / f"images/00{k}.png").read_bytes())) for k in range(3)]
    folder = new_prediction(workspace, run.id, [*files, ("notes.jpg", io.BytesIO(b"no <b>picture</b>"))])
    settings = PredictSettings((str(folder / "photographs"),), str(folder))
    predict(find_round(workspace, run.id, 1), workspace, settings, device="cpu")
    found = stored_prediction(workspace, run.id, folder.name)
    # an untrained network may see nothing: what the page shows of categories must be looked at all the same
    yield workspace, run, found
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def client(trained, monkeypatch):
    monkeypatch.setenv("COMUS_WORKSPACE", str(trained[0].root))
    return TestClient(Starlette(routes=asgi.routes()))


def test_a_run_on_vectors_of_ones_own_says_that_it_must_be_trained_first(app_test, shown):
    test = app_test("predict")
    assert not test.exception and "No round can predict yet" in texts(test)
    assert f"comus train {shown[1].id}" in test.code[0].value
    assert predict_form.rounds(*shown) == {}


def test_before_the_first_prediction_it_says_what_to_do(app_test, trained):
    workspace, run = trained
    test = app_test("predict", workspace=workspace, run=run.id)
    assert not test.exception and "No prediction yet" in texts(test)
    assert test.button(key="predict_start").disabled
    assert predict_form.rounds(workspace, run) == {1: "Teacher (round 1)"}
    assert " photographs --out predicted --workspace" in test.code[0].value


def test_each_photograph_has_its_names_with_confidence_and_each_bad_file_its_reason(app_test, predicted):
    workspace, run, prediction = predicted
    test = app_test("predict", workspace=workspace, run=run.id)
    words = texts(test)
    assert not test.exception and "1 file was skipped" in words and "not an image" in words
    figures = re.findall(r'data-photo="(\d)" title="([^"]+)"', words)
    rows = prediction.result["predictions"]
    assert [int(row) for row, _ in figures] == list(range(len(rows))) == [0, 1, 2]
    for (_, said), row in zip(figures, rows, strict=True):
        expected = ", ".join(f"{f['name']} {100 * f['confidence']:.0f} %" for f in row["found"]) or "no category found"
        assert said == f"{row['image']}: {expected}"


def test_one_photograph_is_looked_at_by_its_address(app_test, predicted):
    workspace, run, prediction = predicted
    test = app_test("predict", workspace=workspace, run=run.id, prediction=prediction.name, photo="1")
    assert not test.exception
    assert f'comus-name">{prediction.result["predictions"][1]["image"]}' in texts(test)
    for wrong in ("7", "x", ""):
        test = app_test("predict", workspace=workspace, run=run.id, prediction=prediction.name, photo=wrong)
        assert not test.exception and 'comus-name">' not in texts(test)


def test_a_prediction_is_deleted_with_its_photographs(app_test, predicted):
    workspace, run, prediction = predicted
    test = app_test("predict", workspace=workspace, run=run.id)
    test.button(key="prediction_delete").click().run()
    assert not test.exception and not prediction.folder.exists() and "No prediction yet" in texts(test)


def test_the_mask_layer_is_the_index_png_in_the_colours_of_the_categories(client, predicted):
    _, _, prediction = predicted
    for row in range(3):
        answer = client.get(mask_url(prediction, row))
        layer = np.asarray(Image.open(io.BytesIO(answer.content)))
        mask = np.asarray(Image.open(prediction.mask(row)))
        ids = [c["category"] for c in prediction.result["categories"]]
        palette = np.concatenate([np.zeros((1, 3), np.uint8), rgb(category_colours(ids))])
        assert np.array_equal(layer[..., :3], palette[mask]) and np.array_equal(layer[..., 3], 255 * (mask > 0))
        again = client.get(mask_url(prediction, row), headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304


def test_the_photograph_is_the_one_dropped_in_and_nothing_else_is_served(client, predicted, tmp_path):
    workspace, run, prediction = predicted
    shown = np.asarray(Image.open(io.BytesIO(client.get(image_url(prediction, 0)).content))).astype(int)
    stored = np.asarray(Image.open(workspace.images_root(run) / "images/000.png").convert("RGB")).astype(int)
    assert shown.shape == stored.shape and abs(shown - stored).mean() < 8
    base = f"/api/predictions/{run.id}/{prediction.name}"
    assert client.get(f"{base}/images/3").status_code == 404
    assert client.get(f"{base}/images/0?size=7").status_code == 400
    assert client.get(f"/api/predictions/{run.id}/..%2f..%2fx/images/0").status_code == 404
    secret = tmp_path / "secret.png"
    secret.write_bytes(prediction.photograph(0).read_bytes())
    prediction.photograph(0).unlink()
    prediction.photograph(0).symlink_to(secret)
    answer = client.get(f"{base}/images/0?size=480")
    assert answer.status_code == 404 and "is a link to a file outside its data set" in answer.text


@pytest.mark.parametrize(("images", "out", "words"), [((), "b", "give image files"), (("a",), "", "give a folder")])
def test_a_prediction_without_its_parts_is_refused(images, out, words):
    with pytest.raises(SettingsError, match=words):
        PredictSettings(images, out)


def test_the_page_queues_it_and_finds_it_again(trained, monkeypatch):
    workspace, run = trained
    monkeypatch.setattr("comus_core.jobs.ensure_supervisor", lambda *_: None)
    content = (workspace.images_root(run) / "images/000.png").read_bytes()
    job = predict_form.start(workspace, run, 1, [("a.png", io.BytesIO(content))])
    (training,) = workspace.trainings.of_run(run.id)
    assert (job.kind, job.subject) == ("predict", f"{training.id}@1")
    assert predict_form.last_job(workspace, run).id == job.id
    assert Path(job.settings["out"]).name == predict_form.name_of(job)
    assert [Path(path).read_bytes() for path in job.settings["images"]] == [content]
