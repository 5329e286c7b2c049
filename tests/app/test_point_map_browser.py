"""The map in a real browser: what is drawn comes back, exactly, and stays; nothing large is sent."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from tests.app.map_browser import (
    Frame,
    after,
    answer,
    box_of,
    digest,
    drag,
    flower,
    inside,
    lonely,
    open_map,
)
from tests.app.point_map_harness.points import names, points

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"server.port": port, "server.address": "127.0.0.1", "server.headless": "true"}
    options |= {"server.fileWatcherType": "none", "browser.gatherUsageStats": "false"}
    command = [sys.executable, "-m", "streamlit", "run", str(Path(__file__).parent / "point_map_harness" / "serve.py")]
    command += [f"--{name}={value}" for name, value in options.items()]
    log = (tmp_path_factory.mktemp("harness") / "log").open("w")
    server = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(10)


def wait_for(url, server) -> None:
    for _ in range(150):
        assert server.poll() is None, "the harness did not start"
        try:
            urllib.request.urlopen(url, timeout=1)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"{url} does not answer")


@pytest.fixture
def page(browser):
    """A fresh page that may not log an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def asked(address) -> dict:
    return json.load(urllib.request.urlopen(f"{address}harness/asked"))


def readout(page) -> str:
    return page.locator(".readout span").inner_text()


def test_a_lasso_chooses_exactly_the_points_inside_the_polygon_that_comes_back(page, address):
    open_map(page, address)
    found = after(page, lambda: drag(page, flower()))
    place, _ = points(2000)
    expected = inside(place, found["gestures"][0]["polygon"])
    assert 0.05 < expected.mean() < 0.95
    assert found["count"] == expected.sum()
    assert found["digest"] == digest(expected)
    assert readout(page) == f"{expected.sum():,} of 2,000 selected"  # the browser's own computation


def test_the_polygon_that_comes_back_is_the_line_that_the_mouse_drew(page, address):
    open_map(page, address)
    frame = Frame(page)
    assert frame.scale == pytest.approx(frame.scale_up, rel=1e-3)  # one scale for both axes, y upwards
    page.keyboard.press("l")
    path = flower(steps=50)
    polygon = after(page, lambda: drag(page, path))["gestures"][0]["polygon"]
    box = box_of(page)
    line = np.array([(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path])
    corners = np.array([frame.screen(x, y) for x, y in polygon])
    assert np.linalg.norm(corners[:, None] - line[None], axis=2).min(axis=1).max() < 0.6  # pixels
    assert len(corners) > 20


def test_shift_adds_and_alt_subtracts(page, address):
    open_map(page, address)
    place, _ = points(2000)
    first = after(page, lambda: drag(page, flower(0.45, 0.4)))
    added = after(page, lambda: drag(page, flower(0.55, 0.7), keys=["Shift"]))
    cut = after(page, lambda: drag(page, flower(0.48, 0.5, 0.12), keys=["Alt"]))
    one, two, three = (inside(place, gesture["polygon"]) for gesture in cut["gestures"])
    assert first["digest"] == digest(one)
    assert added["digest"] == digest(one | two) != first["digest"]
    assert cut["digest"] == digest((one | two) & ~three) != added["digest"]
    assert readout(page).startswith(f"{cut['count']:,} of")


def test_the_buttons_add_and_subtract_without_a_keyboard(page, address):
    open_map(page, address)
    after(page, lambda: drag(page, flower(0.45, 0.4)))
    page.locator("button[data-mode=add]").click()
    found = after(page, lambda: drag(page, flower(0.55, 0.7)))
    assert [gesture["mode"] for gesture in found["gestures"]] == ["replace", "add"]


def test_the_selection_survives_recolouring_another_page_and_a_reload(page, address):
    open_map(page, address)
    drawn = after(page, lambda: drag(page, flower()))
    before = asked(address)
    page.locator(".st-key-kind").get_by_text("side").click()
    recoloured = answer(page, kind="side")
    page.locator(".legend li").get_by_text("right side").wait_for()
    now = asked(address)
    assert (now["points"], now["colours"]) == (before["points"], before["colours"] + 1)  # only the small buffer
    page.locator(".st-key-page").get_by_text("Other").click()
    answer(page, page="Other")
    page.locator(".st-key-page").get_by_text("Map").click()
    returned = answer(page, page="Map")
    page.wait_for_selector(".map[data-state=ready]")
    assert readout(page).startswith(f"{drawn['count']:,} of 2,000 selected")
    page.reload()
    page.wait_for_selector(".map[data-state=ready]")
    reloaded = answer(page)
    assert readout(page).startswith(f"{drawn['count']:,} of 2,000 selected")
    assert {drawn["digest"]} == {state["digest"] for state in (recoloured, returned, reloaded)}


def test_escape_and_the_page_itself_clear_the_selection(page, address):
    open_map(page, address)
    after(page, lambda: drag(page, flower()))
    assert after(page, lambda: page.keyboard.press("Escape"))["count"] == 0
    assert readout(page) == "2,000 points"
    after(page, lambda: drag(page, flower()))
    assert readout(page) != "2,000 points"
    assert after(page, lambda: page.locator(".st-key-clear button").click())["gestures"] == []
    assert readout(page) == "2,000 points"


def test_gestures_made_faster_than_the_page_answers_are_all_kept(page, address):
    open_map(page, address)
    for k in range(4):
        drag(page, flower(0.35 + 0.08 * k, 0.4, 0.08), keys=["Shift"])
    found = answer(page, gestures=lambda gestures: len(gestures) == 4)
    assert readout(page).startswith(f"{found['count']:,} of")


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


def test_the_legend_counts_searches_hides_and_tells_what_is_hidden_in_the_selection(page, address):
    open_map(page, address, groups=30)
    _, group = points(2000, 30)
    rows = page.locator(".legend li:visible")
    counts = [int(text.replace(",", "")) for text in page.locator(".legend .count").all_inner_texts()]
    assert counts == [*np.bincount(group[group >= 0], minlength=30), (group < 0).sum()]
    page.locator(".legend input[type=search]").fill("CAT")
    cats = [k for k, name in enumerate(names(30)) if "cat" in name]
    assert rows.locator(".name").all_inner_texts() == [names(30)[k] for k in cats]
    assert rows.locator(".count").all_inner_texts() == [str(counts[k]) for k in cats]
    page.locator(".legend input[type=search]").fill("")
    runs = answer(page)["runs"]
    page.locator(".legend .entry").nth(3).click()
    assert page.locator(".legend .entry").nth(3).get_attribute("aria-pressed") == "false"
    assert answer(page)["runs"] == runs
    found = after(page, lambda: drag(page, [(0.02, 0.1), (0.98, 0.1), (0.98, 0.99), (0.02, 0.99)]))
    assert found["count"] == 2000
    assert readout(page) == f"2,000 of 2,000 selected ({counts[3]} of them hidden)"


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


def test_a_hundred_thousand_points_send_little_and_answer_fast(page, address, record_property):
    sent: list[int] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(len(frame))))
    start = time.perf_counter()
    open_map(page, address, n=100_000, groups=80)
    record_property("seconds until the map is ready", round(time.perf_counter() - start, 2))
    place, _ = points(100_000, 80)
    sent.clear()
    before = answer(page)["runs"]
    drag(page, flower())
    start = time.perf_counter()
    found = answer(page, runs=lambda runs: runs > before)
    seconds = time.perf_counter() - start
    expected = inside(place, found["gestures"][0]["polygon"])
    assert 0.05 < expected.mean() < 0.95
    assert found["digest"] == digest(expected)
    assert 0 < sum(sent) < 50_000
    assert seconds < 2
    record_property("bytes sent", sum(sent))
    record_property("seconds from lasso to answer", round(seconds, 3))
    print(f"\n100,000 points: {sum(sent)} bytes sent, {seconds:.2f} s from lasso to answer")


def test_points_are_drawn_and_come_back_after_the_graphics_context_is_lost(page, address):
    open_map(page, address)
    picture = page.locator(".points")
    drawn = picture.screenshot()
    gone = """canvas => { window.lose = canvas.getContext('webgl2').getExtension('WEBGL_lose_context');
        window.lose.loseContext(); }"""
    picture.evaluate(gone)
    page.wait_for_timeout(300)
    picture.evaluate("() => window.lose.restoreContext()")
    page.wait_for_timeout(700)
    assert picture.screenshot() == drawn
    page.locator("[data-legend=none]").click()
    page.wait_for_timeout(300)
    assert picture.screenshot() != drawn


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
    page.wait_for_timeout(500)
    assert asked(address)["colours"] == tried + 1


def test_a_map_without_points_says_so(page, address):
    page.goto(f"{address}?n=0")
    page.locator(".message").get_by_text("nothing to show").wait_for()


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
