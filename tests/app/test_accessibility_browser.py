"""Every page as axe-core judges it, in both themes: nothing serious, nothing critical."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from app.components.shared.navigation import PAGES
from comus_core.runs.run_view import open_run_view
from tests.app.serving import settle

pytestmark = pytest.mark.browser
GRAVE = ("serious", "critical")
SETTLED_MS = 400  # animations of the frame, during which text is half transparent


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(open_page, address, shown, name, scheme):
    page = open_page(scheme=scheme)
    proposal = str(open_run_view(*shown).proposals.proposal_id[0])
    page.goto(f"{address}{name}" + (f"?proposal={proposal}" if name == "image" else ""))
    settle(page)
    page.wait_for_timeout(SETTLED_MS)
    found = Axe().run(page).response["violations"]
    grave = [
        f"{v['id']} ({v['impact']}): {v['help']}; {node['html'][:160]} {node['failureSummary'][:200]}"
        for v in found
        if v["impact"] in GRAVE
        for node in v["nodes"]
    ]
    assert not grave, "\n".join(grave)
