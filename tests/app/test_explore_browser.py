"""The Explore page in a real browser, over the real server: what is drawn is what the gallery holds."""

from __future__ import annotations

import csv
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import TimeoutError

from comus_core.runs.run_view import open_run_view
from tests.app.map_browser import drag, flower
from tests.app.serving import settle
from tests.app.steps import MAP_READY, choose, draw, head, ids_of_gallery, open_explore, recomputed

pytestmark = pytest.mark.browser
TURNED = "first => document.querySelector('.comus-gallery a').dataset.proposal !== first"
ARRIVED = "[...document.querySelectorAll('.comus-gallery img')].slice(0, 6).every(i => i.naturalWidth > 0)"


def test_the_gallery_holds_exactly_what_a_lasso_is_drawn_around(page, address, shown):
    open_explore(page, address)
    words = draw(page, flower(size=0.35))
    expected = recomputed(shown, page.url)
    assert 0.05 < len(expected) / 86 < 0.95
    assert words == f"{len(expected)} of 86 proposals selected"
    assert sorted(ids_of_gallery(page)) == sorted(expected)


def test_the_selection_stays_after_recolouring_a_page_change_and_a_reload(page, address, shown):
    open_explore(page, address)
    words = draw(page, flower(size=0.3))
    expected = recomputed(shown, page.url)
    key = parse_qs(urlsplit(page.url).query)["selection"]

    def unchanged() -> None:
        settle(page, words)
        assert sorted(ids_of_gallery(page)) == sorted(expected)
        assert parse_qs(urlsplit(page.url).query)["selection"] == key

    choose(page, "colour_by", "Ground truth")
    page.wait_for_url("**colour=truth**")
    unchanged()
    page.locator(".st-key-pages").get_by_text("Evaluate").click()
    page.wait_for_url("**/scores**")
    settle(page)
    page.locator(".st-key-pages").get_by_text("Explore").click()
    page.wait_for_selector(MAP_READY)
    unchanged()
    page.reload()
    page.wait_for_selector(MAP_READY)
    unchanged()
    assert page.locator(".readout span").inner_text() == f"{len(expected)} of 86 selected"


def test_an_address_can_be_shared(open_page, address, shown):
    first = open_page()
    open_explore(first, address)
    words = draw(first, flower(size=0.3))
    second = open_page()
    second.goto(first.url)
    settle(second, words)
    assert sorted(ids_of_gallery(second)) == sorted(recomputed(shown, first.url))


def test_shift_adds_alt_subtracts_and_clear_brings_everything_back(page, address, shown):
    open_explore(page, address)
    draw(page, flower(x=0.35, size=0.2))
    draw(page, flower(x=0.6, size=0.2), keys=["Shift"])
    words = draw(page, flower(x=0.5, y=0.5, size=0.15), keys=["Alt"])
    expected = recomputed(shown, page.url)
    assert words == f"{len(expected)} of 86 proposals selected"
    assert sorted(ids_of_gallery(page)) == sorted(expected)
    page.locator(".st-key-clear_selection button").click()
    settle(page, "All 86 proposals")
    assert "selection=" not in page.url


def test_the_selection_is_kept_on_the_other_projection_until_something_is_drawn_there(page, address, shown):
    open_explore(page, address)
    words = draw(page, flower(size=0.3))
    expected = recomputed(shown, page.url)
    page.locator(".st-key-map_method").get_by_text("UMAP").click()
    settle(page, "Selected on the t-SNE map")
    assert head(page) == words and sorted(ids_of_gallery(page)) == sorted(expected)
    page.wait_for_selector(MAP_READY)
    draw(page, flower(size=0.35))
    assert shown[0].selections.read(parse_qs(urlsplit(page.url).query)["selection"][0]).method == "umap"
    assert sorted(ids_of_gallery(page)) == sorted(recomputed(shown, page.url))


def test_a_lasso_sends_little_and_a_picture_leads_to_its_photograph_without_a_reload(page, address):
    sent: list[int] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(len(frame))))
    open_explore(page, address)
    before = sum(sent)
    draw(page, flower(size=0.3))
    assert 0 < sum(sent) - before < 50_000
    page.evaluate("window.stillHere = true")
    link = page.locator(".st-key-selection_gallery a.comus-link").nth(3)
    name = link.get_attribute("data-proposal")
    link.click()
    page.wait_for_url("**/image?**")
    settle(page, "Image")
    assert page.evaluate("window.stillHere") and parse_qs(urlsplit(page.url).query)["proposal"] == [name]
    page.locator(".st-key-pages").get_by_text("Explore").click()
    settle(page, "proposals selected")


def test_a_click_shows_the_very_point_that_was_clicked(page, address, shown):
    open_explore(page, address)
    page.locator("button[data-tool=box]").click()
    before = page.url
    drag(page, [(0.3, 0.3), (0.7, 0.8)])
    page.wait_for_url(lambda url: url != before)
    settle(page, "proposals selected")
    drawn = shown[0].selections.read(parse_qs(urlsplit(page.url).query)["selection"][0]).gestures[0].polygon
    (x0, y0), (x1, y1) = drawn[0], drawn[2]  # what the plot's 30 % and 70 %, 30 % and 80 % mean in the map
    view = open_run_view(*shown)
    place = view.points("tsne").astype(float)
    within = np.flatnonzero((place[:, 0] > x0) & (place[:, 0] < x1) & (place[:, 1] > y1) & (place[:, 1] < y0))
    away = np.linalg.norm(place[within][:, None] - place[None], axis=2)
    lonely = within[np.sort(away, axis=1)[:, 1].argmax()]
    box = page.locator(".plot").bounding_box()
    across, down = (place[lonely, 0] - x0) / (x1 - x0), (place[lonely, 1] - y0) / (y1 - y0)
    page.mouse.click(box["x"] + (0.3 + 0.4 * across) * box["width"], box["y"] + (0.3 + 0.5 * down) * box["height"])
    name = view.proposals.proposal_id[lonely]
    page.locator(f'.comus-picked[data-proposal="{name}"]').wait_for()


def test_every_picture_says_what_it_is_and_arrives(page, address):
    open_explore(page, address)
    pictures = page.locator(".st-key-selection_gallery img")
    assert pictures.count() == 60
    assert all(pictures.evaluate_all("all => all.map(img => img.alt.includes('#'))"))
    page.locator(".st-key-selection_gallery").scroll_into_view_if_needed()
    page.wait_for_function(
        "[...document.querySelectorAll('.comus-gallery img')].slice(0, 6).every(i => i.naturalWidth > 0)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_holds_the_page_without_sideways_scrolling(open_page, address, scheme):
    page = open_page(width=390, height=844, scheme=scheme)
    open_explore(page, address)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
    assert page.locator(".plot").bounding_box()["width"] > 280


def saved(page, kind: str, folder: Path) -> Path:
    """The selection as the file that the page offers."""
    button, file = page.locator(f".st-key-download_{kind} button"), folder / f"proposals.{kind}"
    for tries_left in reversed(range(3)):
        settle(page)  # a file that was just saved makes the page anew, and may take the button from under the mouse
        if not button.is_visible():
            page.locator(".st-key-download_rows button").first.click()
        try:
            with page.expect_download(timeout=20_000) as waiting:
                button.click()
        except TimeoutError:
            if not tries_left:
                raise
        else:
            waiting.value.save_as(file)
            break
    return file


def test_the_selection_is_saved_as_csv_and_parquet_and_read_back(page, address, shown, tmp_path):
    open_explore(page, address)
    draw(page, flower(size=0.3))
    expected = sorted(recomputed(shown, page.url))
    with saved(page, "csv", tmp_path).open(encoding="utf-8-sig") as file:
        read = list(csv.DictReader(file))
    assert sorted(line["proposal_id"] for line in read) == expected
    table = pq.read_table(saved(page, "parquet", tmp_path))
    assert table.column("proposal_id").to_pylist() == [line["proposal_id"] for line in read]
    assert table.column("area").to_pylist() == [int(line["area"]) for line in read]


def test_a_box_on_the_principal_components_selects_and_another_takes_away(page, address, shown):
    open_explore(page, address)
    page.locator(".st-key-map_method").get_by_text("PCA").click()
    page.wait_for_url("**map=pca**")
    settle(page)
    page.wait_for_selector(MAP_READY)
    page.locator("button[data-tool=box]").click()
    for corners, keys in (([(0.2, 0.2), (0.8, 0.8)], ()), ([(0.4, 0.4), (0.6, 0.6)], ("Alt",))):
        before = page.url
        drag(page, corners, keys=keys)
        page.wait_for_url(lambda url, before=before: url != before, timeout=60_000)
        settle(page, "proposals selected")
    selection = shown[0].selections.read(parse_qs(urlsplit(page.url).query)["selection"][0])
    assert (selection.method, [g.mode for g in selection.gestures]) == ("pca", ["replace", "subtract"])
    assert sorted(ids_of_gallery(page)) == sorted(recomputed(shown, page.url))


def counts_of_legend(page) -> dict[str, str]:
    rows = page.locator(".legend li:has(.entry)")
    return {r.locator(".name").inner_text(): r.locator(".count").inner_text() for r in rows.all() if r.is_visible()}


def test_a_hidden_category_cannot_be_hovered_and_its_neighbour_in_the_legend_stays(page, address, shown):
    open_explore(page, address)
    view = open_run_view(*shown)
    sizes = np.bincount(view.cluster, minlength=5)
    assert counts_of_legend(page) == {f"cluster {k}": str(n) for k, n in enumerate(sizes)}
    page.locator(".legend .entry", has_text="cluster 2").click()
    assert page.locator(".legend .entry[aria-pressed=false] .name").all_inner_texts() == ["cluster 2"]
    draw(page, flower(size=0.45))
    words = page.locator(".readout span").inner_text()
    within = sum(view.cluster[view.row_of[name]] == 2 for name in recomputed(shown, page.url))
    assert f"({within} of them hidden)" in words
    page.locator('[data-legend="all"]').click()
    assert page.locator(".legend .entry[aria-pressed=false]").count() == 0


def test_coloured_by_distance_the_legend_is_a_scale_whose_part_can_be_shown_alone(page, address, shown):
    open_explore(page, address)
    choose(page, "colour_by", "Distance to centre")
    page.locator(".legend .scale").wait_for(timeout=60_000)
    away = open_run_view(*shown).distance.astype(float)
    ends = page.locator(".legend .ends span").all_inner_texts()
    assert [float(words) for words in (ends[0], ends[2])] == pytest.approx([away.min(), away.max()], rel=5e-3)
    assert page.locator(".legend .within").inner_text().endswith("86 shown")
    page.locator(".legend .from").fill("128")
    cut = away.min() + (away.max() - away.min()) / 2
    assert page.locator(".legend .within").inner_text().endswith(f"{(away >= cut).sum()} shown")


def test_a_browser_without_webgl_gets_plotlys_map_and_a_lasso_on_it_fills_the_gallery(page, address, shown):
    page.add_init_script(
        "const own = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        " return kind.startsWith('webgl') ? null : own.call(this, kind, ...rest) };"
    )
    page.goto(f"{address}explore")
    target = page.locator(".js-plotly-plot .nsewdrag").first
    target.wait_for(timeout=90_000)
    settle(page, "no WebGL 2")
    box = target.bounding_box()
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in flower(size=0.3)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner)
    page.mouse.up()
    page.wait_for_url("**selection=**", timeout=60_000)
    settle(page, "proposals selected")
    expected = recomputed(shown, page.url)
    assert 0 < len(expected) < 86 and sorted(ids_of_gallery(page)) == sorted(expected)


def test_recolouring_fetches_no_crop_again(page, address):
    asked: list[str] = []
    open_explore(page, address)
    page.wait_for_function(ARRIVED)
    page.wait_for_load_state("networkidle")
    page.on("request", lambda request: asked.append(request.url) if "/crops/" in request.url else None)
    choose(page, "colour_by", "Size")
    page.locator(".legend .scale").wait_for(timeout=60_000)
    page.wait_for_load_state("networkidle")
    assert asked == []
