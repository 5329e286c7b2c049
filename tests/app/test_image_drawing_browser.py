"""One mask separated into two objects, and an object drawn where no proposal was; both undone, step by step."""

from dataclasses import replace

import numpy as np
import pytest

from comus_core import curation
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_clusters
from tests.app.serving import serving, settle
from tests.app.steps import decided_when, open_editor, steady_box
from tests.builders import copy_of
from tests.scoring.pixel_oracle import expected, painted

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # not stable yet on a busy machine


@pytest.fixture
def bare(curated_run, tmp_path):
    """(workspace, run, id of an image without a proposal), to be changed at will."""
    workspace, run = copy_of(curated_run, tmp_path)
    view = open_run_view(workspace, run)
    return workspace, run, next(str(i) for i in view.image_ids if i not in view.rows_of_image)


def test_a_mask_is_separated_and_an_object_drawn_where_none_was_found_and_both_are_undone(page, bare, tmp_path):
    workspace, run, image_id = bare
    view = open_run_view(workspace, run)
    before = curation.decided_in(view)
    score = score_clusters(view, before).score
    name, whole = str(view.proposals.proposal_id[0]), view.proposals.mask(0)
    height, width = whole.shape
    rows, columns = np.nonzero(whole)
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    middle = (top + bottom) / 2

    def at(box, x, y):
        return box["x"] + box["width"] * x / width, box["y"] + box["height"] * y / height

    def polygon(corners):
        box = steady_box(page.locator(".repair .frame"))
        page.keyboard.press("p")
        for x, y in corners:
            page.mouse.click(*at(box, min(max(x, 1), width - 1), min(max(y, 1), height - 1)))
        page.keyboard.press("b")  # closes the polygon

    def status(words):
        page.locator('[data-part="status"]').get_by_text(words).wait_for(timeout=60_000)

    with serving(workspace.root, tmp_path) as url:
        page.goto(f"{url}image?run={run.id}&proposal={name.replace('#', '%23')}")
        settle(page, "Similar proposals")
        open_editor(page)
        status(f"{whole.sum():,} pixels")
        page.get_by_role("button", name="Clear").click()
        status("The mask is empty")
        polygon([(left - 1, top - 1), (right + 2, top - 1), (right + 2, middle), (left - 1, middle)])
        page.get_by_role("button", name="Save part as a new object").click()
        parted = decided_when(view, page, lambda decided: len(decided.layout.drawn) == 1)
        (part,) = parted.layout.drawn
        taken = curation.mask_of(view, part, parted)
        status(f"{(whole & ~taken).sum():,} pixels")  # the editor goes on with what is left
        assert (taken & whole).any() and np.array_equal(curation.mask_of(view, name, parted), whole & ~taken)
        assert parted.layout.parent == {part: name}
        assert parted.layout.drawn[part] == view.categories(before).id_of[0]
        page.keyboard.press("Escape")
        page.get_by_text("Drawn objects in this image").wait_for(timeout=60_000)
        settle(page)

        page.goto(f"{url}image?run={run.id}&image={image_id.replace('/', '%2F')}")
        page.get_by_text("No proposal was found in this image").wait_for(timeout=60_000)
        page.get_by_role("button", name="Draw an object").wait_for(timeout=60_000)
        settle(page)
        page.keyboard.press("d")
        settle(page, "Draw an object in")
        status("Draw the object.")
        field = page.get_by_label("Or a new category")
        field.fill("found by me")
        field.press("Enter")
        shown = "() => [...document.querySelectorAll('input')].some(input => input.value === 'new: found by me')"
        page.wait_for_function(shown, timeout=60_000)
        field.blur()  # keys are the editor's from here on
        settle(page)
        polygon([(4, 4), (30, 4), (30, 24), (4, 24)])
        page.get_by_role("button", name="Save object").click()
        both = decided_when(view, page, lambda decided: len(decided.layout.drawn) == 2)
        page.get_by_text("drawn as a new object").wait_for(timeout=60_000)
        settle(page)
        drawn = view.drawn(both)
        new = drawn.row_of[f"{image_id}#d1"]
        assert both.name_of(int(drawn.id_of[new])) == "found by me"
        assert drawn.proposals.mask(new)[14, 16] and not drawn.proposals.mask(new)[40, 40]
        pairs, classes = painted(view, both, filtered=False), len(view.classes)
        right_score, _ = expected(pairs, len(view.categories(both).ids) + 1, classes, "majority")
        assert score_clusters(view, both, "majority").score.miou == pytest.approx(right_score, abs=1e-12)

        page.keyboard.press("u")
        decided_when(view, page, lambda decided: len(decided.layout.drawn) == 1)
        page.get_by_text("No proposal was found in this image").wait_for(timeout=60_000)
        settle(page)
        page.keyboard.press("u")
        last = decided_when(view, page, lambda decided: not decided.layout.drawn)
        assert replace(last, version=0) == replace(before, version=0)
        assert score_clusters(view, last).score == score
        page.goto("about:blank")
