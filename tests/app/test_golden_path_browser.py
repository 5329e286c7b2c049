"""The whole way in a browser: a folder becomes named categories, a COCO zip, corrected masks, a network, a package."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from pycocotools.coco import COCO

from comus_core import Workspace, curation, find_round, open_workspace, predict
from comus_core.curation.naming import naming_order
from comus_core.jobs import list_jobs
from comus_core.pipelines.verb_settings import PredictSettings
from comus_core.proposals.mask_edits import grown
from comus_core.runs.decided_objects import decided_objects
from comus_core.runs.run_view import RunView, open_run_view
from tests.app import workbench_steps as steps
from tests.app.journey import watched
from tests.app.serving import serving, settle
from tests.app.steps import fill, written
from tests.app.test_doors_browser import MOST_CLICKS, Counted
from tests.app.test_naming_browser import in_field
from tests.builders import draw_folder
from tests.export.packages import snippet
from tests.imports.writing import rle, write
from tests.jobs.watching import end_all, until

pytestmark = pytest.mark.browser
IMAGES, CLUSTERS, PERCENT = 20, 5, 5
LONG = 600_000  # milliseconds that a job may take on a busy machine


def test_a_folder_becomes_names_a_zip_corrections_a_network_and_a_package(browser, tmp_path):
    folder = tmp_path / "photographs"
    draw_folder(tmp_path / "drawn", count=IMAGES)
    (tmp_path / "drawn" / "images").rename(folder)  # without its masks and classes
    workspace = open_workspace(tmp_path / "workspace")
    try:
        with serving(workspace.root, tmp_path, COMUS_IMAGE_ROOTS=str(tmp_path)) as url, watched(browser) as page:
            hand = Counted(page)
            view = discovered(page, url, workspace, folder, hand)
            page.locator(".comus-path a", has_text="Export").wait_for()  # nothing more is needed before a zip
            kept = name_merge_and_reject(page, view)
            steps.leave_out(page, view, PERCENT)
            assert written(view) == ["rename"] * 4 + ["merge", "reject", "filter"]
            saved = exported(page, tmp_path, hand)
            assert hand.clicks == 6 <= MOST_CLICKS  # from the chosen folder; what is optional is not counted
            corrected, proposal, wider = correct(saved, tmp_path, view, kept)
            new = imported(page, view, corrected)
            assert np.array_equal(new.proposals.mask(new.row_of[proposal]), wider)
            assert set(names_in_use(new)) == set(kept)
            steps.train(page, new)
            package = packaged(page, new, tmp_path)
            page.goto("about:blank")
        same_masks(workspace, new, package, sorted(folder.iterdir())[:3], tmp_path)
    finally:
        end_all(workspace)


def discovered(page, url: str, workspace: Workspace, folder: Path, hand: Counted) -> RunView:
    """From the welcome page to a finished run, which is open to be named."""
    page.goto(url)
    settle(page, "Your folder")
    fill(page, "new_folder_path", str(folder))
    hand.click(page.get_by_role("button", name="Discover its categories"))
    settle(page, f"{IMAGES} images")
    page.get_by_role("radio", name="Own number").click()
    number = page.locator("[class*=st-key-new_clustering_clusters] input:enabled")
    number.fill(str(CLUSTERS))
    number.press("Enter")
    settle(page)
    hand.click(page.locator(".st-key-new_start button:enabled"))
    done = page.locator(".st-key-job_outcome_1")
    done.get_by_text(f"{CLUSTERS} clusters in {IMAGES} images").wait_for(timeout=LONG)
    hand.click(done.get_by_role("link").first)
    page.wait_for_url("**/name?**")
    (run,) = workspace.runs.all()
    return open_run_view(workspace, run)


def name_merge_and_reject(page, view: RunView) -> dict[str, int]:
    """Name three clusters, merge a fourth with the third, reject the fifth, by keys; the name of each -> its id."""
    one, two, three, four, five = naming_order(view, curation.decided_in(view))
    keys = page.keyboard
    named = ((one, "disc"), (two, "square"), (three, "bar"), (four, "bar"))
    for typed, (cluster, name) in enumerate(named, 1):
        in_field(page, cluster)
        keys.type(name)
        keys.press("Enter")
        until(lambda typed=typed: len(written(view)) == typed)
    page.get_by_text(f"Cluster {three} is called bar too").wait_for()
    in_field(page, four)
    keys.press("Control+Enter")
    until(lambda: written(view)[-1] == "merge")
    in_field(page, five)
    keys.press("Escape")
    keys.press("r")
    until(lambda: written(view)[-1] == "reject")
    page.get_by_text("All 3 clusters have a name").wait_for()
    settle(page)
    return {"disc": one, "square": two, "bar": min(three, four)}


def names_in_use(view: RunView) -> dict[str, int]:
    """Name -> id of each category that is not rejected."""
    decided = curation.decided_in(view)
    return {decided.name_of(k): k for k in view.labels(decided).ids if k not in decided.layout.rejected}


def exported(page, tmp_path: Path, hand: Counted) -> Path:
    """The COCO zip of all that is decided, saved by the page."""
    hand.click(page.locator(".comus-path a", has_text="Export"))
    settle(page, "Make the zip")
    hand.click(page.locator(".st-key-export_start button:enabled"))
    link = page.locator(".st-key-export_done a.comus-download")
    link.wait_for(timeout=LONG)
    with page.expect_download() as download:
        hand.click(link)
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    return saved


def correct(saved: Path, tmp_path: Path, view: RunView, names: dict[str, int]) -> tuple[Path, str, np.ndarray]:
    """Compare the zip with what was decided, and make a mask in it two pixels wider, all with pycocotools.

    The path of the corrected file, the proposal, and its new mask.
    """
    file, decided = COCO(), curation.decided_in(view)
    with zipfile.ZipFile(saved) as archive:
        file.dataset = json.loads(archive.read("annotations/instances_default.json"))
    file.createIndex()
    assert {c["name"] for c in file.dataset["categories"]} == set(names)
    objects = decided_objects(view, decided)
    masks, used = objects.masks, {objects.ids[row]: row for row in np.flatnonzero(objects.used).tolist()}
    of_file = {annotation["attributes"]["comus_id"]: annotation for annotation in file.anns.values()}
    assert set(of_file) == set(used) and len(used) < len(view)
    for name, annotation in of_file.items():
        assert np.array_equal(np.asarray(file.annToMask(annotation), bool), masks.mask(used[name]))
        category = file.cats[annotation["category_id"]]["name"]
        assert category == decided.name_of(int(objects.id_of[used[name]]))
    proposal, annotation = next(iter(of_file.items()))
    wider = grown(np.asarray(file.annToMask(annotation), bool), 2)
    annotation["segmentation"] = rle(wider)
    return write(tmp_path / "corrected.json", file.dataset), proposal, wider


def imported(page, view: RunView, corrected: Path) -> RunView:
    """The run that the page makes of the corrected file, open on it."""
    steps.go_to(page, "Import")
    settle(page, "Bring corrections back")
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(str(corrected))
    page.get_by_text("1 mask changed").first.wait_for(timeout=LONG)
    settle(page)
    page.locator(".st-key-import_apply button:enabled").click()
    link = page.locator(".st-key-import_done").get_by_role("link", name="Open the run")
    link.wait_for(timeout=LONG)
    link.click()
    (new,) = [other for other in view.workspace.runs.all() if other.id != view.run.id]
    page.wait_for_url(f"**run={new.id}**")
    settle(page)
    return open_run_view(view.workspace, new)


def packaged(page, view: RunView, tmp_path: Path) -> Path:
    """The package of the round on the page, downloaded and unpacked."""
    page.locator(".st-key-package_start button:enabled").click()
    ended = until(lambda: [j for j in list_jobs(view.workspace) if j.kind == "package" and j.state == "done"], 600)
    link = page.locator("[class*=st-key-package_round] a.comus-download")
    link.wait_for(timeout=LONG)
    expect(link).to_have_attribute("download", f"{Path(ended[0].settings['out']).name}.zip")
    with page.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "package.zip")
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        archive.extractall(tmp_path / "package")
    (folder,) = (tmp_path / "package").iterdir()
    return folder


def same_masks(workspace: Workspace, view: RunView, package: Path, photos: list[Path], tmp_path: Path) -> None:
    """ONNX Runtime and NumPy alone give the masks of `comus predict --network-only`."""
    settings = PredictSettings(tuple(map(str, photos)), str(tmp_path / "predicted"), network_only=True)
    result = predict(find_round(workspace, view.run.id, 1), workspace, settings, device="cpu")
    program, seen = tmp_path / "snippet.py", set()
    program.write_text(f"{snippet()}assert not {{'torch', 'comus_core'}} & set(sys.modules)\n")
    for photo, row in zip(photos, result["predictions"], strict=True):
        words = [sys.executable, "-I", str(program), str(photo), str(package), str(tmp_path / "mask.png")]
        subprocess.run(words, check=True, capture_output=True, cwd=tmp_path)
        mask = np.asarray(Image.open(tmp_path / "mask.png"))
        assert np.array_equal(mask, np.asarray(Image.open(tmp_path / "predicted" / row["mask"])))
        seen |= set(np.unique(mask).tolist())
    assert len(seen) > 1  # or the masks say nothing
