"""Every page as axe-core judges it, in both themes: nothing serious, nothing critical."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.components.shared.navigation import PAGES
from comus_core.runs.run_view import open_run_view
from tests.app.serving import settle

pytestmark = pytest.mark.browser
GRAVE = ("serious", "critical")
GROUND = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
GROUND_CHANGED = f"before => !before.includes({GROUND})"
SETTLED_MS = 400  # animations of the frame, during which text is half transparent


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(page, address, shown, name):
    proposal = str(open_run_view(*shown).proposals.proposal_id[0])
    page.goto(f"{address}{name}" + (f"?proposal={proposal}" if name == "image" else ""))
    settle(page)
    page.wait_for_load_state("networkidle")  # a grid has rows once its data has come
    grounds = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(GROUND_CHANGED, arg=list(grounds))
        page.wait_for_timeout(SETTLED_MS)
        grounds.add(page.evaluate(GROUND))
        grave = _grave(page)
        assert not grave, "\n".join([scheme, *grave])


def _grave(page) -> list[str]:
    """A line a node with a serious or critical violation."""
    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']} ({v['impact']}): {v['help']}; {node['html'][:160]} {node['failureSummary'][:200]}"
        for v in found
        if v["impact"] in GRAVE
        for node in v["nodes"]
    ]
