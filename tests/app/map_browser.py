"""What the browser tests of the map do with a page: wait, draw, read what came back, recompute it."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
import urllib.request

import numpy as np

from tests.app.point_map_harness.points import points

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "/usr/bin/chromium")
CHROMIUM_ARGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
CHROMIUM_ARGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
# What turns and fades is drawn by the processor, sixty times a second: half of all that a test would cost.
CHROMIUM_ARGS += ["--disable-gpu-compositing", "--force-prefers-reduced-motion"]
READY = "[data-testid=stApp][data-test-connection-state=CONNECTED][data-test-script-state=notRunning]"


def open_map(page, address, **query) -> dict:
    """Go to the harness and wait until its map is drawn; the answer of the first run."""
    page.goto(address + "?" + "&".join(f"{k}={v}" for k, v in query.items()))
    page.wait_for_selector(READY, timeout=60_000)
    page.wait_for_selector(".map[data-state=ready]", timeout=60_000)
    return answer(page)


def answer(page, /, **expected) -> dict:
    """The JSON that the page shows, once the script rests and it holds what is expected."""
    deadline = time.monotonic() + 60
    while True:
        page.wait_for_selector(READY, timeout=60_000)
        found = json.loads(page.locator(".st-key-answer code").inner_text())
        if all(check(found[k]) if callable(check) else found[k] == check for k, check in expected.items()):
            return found
        assert time.monotonic() < deadline, f"expected {expected}, the page shows {found}"
        page.wait_for_timeout(50)


def asked(address) -> dict:
    """How often each route of the harness was asked."""
    return json.load(urllib.request.urlopen(f"{address}harness/asked"))


def readout(page) -> str:
    return page.locator(".readout span").inner_text()


def after(page, do) -> dict:
    """The answer of the run that `do` sets off."""
    before = answer(page)["runs"]
    do()
    return answer(page, runs=lambda runs: runs > before)


def box_of(page) -> dict:
    return page.locator(".plot").bounding_box()


def drag(page, path, keys=(), button="left") -> None:
    """Press, move along `path` (fractions of the plot's width and height) and let go, with keys held."""
    box = box_of(page)
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    for key in keys:
        page.keyboard.down(key)
    page.mouse.move(*corners[0])
    page.mouse.down(button=button)
    for corner in corners[1:]:
        page.mouse.move(*corner)
    page.mouse.up(button=button)
    for key in keys:
        page.keyboard.up(key)


def flower(x=0.5, y=0.45, size=0.22, steps=24) -> list[tuple[float, float]]:
    """A wavy closed path around a place of the plot."""
    turns = [2 * math.pi * k / steps for k in range(steps)]
    return [
        (x + size * 0.7 * r * math.cos(t), y + size * r * math.sin(t))
        for t in turns
        for r in [1 + 0.25 * math.sin(5 * t)]
    ]


def inside(place, polygon) -> np.ndarray:
    """Even-odd membership by winding of crossings' x, edge by edge over all points: not the way the core does it."""
    x, y = place.astype(np.float64).T
    crossings = np.zeros(len(x), int)
    for (ax, ay), (bx, by) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        spans = (ay <= y) != (by <= y)
        with np.errstate(divide="ignore", invalid="ignore"):
            crossings += spans & (ax + (y - ay) * (bx - ax) / (by - ay) > x)
    return crossings % 2 == 1


def digest(chosen) -> str:
    return hashlib.sha256(np.asarray(chosen, bool).tobytes()).hexdigest()


class Frame:
    """Where data lie on the screen, measured by drawing a box: the corners that come back against those drawn."""

    def __init__(self, page):
        page.locator("button[data-tool=box]").click()
        drawn = after(page, lambda: drag(page, [(0.3, 0.3), (0.7, 0.8)]))["gestures"][-1]["polygon"]
        box = box_of(page)
        (x0, y0), (x1, y1) = drawn[0], drawn[2]
        self.left, self.top = box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"]
        self.x, self.y = x0, y0
        self.scale = 0.4 * box["width"] / (x1 - x0)
        self.scale_up = 0.5 * box["height"] / (y0 - y1)

    def screen(self, x, y) -> tuple[float, float]:
        return self.left + (x - self.x) * self.scale, self.top - (y - self.y) * self.scale


def lonely(n) -> int:
    """The index of the point whose nearest neighbour is farthest, so that the mouse can mean no other."""
    place, _ = points(n)
    away = np.linalg.norm(place[:, None] - place[None], axis=2) + np.diag(np.full(n, np.inf))
    return int(away.min(axis=1).argmax())
