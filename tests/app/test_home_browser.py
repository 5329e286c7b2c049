"""The first minute of somebody new: an empty workspace, the demo, its map, and back to it from home."""

import re

import pytest

from tests.app.serving import serving, settle
from tests.app.steps import MAP_READY

pytestmark = pytest.mark.browser


def test_from_an_empty_workspace_to_the_map_of_the_demo_and_on(open_page, tmp_path):
    with serving(tmp_path / "w", tmp_path) as address:
        page = open_page()
        page.goto(address)
        settle(page, "Your folder")
        assert page.url.startswith(f"{address}home")
        assert page.locator("[data-testid=stImage] img").first.evaluate("img => img.complete && img.naturalWidth > 0")
        page.get_by_role("button", name="Try the demo").click()
        page.wait_for_selector(MAP_READY)
        settle(page, "All 112 proposals")
        rail = page.get_by_role("navigation", name="Steps of this run")
        assert rail.get_by_role("listitem").count() == 6
        following = rail.locator("[aria-current=step]")
        assert "0 of 10 named" in following.inner_text()
        following.get_by_role("link").click()  # within the app, without loading it anew
        page.wait_for_url(re.compile(r"/name\?run="))
        settle(page, "Most typical")
        page.get_by_role("link", name="Home", exact=True).click()
        settle(page, "Your runs")
        page.get_by_role("link", name="Next: Name the clusters").wait_for()
        covers = page.locator(".comus-covers img")
        assert covers.count() == 8
        page.wait_for_function(
            "[...document.querySelectorAll('.comus-covers img')].every(img => img.complete && img.naturalWidth > 0)"
        )
        page.context.close()
