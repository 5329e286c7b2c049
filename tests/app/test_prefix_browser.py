"""The app below a path, in a real browser behind a front server that lets nothing else through."""

from __future__ import annotations

from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from tests.app.prefix_proxy import in_front_of
from tests.app.serving import answering, settle
from tests.app.steps import MAP_READY

pytestmark = pytest.mark.browser
ARRIVED = "image => image.complete && image.naturalWidth > 0"


@contextmanager
def told_its_path(shown, address, folder):
    """A server told to serve below /comus/, behind a front server that keeps the path."""
    words = ["comus_core", "app", "--workspace", str(shown[0].root), "--no-browser", "--port"]
    setting = {"STREAMLIT_SERVER_BASE_URL_PATH": "/comus/"}
    with (
        answering(lambda port: [*words, str(port)], "comus/api/ready", folder, folder, **setting) as url,
        in_front_of(urlsplit(url).port, "/comus/", strip=False) as front,
    ):
        yield front


@contextmanager
def told_nothing(shown, address, folder):
    """A server that knows of no path, behind a front server that takes it away."""
    with in_front_of(urlsplit(address).port, "/proxy/8610/", strip=True) as front:
        yield front


@pytest.mark.parametrize("below", [told_its_path, told_nothing])
def test_below_a_path_the_socket_works_and_every_picture_and_point_arrives(page, shown, address, tmp_path, below):
    with below(shown, address, tmp_path) as front:
        page.goto(f"{front.url}explore")
        page.wait_for_selector(MAP_READY)
        page.locator(".st-key-pages").get_by_text("Clusters", exact=True).click()
        settle(page, "Show all")
        crop = page.locator("[data-testid=stAppViewContainer] img[src*='/crops/']").first
        page.wait_for_function(ARRIVED, arg=crop.element_handle())
        page.goto(f"{front.url}clusters/?cluster=1")  # a slash too many is taken away, the path is not
        page.get_by_text("All clusters").wait_for()
        assert page.url.startswith(f"{front.url}clusters?")
        page.locator("[data-side=core] a.comus-link").first.click()
        photograph = page.locator(".st-key-photo img").first
        page.wait_for_function(ARRIVED, arg=photograph.element_handle())
        assert page.url.startswith(f"{front.url}image?") and front.outside == []
        page.goto("about:blank")  # the page must not ask a server that is gone
