"""Out of the door and back in, with a mouse: a COCO zip in a few clicks, a mask corrected in it, and the new run."""

import io
import json
import zipfile

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from comus_core.proposals.mask_edits import grown
from comus_core.runs.run_view import open_run_view
from tests.app.serving import serving, settle
from tests.imports.conftest import encoded_run, place  # noqa: F401
from tests.jobs.watching import end_all

pytestmark = pytest.mark.browser
MOST_CLICKS = 8


class Counted:
    """A page whose clicks are counted."""

    def __init__(self, page) -> None:
        self.page, self.clicks = page, 0

    def click(self, part) -> None:
        self.clicks += 1
        part.click(timeout=60_000)


def test_a_coco_zip_is_saved_a_mask_corrected_and_the_new_run_shows_it(page, place, tmp_path):  # noqa: F811
    workspace, run = place
    view = open_run_view(workspace, run)
    try:
        with serving(workspace.root, tmp_path) as url:
            hand = Counted(page)
            page.goto(f"{url}explore?run={run.id}")
            settle(page, "proposals")
            hand.click(page.locator(".comus-path a", has_text="Export"))
            page.get_by_text(f"{len(view)} objects in {len(view.image_ids)} images").wait_for()
            layer = page.locator(".st-key-export_picture img").nth(1)
            page.wait_for_function("e => e.complete && e.naturalWidth > 0", arg=layer.element_handle())
            hand.click(page.get_by_role("button", name="Make the zip"))
            link = page.locator("a.comus-download")
            link.wait_for(timeout=180_000)
            with page.expect_download() as download:
                hand.click(link)
            saved = tmp_path / download.value.suggested_filename
            download.value.save_as(saved)
            assert saved.name == f"{run.id}-coco.zip" and hand.clicks == 3 <= MOST_CLICKS

            corrected, first, wider = _corrected(saved, tmp_path, view)
            hand.click(page.locator(".st-key-pages a", has_text="Import"))
            settle(page, "Bring corrections back")
            page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(str(corrected))
            page.get_by_text("1 mask changed").first.wait_for(timeout=120_000)
            settle(page)
            hand.click(page.get_by_role("button", name="Apply"))
            page.get_by_role("link", name="Open the run").first.wait_for(timeout=600_000)
            (new,) = [other for other in workspace.runs.all() if other.id != run.id]
            after = open_run_view(workspace, new)
            assert np.array_equal(after.proposals.mask(after.row_of[first]), wider)
            hand.click(page.locator(".st-key-import_done").get_by_role("link", name="Open the run"))
            page.wait_for_url(lambda address: f"run={new.id}" in address and "clusters" in address)
            settle(page)
            assert hand.clicks <= MOST_CLICKS
            page.goto("about:blank")
    finally:
        end_all(workspace)


def _corrected(saved, tmp_path, view):
    """The annotations of the zip with one mask two pixels wider, by pycocotools; its proposal, and the mask."""
    with zipfile.ZipFile(io.BytesIO(saved.read_bytes())) as archive:
        content = json.loads(archive.read("annotations/instances_default.json"))
        about = json.loads(archive.read("comus.json"))
    file = COCO()
    file.dataset = content
    file.createIndex()
    assert len(file.anns) == len(view) == about["objects"] and len(file.imgs) == len(view.image_ids)
    annotation = file.dataset["annotations"][0]
    name = annotation["attributes"]["comus_id"]
    mask = np.asarray(file.annToMask(annotation), bool)
    assert np.array_equal(mask, view.proposals.mask(view.row_of[name]))
    wider = grown(mask, 2)
    packed = coco_mask.encode(np.asfortranarray(wider, np.uint8))
    annotation["segmentation"] = {"size": list(wider.shape), "counts": packed["counts"].decode()}
    path = tmp_path / "corrected.json"
    path.write_text(json.dumps(content))
    return path, name, wider
