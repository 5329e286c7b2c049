"""A walk of random actions through the real app in Chromium, and the ledger of what was done on it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlsplit

from app.components.shared.navigation import PAGES
from comus_core import Workspace, curation, open_workspace
from comus_core.runs.run_view import RunView
from comus_core.workspace.decisions import Event
from tests.app.ledger import Entry, Ledger, entry
from tests.app.serving import PATIENCE, await_answer, settle

LISTED = {name: page.title for name, page in PAGES.items() if not page.hidden}
OF_THE_RUN = [name for name, page in PAGES.items() if page.about_run]
FAULTS = "[data-testid=stException], [data-testid=stAlertContentError]"
REFUSED = "in the meantime"  # said of a decision that conflicts with one of another window
NO_SERVER = re.compile(r"WebSocket|ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_NETWORK|Failed to fetch|Network Error")
OPENING = 20.0  # the filter that every run begins with
COUNT_RUNS = """
window.runsEnded = 0
new MutationObserver((changes) => {
  for (const change of changes)
    if (change.oldValue === "running" && change.target.dataset.testScriptState !== "running") window.runsEnded += 1
}).observe(document, { subtree: true, attributeFilter: ["data-test-script-state"], attributeOldValue: true })
"""


class Server:
    """`comus app` over a workspace on one port, which can be killed and started again."""

    def __init__(self, workspace: Path, place: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.workspace, self.place, self.url = workspace, place, f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        """Start it; returns when it answers."""
        command = [sys.executable, "-m", "comus_core", "app", "--workspace", str(self.workspace), "--no-browser"]
        log = self.place / f"server-{self.port}.log"
        with log.open("a") as output:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)], cwd=self.place, env=os.environ, stdout=output, stderr=output
            )
        await_answer(f"{self.url}api/ready", self.process, log)

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self.process.kill()
        self.process.wait(60)


class Tab:
    """A tab of the browser, and the version of the decisions that it certainly shows."""

    def __init__(self, context, url: str, run: str) -> None:
        self.page, self.url, self.run, self.seen, self.entries = context.new_page(), url, run, -1, 0

    def __getattr__(self, name: str):
        return getattr(self.page, name)

    @property
    def at(self) -> str:
        """The name of the page."""
        return urlsplit(self.page.url).path.strip("/")

    def parameter(self, name: str) -> str:
        return parse_qs(urlsplit(self.page.url).query).get(name, [""])[0]

    def open(self, name: str, **parameters: str) -> None:
        """Load an address."""
        query = "&".join(f"{k}={v}" for k, v in {"run": self.run, **parameters}.items())
        self.page.goto(f"{self.url}{name}?{query}")
        self.shown()

    def shown(self) -> None:
        """Wait until the page rests, and check that it shows no error."""
        settle(self.page)
        faults = self.page.locator(FAULTS).filter(visible=True)
        assert not faults.count(), f"{self.page.url} shows: {faults.all_inner_texts()}"

    def after(self, deed: Callable[[], object]) -> None:
        """Do something that runs the script, and wait for the end of that run."""
        before = self.page.evaluate("window.runsEnded")
        deed()
        self.page.wait_for_function("n => window.runsEnded !== n", arg=before, timeout=PATIENCE)
        self.shown()

    def leave_field(self) -> None:
        """Take the keyboard out of a field that holds nothing new."""
        self.page.evaluate("document.activeElement.blur()")


class Walk:
    """One run of its own, the tabs that look at it, and what was done on it.

    Attributes:
        random: all that is by chance, from the seed alone.
        trail: what was done, for the report of a failure.
    """

    def __init__(self, seed: int, browser, server: Server, opened: RunView) -> None:
        self.random, self.server, self.trail = Random(seed), server, [f"seed {seed}"]
        run = opened.workspace.runs.save(replace(opened.run, id=f"{opened.run.id}-walk-{seed}"))
        opened.workspace.decisions.append(run.id, run.artifacts["clustering"], "filter", percent=OPENING)
        self.view = replace(opened, run=run)
        ids = map(str, self.view.proposals.proposal_id)
        self.ledger = Ledger(dict(zip(ids, self.view.cluster.tolist(), strict=True)))
        self.errors: list[str] = []
        self.served, self.restarted = True, False
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(COUNT_RUNS)
        self.tabs: list[Tab] = []
        self.open_tab()

    def open_tab(self) -> Tab:
        tab = Tab(self.context, self.server.url, self.view.run.id)
        tab.page.on("console", lambda message: self._error(message.text) if message.type == "error" else None)
        tab.page.on("pageerror", lambda error: self._error(str(error)))
        self.tabs.append(tab)
        tab.open("clusters")
        tab.seen = self.version
        return tab

    def _error(self, words: str) -> None:
        if self.served or not NO_SERVER.search(words):
            self.errors.append(words)

    @property
    def live(self) -> list[int]:
        """Ids of the categories in use."""
        return sorted(self.ledger.live)

    @property
    def version(self) -> int:
        return curation.decided_in(self.view).version

    def events(self) -> list[Event]:
        """All of the log but the filter that it opens with."""
        return self.view.workspace.decisions.events(self.view.run.id, self.view.run.artifacts["clustering"])[1:]

    def say(self, words: str) -> None:
        self.trail.append(words)

    def decide(self, tab: Tab, *expected: Entry, by: Callable[[], object] | None) -> bool:
        """Do what must write these entries to the log, and nothing else; whether it did.

        Where another tab decided since this one was drawn, it may be refused instead, with a notice that says so.
        Without `by` it was done before.
        """
        stale = tab.seen != self.version
        before = len(self.ledger.written)
        tab.evaluate("document.querySelectorAll('[data-testid=stToast]').forEach(e => { e.dataset.old = '' })")
        refusals = tab.locator("[data-testid=stToast]:not([data-old])").filter(has_text=REFUSED)
        ended = tab.evaluate("window.runsEnded")
        if by is not None:
            by()
        end = time.monotonic() + PATIENCE / 1000
        while len(new := self.events()[before:]) < len(expected):
            if stale and refusals.count():
                break
            assert time.monotonic() < end, f"expected {expected}, the log has {[entry(e) for e in new]} of it"
            tab.wait_for_timeout(50)
        wrote = [entry(event) for event in new]
        refused = stale and not wrote
        assert refused or wrote == list(expected), (wrote, expected)
        for kind, payload in wrote:
            self.ledger.write(kind, payload)
        if expected and by is not None:
            tab.wait_for_function("n => window.runsEnded !== n", arg=ended, timeout=PATIENCE)
        tab.shown()
        if not stale:
            tab.seen = self.version
        return not refused

    def freshen(self, tab: Tab) -> None:
        """Let a tab see what another decided."""
        if tab.seen != self.version:
            tab.reload()
            tab.shown()
            tab.seen = self.version

    def restart(self) -> None:
        """Kill the server, and start it again on its port; the tabs find it by themselves."""
        self.served = False
        self.server.kill()
        for tab in self.tabs:
            tab.wait_for_selector("[data-testid=stApp]:not([data-test-connection-state=CONNECTED])")
        self.server.start()
        for tab in self.tabs:
            tab.shown()
        self.served = True

    def check(self) -> None:
        """The log is what was done, and amounts to it, as another process reads it."""
        place: Workspace = open_workspace(self.view.workspace.root)
        view = replace(self.view, workspace=place)
        events = place.decisions.events(view.run.id, view.run.artifacts["clustering"])[1:]
        assert [entry(event) for event in events] == self.ledger.written
        decided = place.decisions_of(view.run)
        assert decided.names == self.ledger.names
        assert decided.layout.rejected == self.ledger.rejected
        assert set(decided.layout.excluded) == self.ledger.excluded
        assert view.categories(decided).id_of.tolist() == list(self.ledger.category.values())
        filters = [p["percent"] for (kind, p), _ in self.ledger.done if kind == "filter"]
        assert decided.filter_percent == [OPENING, *filters][-1]

    def check_pages(self, names: list[str]) -> None:
        """Each page opens without an error, and a fresh one shows every category by its name."""
        for tab in self.tabs[1:]:
            tab.close()
        tab = self.tabs[0]
        for name in names:
            tab.open(name)
            tab.locator("[data-testid=stMainBlockContainer] h1, [data-testid=stMainBlockContainer] h2").first.wait_for()
        tab.evaluate("sessionStorage.clear()")  # of names that were typed and refused
        tab.open("clusters")
        fields = tab.locator("[class*='st-key-card_'] input[aria-label^='Name of cluster']")
        shown = fields.evaluate_all("all => all.map(e => [Number(e.ariaLabel.split(' ').at(-1)), e.value])")
        assert sorted(shown) == [[k, self.ledger.name_of(k)] for k in self.live][: len(shown)] or len(self.live) > 10
        assert len(shown) == min(len(self.live), 10)
        assert self.errors == [], self.errors

    def close(self) -> None:
        self.context.close()
