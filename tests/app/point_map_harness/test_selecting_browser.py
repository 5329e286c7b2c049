"""Drawing on the map in a real browser: what is drawn comes back, exactly, and stays; nothing large is sent."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.app.map_browser import (
    Frame,
    after,
    answer,
    asked,
    box_of,
    digest,
    drag,
    flower,
    inside,
    open_map,
    readout,
)
from tests.app.point_map_harness.points import names, points

pytestmark = pytest.mark.browser


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
