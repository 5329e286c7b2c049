"""The map in a real browser: pointing, moving, what is shown where something is missing, and its buttons."""

from __future__ import annotations

import numpy as np
import pytest

from tests.app.map_browser import (
    Frame,
    after,
    answer,
    asked,
    box_of,
    drag,
    lonely,
    open_map,
)
from tests.app.point_map_harness.points import names, points
from tests.jobs.watching import until

pytestmark = pytest.mark.browser


def test_a_click_returns_the_point_under_the_mouse_and_hovering_shows_its_picture_without_a_rerun(page, address):
    open_map(page, address)
    index = lonely(2000)
    place, group = points(2000)
    spot = Frame(page).screen(*map(float, place[index]))
    runs = answer(page)["runs"]
    page.mouse.move(*spot)
    page.wait_for_function(
        "image => image.complete && image.naturalWidth === 132", arg=page.locator(".tooltip img").element_handle()
    )
    tooltip = page.locator(".tooltip")
    assert tooltip.locator("img").get_attribute("src").endswith(f"/2000/12/{index}")
    assert tooltip.locator("b").inner_text() == ("unassigned" if group[index] < 0 else names(12)[group[index]])
    assert answer(page)["runs"] == runs
    assert after(page, lambda: page.mouse.click(*spot))["clicked"] == index
    assert after(page, lambda: page.locator(".st-key-kind").get_by_text("side").click())["clicked"] is None


@pytest.mark.parametrize("width", [390, 1280])
def test_no_point_of_a_fitted_map_lies_under_the_buttons_at_its_top(page, address, width):
    page.set_viewport_size({"width": width, "height": 860})
    open_map(page, address)
    bars = [page.locator(f".{name}").bounding_box() for name in ("tools", "extras")]
    lowest = max(bar["y"] + bar["height"] for bar in bars)
    top = points(2000)[0][:, 1].max()
    assert Frame(page).screen(0, float(top))[1] > lowest + 2


def test_wheel_keys_and_hand_move_the_view_and_leave_the_selection_where_it_lies(page, address):
    open_map(page, address)
    first = Frame(page)
    before = answer(page)
    box = box_of(page)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, -200)
    page.keyboard.press("h")
    drag(page, [(0.5, 0.5), (0.55, 0.5), (0.6, 0.6)])
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(150)
    assert answer(page) == before  # no rerun, no change
    second = Frame(page)
    assert second.scale / first.scale == pytest.approx(np.exp(200 * 0.0016), rel=1e-3)
    centre = first.x + (box["x"] + box["width"] / 2 - first.left) / first.scale
    moved = second.screen(centre, 0)[0] - (box["x"] + box["width"] / 2)
    assert moved == pytest.approx(0.1 * box["width"] + 60, abs=1)
    page.keyboard.press("0")
    third = Frame(page)
    assert (third.scale, third.x, third.y) == pytest.approx((first.scale, first.x, first.y), rel=1e-3)


def test_the_middle_button_and_space_move_the_map_with_any_tool(page, address):
    open_map(page, address)
    first = Frame(page)
    runs = answer(page)["runs"]
    drag(page, [(0.5, 0.5), (0.6, 0.5)], button="middle")
    drag(page, [(0.5, 0.5), (0.6, 0.5)], keys=["Space"])
    assert answer(page)["runs"] == runs
    assert first.x - Frame(page).x == pytest.approx(0.2 * box_of(page)["width"] / first.scale, rel=1e-2)


def test_a_hidden_category_cannot_be_pointed_at(page, address):
    open_map(page, address)
    index = lonely(2000)
    spot = Frame(page).screen(*map(float, points(2000)[0][index]))
    page.locator("[data-legend=none]").click()
    page.mouse.move(*spot)
    page.wait_for_timeout(200)
    assert page.locator(".tooltip").is_hidden()
    page.locator("[data-legend=all]").click()
    page.mouse.move(spot[0] + 1, spot[1])
    page.wait_for_selector(".tooltip", state="visible")


def test_points_are_drawn_and_come_back_after_the_graphics_context_is_lost(page, address):
    open_map(page, address)
    picture = page.locator(".points")
    drawn = picture.screenshot()
    picture.evaluate("canvas => { window.lose = canvas.getContext('webgl2').getExtension('WEBGL_lose_context') }")
    told = """(canvas, happens) => new Promise(done => {
        canvas.addEventListener(`webglcontext${happens}`, () => setTimeout(done), {once: true});
        happens === 'lost' ? window.lose.loseContext() : window.lose.restoreContext(); })"""
    for happens in ("lost", "restored"):
        picture.evaluate(told, happens)
    until(lambda: picture.screenshot() == drawn)
    page.locator("[data-legend=none]").click()
    until(lambda: picture.screenshot() != drawn)


def test_a_browser_without_webgl_is_told_what_to_do(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(
        "const real = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest)"
        "{ return kind === 'webgl2' ? null : real.call(this, kind, ...rest); };"
    )
    page.goto(address)
    message = page.locator(".message")
    message.get_by_text("hardware acceleration").wait_for()
    assert message.is_visible()
    context.close()


def test_points_that_cannot_be_fetched_are_named_and_can_be_tried_again(page, address):
    page.goto(f"{address}?broken=1")
    page.locator(".message").get_by_text("/harness/missing/2000/12").wait_for()
    tried = asked(address)["colours"]
    page.locator("[data-action=retry]").click()
    until(lambda: asked(address)["colours"] == tried + 1)


def test_a_map_without_points_says_so(page, address):
    page.goto(f"{address}?n=0")
    page.locator(".message").get_by_text("no points").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_narrow_screen_every_button_is_inside_and_none_covers_another(browser, address, scheme):
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    open_map(page, address, groups=30)
    boxes = [b for b in (e.bounding_box() for e in page.locator(".plot .group").all()) if b]
    assert len(boxes) == 4
    for k, a in enumerate(boxes):
        assert a["x"] >= 0 and a["x"] + a["width"] <= 390
        for b in boxes[:k]:
            apart = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
            assert apart or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_every_button_has_a_name_and_can_be_reached_and_pressed_with_the_keyboard(page, address):
    open_map(page, address)
    named = "b => b.map(e => (e.ariaLabel || e.textContent).trim() && (e.title || e.textContent).trim())"
    assert all(page.locator(".map button").evaluate_all(named))
    page.locator(".plot").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("button[data-tool=box]").get_attribute("aria-pressed") == "true"
    assert page.locator("button[data-tool=lasso]").get_attribute("aria-pressed") == "false"
