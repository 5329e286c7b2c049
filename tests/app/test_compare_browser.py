"""Two runs compared in a real browser: lasso, opacity, zoom, images; and a cell of the confusion matrix opened."""

from __future__ import annotations

import csv
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from comus_core.evaluation.image_rows import cell_images
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_round
from comus_core.scoring.score_tables import deltas
from comus_core.text import counted
from tests.app.map_browser import inside
from tests.app.serving import serving, settle
from tests.app.steps import MAP_READY, reruns_asked

pytestmark = pytest.mark.browser
LOWER_HALF = ((0.15, 0.5), (0.85, 0.5), (0.85, 0.97), (0.15, 0.97), (0.15, 0.52))
PLACES = """all => all.map(e => {
    const at = new DOMMatrix(getComputedStyle(e).transform), box = e.parentElement.getBoundingClientRect()
    return [(at.e / box.width).toFixed(2), (at.f / box.height).toFixed(2)].join()
})"""


@pytest.fixture(scope="module")
def url(pair, drawn, tmp_path_factory):
    with serving(pair.workspace.root, tmp_path_factory.mktemp("served"), COMUS_IMAGE_ROOTS=str(drawn.parent)) as served:
        yield served


def lasso(page, plot) -> None:
    """Draw around the lower half of one of several maps: its lowest point lies there, its highest does not."""
    box = plot.bounding_box()
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in LOWER_HALF]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner)
    page.mouse.up()


def test_two_runs_are_compared_with_one_lasso_and_one_view(page, url, pair):
    asked = reruns_asked(page)
    page.goto(f"{url}compare?run={pair.run.id}&second={pair.other.id}@0")
    page.locator(".st-key-compare_panes .window").first.wait_for(timeout=120_000)
    settle(page)
    assert page.locator(MAP_READY).count() == 2
    # a lasso on the first map: the other follows, and so do the images
    first, second = (open_run_view(pair.workspace, run) for run in (pair.run, pair.other))
    page.locator("button[data-tool=lasso]").first.click()
    lasso(page, page.locator(".plot").first)
    page.get_by_text("images selected").wait_for(timeout=60_000)
    settle(page)
    side, _, key = parse_qs(urlsplit(page.url).query)["lasso"][0].partition(".")
    points, gestures = first.points("tsne"), pair.workspace.selections.read(key).gestures
    chosen = inside(points, list(gestures[0].polygon))
    assert side == "first" and 0 < chosen.sum() < len(first)
    images = set(first.proposals.image_id[chosen])
    page.get_by_text(f"{chosen.sum()} proposals in {len(images)} images selected").wait_for(timeout=60_000)
    page.get_by_text(f"1 of {len(images)}", exact=True).wait_for(timeout=60_000)
    grey = page.locator(".legend li").filter(has_text="not selected").last
    grey.get_by_text(str(len(second) - int(chosen.sum()))).wait_for(timeout=60_000)
    # opacity and zoom stay in the browser, and every pane has them
    panes = page.locator(".st-key-compare_panes")
    layers = panes.locator("img.layer")
    assert layers.count() == 5  # two masks, the ground truth, two errors
    for layer in layers.all():
        page.wait_for_function("e => e.complete && e.naturalWidth > 0", arg=layer.element_handle(), timeout=60_000)
    settle(page)
    before = len(asked)
    panes.get_by_label("Opacity of the layers").fill("25")
    assert layers.evaluate_all("all => all.map(e => getComputedStyle(e).opacity)") == ["0.25"] * 5
    panes.get_by_role("button", name="Zoom in").click()
    panes.locator(".window").nth(2).dblclick(position={"x": 20, "y": 20})
    zooms = panes.locator(".stack").evaluate_all(
        "all => all.map(e => new DOMMatrix(getComputedStyle(e).transform).a.toFixed(3))"
    )
    assert set(zooms) == {"3.375"}
    box = panes.locator(".window").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 - 30, box["y"] + box["height"] / 2 - 20, steps=4)
    page.mouse.up()
    assert len(set(panes.locator(".stack").evaluate_all(PLACES))) == 1
    page.keyboard.down("h")
    assert set(layers.evaluate_all("all => all.map(e => getComputedStyle(e).opacity)")) == {"0"}
    page.keyboard.up("h")
    page.wait_for_timeout(500)
    assert len(asked) == before > 0
    # the next image, through the same opacity, whole again
    page.get_by_role("button", name="Next", exact=True).click()
    page.get_by_text(f"2 of {len(images)}", exact=True).wait_for(timeout=60_000)
    settle(page)
    assert set(layers.evaluate_all("all => all.map(e => getComputedStyle(e).opacity)")) == {"0.25"}
    assert panes.locator("output").inner_text() == "1×"
    # the differences, read again
    with page.expect_download(timeout=60_000) as download:
        page.locator(".st-key-download_differences button").click()
    with open(download.value.path(), newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    sides = [score_round(pair.workspace, RunRound(run, 0), "hungarian") for run in (pair.other, pair.run)]
    assert {row["Class"]: float(row["Difference"]) for row in rows} == deltas(*sides)
    assert {row["supervision"] for row in rows} == {"supervised: masks"}


def test_a_confusion_cell_opens_its_images(page, url, pair):
    scored = score_round(pair.workspace, RunRound(pair.other, 0))
    predicted, true = np.argwhere((scored.confusion[:4] > 0) & ~np.eye(4, dtype=bool))[0]
    images, pixels = cell_images(scored.rows, scored.matched.class_of, predicted, true)
    page.goto(f"{url}scores?run={pair.other.id}")
    settle(page, "Confusion")
    page.evaluate("window.sameDocument = true")
    page.locator(f'[data-cell="{predicted}-{true}"]').click()
    said = f"{counted(len(images), 'image')}, {counted(int(pixels.sum()), 'pixel')}"
    page.get_by_text(said).wait_for(timeout=60_000)
    settle(page)
    assert f"cell={predicted}-{true}" in page.url and page.evaluate("window.sameDocument") is True
    found = page.locator(".st-key-cell_images a").evaluate_all("all => all.map(e => e.dataset.image)")
    assert found == [scored.rows.image_ids[k] for k in images[:12]]
    picture = page.locator(".st-key-cell_images img").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("e => e.naturalWidth > 0", arg=picture.element_handle(), timeout=60_000)
    page.locator(".st-key-cell_images a").first.click()
    page.wait_for_url("**/image?**", timeout=60_000)
    settle(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_holds_the_comparison(open_page, url, pair, scheme):
    page = open_page(width=390, height=844, scheme=scheme)
    page.goto(f"{url}compare?run={pair.run.id}&second={pair.other.id}@0")
    page.locator(".st-key-compare_panes .window").first.wait_for(timeout=120_000)
    settle(page)
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
