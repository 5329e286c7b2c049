"""From a clicked point to its likes, the threshold by keys, the bar, and the way back: in a real browser."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from comus_core import curation
from comus_core.runs.run_view import open_run_view
from comus_core.runs.similarity import ranked, similarities, vectors_of_rows
from tests.app.serving import serving, settle

pytestmark = pytest.mark.browser
THUMB = ".st-key-similar_threshold input[type=range], [class*=st-key-similar_threshold] input[type=range]"


def ids_in(page, key: str) -> list[str]:
    links = page.locator(f".st-key-{key} a.comus-link")
    return links.evaluate_all("links => links.map(link => link.dataset.proposal)")


def test_more_like_an_object_are_found_and_accepted_without_a_mouse_but_for_the_link(changeable, open_page, tmp_path):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    name = str(view.proposals.proposal_id[7])
    ranking = ranked(view, similarities(view, vectors_of_rows(view, [7])))
    others = [str(p) for p in view.proposals.proposal_id[ranking.rows] if p != name]
    with serving(workspace.root, tmp_path) as url:
        page = open_page()
        page.goto(f"{url}image?run={run.id}&proposal={name.replace('#', '%23')}")
        settle(page, "Similar proposals")
        page.locator("a[data-more-like]").click()
        settle(page, "Similar enough")
        assert ids_in(page, "similar_accepted") == others[:24]
        thumb = page.locator(THUMB).first
        thumb.focus()
        for _ in range(3):
            thumb.press("ArrowRight")
        page.wait_for_url("**threshold=**", timeout=60_000)
        settle(page)
        limit = float(parse_qs(urlsplit(page.url).query)["threshold"][0])
        count = ranking.count(limit) - 1  # but the object itself
        page.get_by_text(f"the buttons act on {count + 1} proposal").wait_for(timeout=60_000)
        settle(page)
        assert ids_in(page, "similar_accepted") == others[:count]
        page.reload()
        settle(page, "Similar enough")
        assert ids_in(page, "similar_accepted") == others[:count], "a reload changes nothing"
        page.locator("[class*=st-key-similar_accept] button").first.focus()
        page.keyboard.press("Enter")
        page.get_by_text("Accepted").first.wait_for(timeout=60_000)
        settle(page)
        assert curation.decided_in(view).layout.accepted == frozenset({name, *others[:count]})
        page.go_back()
        settle(page)
        page.close()
