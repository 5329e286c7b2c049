"""The Filter lab in a real browser: slide, look at what would go, take the curve away and read it."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from comus_core import curation
from comus_core.runs.run_view import open_run_view
from comus_core.workspace.decisions import Decisions
from tests.app.serving import serving, settle
from tests.app.steps import THUMB, figures, slide
from tests.builders import score_run

pytestmark = pytest.mark.browser
STYLE = """() => {
    const of = (element, name) => getComputedStyle(document.querySelector(element))[name];
    return [of('.comus-gallery', 'display'), of('[data-testid=stMainBlockContainer]', 'paddingTop')];
}"""


def open_lab(page, address) -> None:
    page.goto(f"{address}filter")
    settle(page, "Pixel accuracy")


def test_sliding_changes_the_figures_and_the_pictures_of_what_would_go(page, address, shown):
    open_lab(page, address)
    slide(page, 60)
    view, draft = open_run_view(*shown), Decisions(filter_percent=60)
    score = score_run(*shown, draft).filtered
    page.wait_for_function(
        "words => document.querySelector('.st-key-filter_figures').innerText.includes(words)",
        arg=f"{score.miou:.2f} %",
        timeout=60_000,
    )
    assert figures(page)["Dropped"] == str((~view.kept(draft)).sum())
    links = page.locator(".st-key-filter_gallery a.comus-link")
    settle(page)
    links.first.wait_for(timeout=60_000)
    names = links.evaluate_all("links => links.map(link => link.dataset.proposal)")
    assert names and set(names) <= set(view.proposals.proposal_id[~view.kept(draft)])


def test_the_curve_is_saved_and_says_what_every_filter_scores(page, address, shown, tmp_path):
    open_lab(page, address)
    with page.expect_download(timeout=60_000) as waiting:
        page.locator(".st-key-filter_curve_csv").get_by_role("button", name="CSV").click()
    waiting.value.save_as(tmp_path / "curve.csv")
    with (tmp_path / "curve.csv").open(encoding="utf-8-sig") as file:
        read = list(csv.DictReader(file))
    view = open_run_view(*shown)
    assert len(read) == 101
    for percent in (0, 33, 100):
        draft = Decisions(filter_percent=percent)
        assert float(read[percent]["miou"]) == pytest.approx(score_run(*shown, draft).filtered.miou, abs=1e-9)
        assert int(read[percent]["kept"]) == view.kept(draft).sum()
        assert -1 <= float(read[percent]["silhouette"]) <= 1
    assert {row["run"] for row in read} == {shown[1].id}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_holds_the_lab_without_sideways_scrolling(open_page, address, scheme):
    page = open_page(width=390, height=844, scheme=scheme)
    open_lab(page, address)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390


def test_apply_is_told_and_the_page_keeps_its_style(page, changeable, tmp_path):
    workspace, run = changeable
    with serving(workspace.root, tmp_path) as url:
        open_lab(page, url)
        slide(page, 3)
        page.get_by_text("Changes take effect when you apply them").wait_for(timeout=60_000)
        settle(page)
        before = page.evaluate(STYLE)
        page.locator(".st-key-apply_filter button").click()
        page.get_by_test_id("stToast").get_by_text("Filter applied on all pages").wait_for(timeout=60_000)
        page.get_by_text("Applied filter: 3 %").wait_for(timeout=60_000)
        settle(page)
        assert page.evaluate(STYLE) == before and before[0] == "grid"
        page.goto("about:blank")
    assert workspace.decisions_of(run).filter_percent == 3


def test_a_filter_that_is_tried_stays_while_another_window_decides(page, changeable, tmp_path):
    view = open_run_view(*changeable)
    with serving(view.workspace.root, tmp_path) as url:
        open_lab(page, url)
        slide(page, 60)
        page.get_by_text("Changes take effect when you apply them").wait_for(timeout=60_000)
        settle(page)
        draft = Decisions(filter_percent=60)
        kept = str(view.kept(draft).sum())
        page.locator(".st-key-filter_figures").get_by_text(kept, exact=True).first.wait_for(timeout=60_000)
        last = view.proposals.proposal_id[~view.kept(draft)][:7]
        curation.accept(view, [str(p) for p in last])  # the filter keeps seven more
        kept = str(view.kept(replace(curation.decided_in(view), filter_percent=60.0)).sum())
        assert kept == str(view.kept(draft).sum() + 7)
        page.locator(".st-key-filter_figures").get_by_text(kept, exact=True).first.wait_for(timeout=60_000)
        settle(page)
        assert page.locator(THUMB).input_value() == "60" and page.locator(".st-key-reset_filter button").is_enabled()
        page.locator(".st-key-apply_filter button:enabled").click()
        page.get_by_text("Applied filter: 60 %").wait_for(timeout=60_000)
        page.goto("about:blank")
    assert curation.decided_in(view).filter_percent == 60
