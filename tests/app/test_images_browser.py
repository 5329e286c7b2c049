"""A zip uploaded, checked by a job, looked through, its table downloaded; a mask judged by keys; in a real browser."""

import csv
import zipfile

import pytest

from comus_core import curation, open_workspace
from comus_core.jobs import get
from comus_core.runs.run_view import open_run_view
from tests.app.serving import serving, settle
from tests.app.steps import fill
from tests.builders import copy_of
from tests.image_faults import draw_faulty
from tests.jobs.watching import end_all

pytestmark = pytest.mark.browser


def test_an_uploaded_zip_is_checked_and_each_fault_opens_its_pictures(page, tmp_path):
    folder, workspace = draw_faulty(tmp_path / "photos"), open_workspace(tmp_path / "w")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path))
    try:
        with serving(workspace.root, tmp_path) as url:
            page.goto(f"{url}images")
            settle(page, "Folder on the server")
            page.get_by_role("radio", name="Upload", exact=True).click()
            page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(str(tmp_path / "photos.zip"))
            page.get_by_text("16 images").first.wait_for(timeout=120_000)
            settle(page)
            assert page.locator("[data-image]").count() == 16
            for picture in page.locator("[data-image] img").all():
                picture.scroll_into_view_if_needed()
                page.wait_for_function("e => e.complete && e.naturalWidth > 0", arg=picture.element_handle())
            page.locator(".st-key-health_start button").click()
            page.get_by_text("15 of 16 files are usable").wait_for(timeout=180_000)
            settle(page)
            assert get(workspace, 1).state == "done"
            page.get_by_role("radio", name="Exact duplicates 3").click()
            page.get_by_text("Equal in every pixel").wait_for(timeout=60_000)
            settle(page)
            pictures = page.locator("[data-image]")
            assert pictures.evaluate_all("all => all.map(e => e.dataset.image)") == [
                "0.png",
                "sub/again.png",
                "sub/copy.bmp",
            ]
            for picture in pictures.locator("img").all():
                page.wait_for_function("e => e.complete && e.naturalWidth > 0", arg=picture.element_handle())
            page.get_by_role("radio", name="Unreadable 1").click()
            page.get_by_text("broken.jpg").wait_for(timeout=60_000)
            page.get_by_text("Sizes and shapes").click()
            page.locator(".st-key-health_size_figure .js-plotly-plot").wait_for(timeout=60_000)
            with page.expect_download() as download:
                page.get_by_role("button", name="Table", exact=False).last.click()
            with open(download.value.path(), newline="", encoding="utf-8-sig") as file:
                rows = {row["image"]: row for row in csv.DictReader(file)}
            assert len(rows) == 15 and rows["night.png"]["dark"] and not rows["0.png"]["dark"]
            page.goto("about:blank")
    finally:
        end_all(workspace)


def test_a_mask_is_accepted_erased_and_taken_back_by_keys_and_found_by_its_file_name(page, finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    view = open_run_view(workspace, run)

    def decided():
        return curation.decided_in(view).layout

    with serving(workspace.root, tmp_path) as url:
        page.goto(f"{url}image")
        settle(page, "Similar proposals")
        fill(page, "go_to_image", "013")
        name = "images/013.png#0"
        page.locator(f'.comus-proposal[data-proposal="{name}"]').wait_for(timeout=60_000)
        settle(page)
        page.locator(".comus-name").first.click()  # out of the field
        page.keyboard.press("Shift+A")
        page.get_by_text("You accepted it").wait_for(timeout=60_000)
        settle(page)
        assert decided().accepted == {name}
        page.get_by_role("button", name="Erase").click()
        page.get_by_text("You erased its mask").wait_for(timeout=60_000)
        settle(page)
        assert decided().erased == {name}
        page.keyboard.press("u")
        page.get_by_text("You accepted it").wait_for(timeout=60_000)
        settle(page)
        assert (decided().accepted, decided().erased) == ({name}, frozenset())
        photo = page.locator(".st-key-photo")
        photo.get_by_text("Errors of the proposals").click()
        layer = photo.locator('img[data-layer="errors"]')
        page.wait_for_function("e => e.naturalWidth > 0", arg=layer.element_handle())
        page.goto("about:blank")
