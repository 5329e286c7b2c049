"""A mask repaired with the brush on the Image page, saved, seen in the scores and the pseudo-masks, and taken back."""

import numpy as np
import pytest
from playwright.sync_api import expect

from comus_core import curation
from comus_core.datasets.dataset import open_dataset
from comus_core.proposals.pseudo_masks import from_png
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_clusters
from comus_core.stages import StageContext, pseudo_masks
from comus_core.types import no_progress
from tests.app.serving import serving, settle
from tests.app.steps import decided_when, editor_open, open_editor, steady_box
from tests.builders import copy_of

pytestmark = pytest.mark.browser


def label_of(view, image_id):
    """The pseudo-mask of an image as decided."""
    dataset = open_dataset(view.run.config.dataset, view.workspace.drawings)
    context = StageContext(view.workspace, dataset, view.run.config, "cpu", no_progress)
    made = pseudo_masks(
        context,
        {kind: view.workspace.artifact(view.run, kind) for kind in ("images", "proposals", "clustering")},
        curation.decided_in(view),
    )
    (file,) = (row["file"] for row in made.table().to_pylist() if row["image_id"] == image_id)
    return from_png(made.file(file).read_bytes())


def test_a_brush_stroke_is_saved_counted_trained_on_and_undone(page, finished, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    view = open_run_view(workspace, run)
    decided = curation.decided_in(view)
    row = int(np.flatnonzero(view.kept(decided))[0])
    name, image_id, whole = (
        str(view.proposals.proposal_id[row]),
        str(view.proposals.image_id[row]),
        view.proposals.mask(row),
    )
    category = view.categories(decided).category[row]
    before, label = score_clusters(view, decided).score, label_of(view, image_id)

    def status(words):
        page.locator('[data-part="status"]').get_by_text(words).wait_for(timeout=30_000)

    with serving(workspace.root, tmp_path) as url:
        page.goto(f"{url}image?run={run.id}&proposal={name.replace('#', '%23')}")
        settle(page, "Similar proposals")
        open_editor(page)
        frame = page.locator(".repair .frame")
        box, (height, width) = steady_box(frame), whole.shape
        at = lambda x, y: (box["x"] + box["width"] * x / width, box["y"] + box["height"] * y / height)  # noqa: E731
        page.keyboard.press("e")
        rows, columns = np.nonzero(whole)
        top, bottom, middle = rows.min(), rows.max(), columns.mean()
        page.mouse.move(*at(middle, top - 2))
        page.mouse.down()
        page.mouse.move(*at(middle, bottom + 2), steps=6)
        page.mouse.up()  # cut in two by the eraser
        expect(page.locator('[data-part="status"]')).not_to_have_text(f"{whole.sum():,} pixels")
        cut = page.locator('[data-part="status"]').text_content()
        assert int(cut.split()[0].replace(",", "")) < whole.sum()
        page.keyboard.press("n")
        status("Part 1 of 2")
        page.keyboard.press("n")
        status("Part 2 of 2")
        page.keyboard.press("Control+z")
        page.keyboard.press("Control+z")
        status(cut)
        page.keyboard.press("b")
        page.mouse.click(*at(3, 3))  # a dab in the corner, away from the object
        page.get_by_role("button", name="Grow").click()
        status("Grown")
        drawn = page.locator('[data-part="status"]').text_content()
        page.reload()
        editor_open(page)
        status(drawn.split(": ")[1])  # nothing that was drawn is lost
        page.keyboard.press("Enter")
        page.get_by_text("drawn manually").wait_for(timeout=60_000)
        settle(page)
        after = curation.decided_in(view)
        (changed,) = after.layout.redrawn
        mask = view.masks(after).mask(row)
        assert changed == name and "repair=" not in page.url
        assert mask[3, 3] and not mask[int(rows.mean()), int(middle)] and f"{mask.sum():,} pixels" in drawn
        score = score_clusters(view, after).score
        assert score != before and score.miou < before.miou
        assert np.array_equal(label_of(view, image_id), np.where(mask, category + 1, 0))
        page.keyboard.press("u")
        decided_when(view, page, lambda decided: decided.layout.redrawn == {})
        assert score_clusters(view, curation.decided_in(view)).score == before
        assert np.array_equal(label_of(view, image_id), label)
        open_editor(page)
        page.keyboard.press("Escape")
        page.get_by_text("of the detector").wait_for(timeout=60_000)
        page.goto("about:blank")


def test_a_finger_paints_and_keys_alone_are_enough(browser, shown, address):
    view = open_run_view(*shown)
    name = str(view.proposals.proposal_id[4])
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    try:
        page = context.new_page()
        page.goto(f"{address}image?proposal={name.replace('#', '%23')}&repair={name.replace('#', '%23')}")
        editor_open(page)
        frame, status = page.locator(".repair .frame"), page.locator('[data-part="status"]')
        page.wait_for_function("e => e.naturalWidth > 0", arg=page.locator(".repair .image").element_handle())
        frame.evaluate("e => e.scrollIntoView({ block: 'center' })")
        area = int(view.proposals.area[4])
        assert status.text_content() == f"{area:,} pixels"
        touches = context.new_cdp_session(page)

        def touch(kind, *points):
            fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
            touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

        def painted() -> int:
            return int(status.text_content().split()[0].replace(",", ""))

        box = steady_box(frame)
        x, y = box["x"] + 5, box["y"] + 5  # the corner, where nothing is
        touch("touchStart", (x, y))
        for step in range(1, 6):
            touch("touchMove", (x + 12 * step, y))
        touch("touchEnd")
        page.wait_for_function("([e, n]) => e.textContent !== n", arg=[status.element_handle(), f"{area:,} pixels"])
        after = painted()
        assert after > area
        page.keyboard.press("Control+z")
        assert painted() == area and page.locator('[data-part="save"]').is_disabled()
        page.get_by_role("button", name="Clear").tap()
        status.get_by_text("The mask is empty").wait_for()
        page.keyboard.press("p")
        for key in ("ArrowLeft", "ArrowUp", "ArrowRight"):
            page.keyboard.press(key)
            page.keyboard.press(" ")
        page.keyboard.press("Enter")  # closes the polygon, saves nothing
        polygon = painted()
        assert polygon > 0
        page.keyboard.press("b")
        page.keyboard.press(" ")
        assert painted() > polygon
        page.keyboard.press("e")
        page.keyboard.press(" ")
        status.get_by_text("The mask is empty").wait_for()  # all of it lay below the brush
        page.goto("about:blank")
    finally:
        context.close()
