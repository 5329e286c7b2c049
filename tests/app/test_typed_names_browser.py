"""A name that is typed and not saved yet survives a reload."""

from __future__ import annotations

import pytest

from comus_core import curation
from comus_core.runs.run_view import open_run_view
from tests.app.serving import serving, settle
from tests.app.steps import decided_when

pytestmark = pytest.mark.browser


def test_a_name_typed_before_a_reload_still_stands_there_until_it_is_saved(page, changeable, tmp_path):
    view = open_run_view(*changeable)
    field = page.locator("input[aria-label='Name of cluster 2']")
    holds = "name => document.querySelector(\"input[aria-label='Name of cluster 2']\")?.value === name"
    with serving(view.workspace.root, tmp_path) as url:
        page.goto(f"{url}clusters?run={view.run.id}")
        settle(page, "Core")
        page.wait_for_function("window.comusTypedNames")
        field.click()
        page.keyboard.press("Control+a")
        page.keyboard.type("heron")
        page.reload()
        settle(page, "Core")
        page.wait_for_function(holds, arg="heron")
        assert curation.decided_in(view).names == {}
        field.press("Enter")
        decided_when(view, page, lambda decided: decided.names == {2: "heron"})
        page.reload()
        settle(page, "Core")
        page.wait_for_function(holds, arg="heron")  # saved: nothing is kept in the tab any more
        curation.rename(view, 2, "egret")
        page.reload()
        settle(page, "Core")
        page.wait_for_function(holds, arg="egret")
        page.goto("about:blank")
