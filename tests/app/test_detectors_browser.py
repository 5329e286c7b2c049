"""The threshold moved in a real browser: the masks and the counts follow at once, and lead to Discover."""

import re

import pytest
from playwright.sync_api import expect

from comus_core import compare_saliency, make_config, open_workspace
from comus_core.pipelines.saliency_comparison import compared, open_maps
from comus_core.pipelines.saliency_settings import SaliencyCompareSettings
from comus_core.saliency.thresholding import masks_from_soft_map
from tests.app.serving import serving, settle

pytestmark = pytest.mark.browser

THUMB = "[class*=st-key-detectors_slider] input[type=range]"
FIGURES = ".st-key-detectors_counts [data-testid=stMetricValue]"


def test_the_counts_follow_the_threshold_and_it_is_taken_to_discover(page, drawn, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    saliency = make_config(dataset="-", saliency={"priors": {"side": 64}}).saliency
    settings = SaliencyCompareSettings(("mbd", "rbd"), 8, saliency=saliency)
    result = compare_saliency(str(drawn), workspace, settings, device="cpu")
    maps = open_maps(workspace, result, compared(result)[0])

    def expected(threshold):
        tried = maps.at(threshold, 400)
        found = [len(masks_from_soft_map(maps.stored_map(i), size, tried)) for i, size in maps.sizes.items()]
        return [str(sum(found)), str(found.count(0))]

    with serving(workspace.root, tmp_path, COMUS_IMAGE_ROOTS=str(drawn)) as url:
        page.goto(f"{url}images?data={drawn}&tab=detectors")
        settle(page, "Side by side")
        expect(page.locator(FIGURES)).to_have_text(expected(0.5))
        thumb = page.locator(THUMB)
        thumb.focus()
        for _ in range(30):
            thumb.press("ArrowRight")
        assert expected(0.8) != expected(0.5)
        expect(page.locator(FIGURES)).to_have_text(expected(0.8))
        layer = page.locator(".comus-sides img.layer").first
        expect(layer).to_have_attribute("src", re.compile("t=0.80"))
        page.wait_for_function("e => e.naturalWidth > 0", arg=layer.element_handle())
        page.get_by_role("button", name="Use this detector and threshold").click()
        page.wait_for_url("**/new?**")
        page.get_by_text("Settings", exact=True).first.click()
        settle(page, "Saliency threshold")
        expect(page.locator("[class*=st-key-new_saliency_threshold] input")).to_have_value("0.80")
        page.goto("about:blank")
