"""How long a person who names clusters waits from Enter until the next cluster can be named."""

from __future__ import annotations

import time

from playwright.sync_api import Page

from benchmarks.browsing import PATIENCE, Server, rest
from comus_core.workspace import Run

NEXT = """label => { const field = document.activeElement
  const title = document.querySelector(".comus-naming-title h2")?.textContent ?? ""
  return field.ariaLabel !== label && field.ariaLabel?.startsWith("Name of") && !field.readOnly
    && title.endsWith(field.ariaLabel.slice("Name of ".length)) }"""
LABEL = "() => document.activeElement.ariaLabel"


def named(page: Page, server: Server, run: Run, times: int) -> list[float]:
    """Seconds from each Enter until the field of the next cluster has the keyboard, without a mouse."""
    page.goto(f"{server.url}name?run={run.id}")
    page.wait_for_function(NEXT, arg="", timeout=PATIENCE)
    rest(page)
    waits = []
    for number in range(times):
        label = page.evaluate(LABEL)
        page.keyboard.type(f"name {number}")
        start = time.perf_counter()
        page.keyboard.press("Enter")
        page.wait_for_function(NEXT, arg=label, timeout=PATIENCE)
        waits.append(time.perf_counter() - start)
    return waits
