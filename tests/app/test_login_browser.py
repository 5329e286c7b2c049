"""The login in a browser: closed without the token, a page with everything on it after it."""

from __future__ import annotations

import pytest

from comus_core.login import NO_LOGIN, TOKEN
from tests.app.serving import serving, settle

pytestmark = pytest.mark.browser
SECRET = "a-token-of-the-browser"


def test_a_person_logs_in_with_the_token_and_every_part_of_the_page_works(browser, shown, tmp_path):
    workspace, run = shown
    with serving(workspace.root, tmp_path, **{NO_LOGIN: "", TOKEN: SECRET}) as url:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        errors: list[str] = []
        page = context.new_page()
        picture = f"{url}api/runs/{run.id}/images/0?size=480"
        assert context.request.get(picture).status == 401
        page.goto(f"{url}explore?run={run.id}")
        page.get_by_label("Token").fill("not-the-token")
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("not the token of this server").wait_for()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.get_by_label("Token").fill(SECRET)
        page.get_by_label("Your name").fill("Ada")
        page.get_by_role("button", name="Log in").click()
        settle(page, "proposals")
        assert page.url.startswith(f"{url}explore?run={run.id}") and SECRET not in page.url
        page.get_by_text("Logged in as Ada").wait_for()
        page.wait_for_function("() => [...document.images].some(i => i.complete && i.naturalWidth > 40)")
        assert context.request.get(picture).status == 200
        (cookie,) = [c for c in context.cookies() if c["name"].startswith("comus_login")]
        assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and SECRET not in cookie["value"]
        page.get_by_role("link", name="Log out").click()
        page.get_by_label("Token").wait_for()
        assert errors == [] or all("401" in error for error in errors), errors
        assert context.request.get(picture).status == 401
        context.close()

        by_address = browser.new_context()
        page = by_address.new_page()
        page.goto(f"{url}explore?run={run.id}&token={SECRET}")
        settle(page, "proposals")
        assert SECRET not in page.url
        by_address.close()
