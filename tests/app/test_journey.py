"""What a person does with a real run, on the demo and on the 725 VOC photographs, in a real browser."""

import numpy as np
import pytest
from playwright.sync_api import expect

from comus_core.runs.run_view import open_run_view
from comus_core.workspace.decisions import Decisions
from tests.app.map_browser import flower
from tests.app.serving import serving, settle
from tests.app.steps import MAP_READY, choose, draw, figures, ids_of_gallery, open_explore, recomputed, slide
from tests.builders import score_run

pytestmark = pytest.mark.browser
IMAGES = {"demo_journey": 240, "voc_journey": 725}


@pytest.fixture(
    params=[
        pytest.param("demo_journey", marks=pytest.mark.slow),  # the same way as that of the photographs
        pytest.param("voc_journey", marks=pytest.mark.real),
    ]
)
def journey(request):
    found = request.getfixturevalue(request.param)
    assert found.run.result["images"] == IMAGES[request.param]
    return found


@pytest.fixture
def seen(journey, tmp_path, photographs_root):
    """`seen()`: the app over the finished run, for as long as the block lasts."""
    return lambda: serving(journey.workspace.root, tmp_path, COMUS_IMAGE_ROOTS=photographs_root)


@pytest.fixture
def photographs_root(request, journey, tmp_path):
    spec = journey.run.config.dataset
    return str(request.getfixturevalue("photographs")) if spec.startswith("voc:") else str(tmp_path)


def test_a_job_outlives_browser_and_app_is_cancelled_half_way_and_resumed_to_the_end(journey):
    assert journey.pids[0] == journey.pids[1] is not None and journey.attempts == (1, 1)
    assert journey.total // 2 <= journey.cancelled_at < journey.total
    assert journey.shards and journey.kept.items() >= journey.shards.items()  # not one was written again
    assert "attempt 2" in journey.log
    result = journey.run.result
    assert journey.run.state == "done" and result["skipped"] == 0 and result["proposals"] > 0
    assert result["evaluation"]["miou"] > 30


def test_the_gallery_holds_what_a_lasso_is_drawn_around_wherever_one_goes(journey, seen, page):
    shown, total = (journey.workspace, journey.run), journey.run.result["proposals"]
    with seen() as url:
        open_explore(page, url)
        words = draw(page, flower(size=0.4))
        expected = recomputed(shown, page.url)
        assert 0.05 < len(expected) / total < 0.95
        assert words == f"{len(expected)} of {total} proposals selected"
        assert sorted(ids_of_gallery(page)) == sorted(expected)
        choose(page, "colour_by", "Ground truth")
        page.wait_for_url("**colour=truth**")
        settle(page, words)
        page.locator(".st-key-pages").get_by_text("Evaluate").click()
        page.wait_for_url("**/scores**")
        settle(page, "Pixel accuracy")
        page.locator(".st-key-pages").get_by_text("Explore").click()
        page.wait_for_selector(MAP_READY)
        settle(page, words)
        page.reload()
        page.wait_for_selector(MAP_READY)
        settle(page, words)
        assert sorted(ids_of_gallery(page)) == sorted(expected)
        page.goto("about:blank")  # before its server goes


def test_the_slider_from_0_to_40_shows_the_figures_of_the_core(journey, seen, page):
    view = open_run_view(journey.workspace, journey.run)
    with seen() as url:
        page.goto(f"{url}filter")
        settle(page, "Pixel accuracy")
        for percent in (0, 40):
            slide(page, percent)
            draft = Decisions(filter_percent=percent)
            kept = int(view.kept(draft).sum())
            scores = score_run(journey.workspace, journey.run, draft)
            miou = f"{scores.filtered.miou:.2f} %"
            page.locator(".st-key-filter_figures").get_by_text(miou, exact=True).wait_for()
            settle(page)
            found = figures(page)
            assert (found["Kept"], found["Dropped"], found["mIoU"]) == (str(kept), str(len(view) - kept), miou)
            assert found["Coverage"] == f"{100 * scores.coverage:.1f} %"
        assert int(np.ceil(0.6 * (len(view) - view.clusters))) <= kept <= int(np.ceil(0.6 * len(view))) + view.clusters
        page.goto("about:blank")


def test_a_name_given_to_a_cluster_survives_a_restart(journey, seen, page):
    name = f"Things of {journey.run.id}"
    with seen() as url:
        page.goto(f"{url}clusters")
        settle(page, "Core")
        field = page.locator(".st-key-name_1 input")
        field.fill(name)
        field.press("Enter")
        page.get_by_text("Renamed: Things").wait_for()
        page.goto("about:blank")
    with seen() as url:
        page.goto(f"{url}clusters")
        settle(page, "Core")
        expect(page.locator(".st-key-name_1 input")).to_have_value(name, timeout=60_000)
        page.goto("about:blank")
