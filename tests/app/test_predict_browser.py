"""Photographs dropped in, predicted by a job, looked at and downloaded, in a real browser."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from comus_core.jobs import get
from comus_core.pipelines.train import train
from comus_core.training import TrainSettings, make_training
from tests.app.serving import serving, settle
from tests.builders import TINY_TRAINING, copy_of
from tests.jobs.watching import end_all

pytestmark = pytest.mark.browser
TINY = TINY_TRAINING | {"epochs": 2}


def test_photographs_dropped_in_come_back_with_masks_that_can_be_downloaded(page, finished, drawn, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    train(run, workspace, TrainSettings(make_training(**TINY)), device="cpu")
    (tmp_path / "broken.jpg").write_bytes((drawn / "images" / "000.png").read_bytes()[:500])
    given = [drawn / "images" / "000.png", drawn / "images" / "001.png", tmp_path / "broken.jpg"]
    try:
        with serving(workspace.root, tmp_path) as url:
            page.goto(f"{url}predict?run={run.id}")
            settle(page, "No prediction yet")
            page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files([str(path) for path in given])
            page.get_by_role("button", name="Predict 3 images").click(timeout=60_000)
            page.get_by_text("1 file was skipped").wait_for(timeout=180_000)
            settle(page)
            assert get(workspace, 1).state == "done"
            pictures = page.locator(".comus-predicted img")
            assert pictures.count() == 4
            for picture in pictures.all():
                page.wait_for_function("e => e.complete && e.naturalWidth > 0", arg=picture.element_handle())
            with page.expect_download() as download:
                page.get_by_role("button", name="Masks").click()
            with zipfile.ZipFile(io.BytesIO(open(download.value.path(), "rb").read())) as archive:
                result = json.loads(archive.read("predictions.json"))
                masks = {
                    n: np.asarray(Image.open(io.BytesIO(archive.read(n)))) for n in archive.namelist() if "masks/" in n
                }
            assert len(result["predictions"]) == len(masks) == 2
            for row in result["predictions"]:
                pixels = np.bincount(masks[row["mask"]].ravel(), minlength=9)
                assert {f["index"]: f["pixels"] for f in row["found"]} == {
                    k: n for k, n in enumerate(pixels.tolist()) if n and k
                }
            page.locator('a[data-photo="1"]').click()
            page.get_by_role("heading", name="001.png").wait_for(timeout=60_000)
            layer = page.locator('.st-key-prediction_photo img[data-layer="prediction"]')
            page.wait_for_function("e => e.naturalWidth > 0", arg=layer.element_handle())
            page.reload()
            page.get_by_role("heading", name="001.png").wait_for(timeout=60_000)
            page.goto("about:blank")
    finally:
        end_all(workspace)
