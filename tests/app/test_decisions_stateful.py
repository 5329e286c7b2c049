"""Whatever two windows do in whatever order, the log holds exactly what was done in them, and the pages show it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.data import run_cache as opened
from app.data import score_data
from comus_core import curation, open_workspace
from comus_core.runs.run_view import open_run_view
from comus_core.settings import require
from tests.app.ledger import Ledger, entry
from tests.app.windows import Window, streamlit_of_windows
from tests.builders import copy_of

OPENING = 20.0  # the filter that a run begins with
PACES = st.sampled_from(["shown", "shown", "shown", "unseen", "stopped"])
NAMES = st.sampled_from(["", " ", "pebble", "fish", " bark ", "cluster 0", "cluster 1"])
ANY = st.integers(0, 99)
WHICH = st.integers(0, 1)


class Deciding(RuleBasedStateMachine):
    """Two windows at most; each rule does what a person does in one of them."""

    workspace = None
    run = None
    opened = None  # its view, of which the pages have one for each run
    numbers = count(1)

    @initialize()
    def begin(self) -> None:
        """A run of its own in the workspace: the same clusters, nothing decided but the filter it opens with."""
        run = self.workspace.runs.save(replace(self.run, id=f"{self.run.id}-{next(self.numbers)}"))
        self.view = replace(self.opened, run=run)
        self.workspace.decisions.append(run.id, run.artifacts["clustering"], "filter", percent=OPENING)
        ids = map(str, self.view.proposals.proposal_id)
        self.ledger = Ledger(dict(zip(ids, self.view.cluster.tolist(), strict=True)))
        self.author: dict[int, Window] = {}
        self.windows = [self.fresh()]

    def fresh(self) -> Window:
        return Window(self.view.run.id, self.window_version)

    def window_version(self) -> int:
        return curation.decided_in(self.view).version

    def window(self, which: int) -> Window:
        return self.windows[min(which, len(self.windows) - 1)]

    def events(self) -> list:
        return self.workspace.decisions.events(self.view.run.id, self.view.run.artifacts["clustering"])[1:]

    def did(self, window: Window, drawn_at: int, *expected, parts=None) -> bool:
        """Take what was written since the last look to the ledger, if it is what was to be expected.

        Where nobody else decided since the widget was drawn it must have been written, else it may have been refused.
        """
        new = self.events()[len(self.ledger.written) :]
        alone = all(self.author[n] is window for n in self.author if n > drawn_at)
        wrote = [entry(event) for event in new]
        assert wrote == list(expected) or (not wrote and not alone), (wrote, expected, alone)
        for event in new:
            self.author[event.id] = window
            self.ledger.write(*entry(event), parts=parts)
        return bool(wrote)

    def shown(self, window: Window, prefix: str) -> list[str]:
        return sorted(k for k in (*window.browser, *window.buttons) if k.startswith(prefix))

    def press(self, window: Window, key: str, pace: str) -> int | None:
        """Press a button if it can be; the version of the decisions when it was drawn last."""
        if key not in window.buttons:
            return None
        drawn = window.server[key]
        window.press(key, pace)
        return drawn.version if drawn.enabled else None

    # Names

    @rule(which=WHICH, field=ANY, name=NAMES, pace=PACES)
    def type_a_name(self, which, field, name, pace):
        window = self.window(which)
        fields = self.shown(window, "name_")
        if not fields:
            return
        key = fields[field % len(fields)]
        category, said_before = int(key.removeprefix("name_").split("~")[0]), window.browser[key]
        drawn_at, called = window.server[key].version, self.ledger.name_of(category)
        window.enter(key, name, pace)
        there = category in set(self.ledger.category.values()) | set(self.ledger.own_names) | set(range(5))
        edit = name.strip() and name.strip() != called and name != said_before and there and not self.merged(category)
        self.did(window, drawn_at, *([("rename", {"cluster": category, "name": name.strip()})] if edit else []))

    def merged(self, category: int) -> bool:
        return any(k == "merge" and category in p["categories"][1:] for (k, p), _ in self.ledger.done)

    @rule(which=WHICH, field=ANY, pace=PACES)
    def reset_a_name(self, which, field, pace):
        window = self.window(which)
        keys = self.shown(window, "reset_name_")
        if keys:
            key = keys[field % len(keys)]
            category = int(key.removeprefix("reset_name_"))
            named = category in self.ledger.names
            drawn_at = self.press(window, key, pace)
            self.did(window, drawn_at, *([("reset_name", {"cluster": category})] if named else []))

    # Clusters

    @rule(which=WHICH, field=ANY, pace=PACES)
    def select(self, which, field, pace):
        window = self.window(which)
        boxes = self.shown(window, "pick_")
        if boxes:
            key = boxes[field % len(boxes)]
            window.enter(key, not window.browser[key], pace)
            self.did(window, 0)

    @rule(which=WHICH)
    def select_the_confused(self, which):
        self.press(self.window(which), "select_confused", "shown")

    def selected(self, window: Window) -> list[int]:
        """The clusters that the browser shows as selected, in the order of ids; the one that is opened."""
        ticked = [int(k.removeprefix("pick_").split("~")[0]) for k in self.shown(window, "pick_") if window.browser[k]]
        return sorted(ticked or [int(k.removeprefix("name_").split("~")[0]) for k in self.shown(window, "name_")])

    @rule(which=WHICH, pace=PACES)
    def merge(self, which, pace):
        window = self.window(which)
        if window.page == "clusters" and window.fresh:
            ids = self.selected(window)
            drawn_at = self.press(window, "merge_clusters", pace)
            if drawn_at is not None:
                self.did(window, drawn_at, ("merge", {"categories": ids}))

    @rule(which=WHICH, pace=PACES)
    def reject(self, which, pace):
        window = self.window(which)
        if window.page == "clusters" and window.fresh:
            ids = self.selected(window)
            drawn_at = self.press(window, "reject_clusters", pace)
            if drawn_at is not None:
                new = self.events()[len(self.ledger.written) :]
                order = new[0].payload["categories"] if new else ids  # as they were selected
                assert sorted(order) == ids
                self.did(window, drawn_at, ("reject", {"categories": order}))

    @rule(which=WHICH, field=ANY, pace=PACES)
    def restore(self, which, field, pace):
        window = self.window(which)
        keys = self.shown(window, "restore_")
        if keys:
            category = int(keys[field % len(keys)].removeprefix("restore_"))
            out = category in self.ledger.rejected
            drawn_at = self.press(window, f"restore_{category}", pace)
            self.did(window, drawn_at, *([("restore", {"categories": [category]})] if out else []))

    @rule(which=WHICH, pace=PACES)
    def split(self, which, pace):
        window = self.window(which)
        if window.page != "clusters" or not window.fresh or "split_cluster" not in window.buttons:
            return
        [category] = self.selected(window)
        self.press(window, "split_cluster", "shown")
        if "confirm_split" not in window.buttons:
            return
        inside = sorted(p for p, k in self.ledger.category.items() if k == category)
        drawn_at = self.press(window, "confirm_split", pace)
        new = self.events()[len(self.ledger.written) :]
        made = max([4, *(k for _, p in self.ledger.written for k in p.get("made", ()))]) + 1
        payload = {"category": category, "made": [made], "parts": 2}
        parts = {p: category if n % 2 == 0 else made for n, p in enumerate(inside)}
        self.did(window, drawn_at, ("split", payload), parts=parts if new else None)

    @rule(which=WHICH, crop=ANY, to=ANY)
    def move(self, which, crop, to):
        window = self.window(which)
        if window.page != "clusters" or "all_clusters" not in window.buttons:
            return
        window.rerun()
        targets = self.shown(window, "move_to")
        if not targets:
            return
        proposal = sorted(self.ledger.members)[crop % len(self.ledger.members)]
        offered = window.options[targets[0]]
        target = offered[to % len(offered)]
        window.enter(targets[0], target)
        window.picks = {"ids": [proposal], "picked": True}
        window.rerun()
        drawn_at = self.press(window, "move_crops", "shown")
        if drawn_at is not None:
            self.did(window, drawn_at, ("move", {"proposals": [proposal], "category": target}))

    # Back and forth

    @rule(which=WHICH, pace=PACES)
    def undo(self, which, pace):
        self.way_back(self.window(which), "undo", pace, bool(self.ledger.done))

    @rule(which=WHICH, pace=PACES)
    def redo(self, which, pace):
        self.way_back(self.window(which), "redo", pace, bool(self.ledger.undone))

    def way_back(self, window, kind, pace, possible):
        name = "judgement" if window.page == "image" else "decision"
        drawn_at = self.press(window, f"{kind}_{name}", pace)
        if drawn_at is not None:
            self.did(window, drawn_at, *([(kind, {})] if possible else []))

    # The filter, and masks

    @rule(which=WHICH, percent=st.sampled_from([0.0, 20.0, 35.0, 70.0]))
    def filter(self, which, percent):
        window = self.window(which)
        window.go("filter", run=self.view.run.id)
        [slider] = self.shown(window, "filter_slider_")
        window.enter(slider, percent)
        drawn_at = self.press(window, "apply_filter", "shown")
        if drawn_at is not None:
            self.did(window, drawn_at, ("filter", {"percent": percent}))

    @rule(which=WHICH, crop=ANY, verb=st.sampled_from(["accept", "erase", "reject"]), pace=PACES)
    def judge(self, which, crop, verb, pace):
        window = self.window(which)
        proposal = sorted(self.ledger.members)[crop % len(self.ledger.members)]
        window.go("image", run=self.view.run.id, proposal=proposal)
        homeless = self.judged_home(proposal) in (-1, *self.ledger.rejected)
        drawn_at = self.press(window, f"{verb}_mask", pace)
        if drawn_at is None:
            return
        payload = {"proposals": [proposal]} | ({"category": -1} if verb == "reject" else {})
        refused = verb == "accept" and homeless
        self.did(window, drawn_at, *([] if refused else [("move" if verb == "reject" else verb, payload)]))

    def judged_home(self, proposal: str) -> int:
        """The category that a mask is in if it is accepted."""
        trial = Ledger(self.ledger.members)
        trial.done = [*self.ledger.done, (("accept", {"proposals": [proposal]}), {})]
        return trial.category[proposal]

    # Pages, reloads, a second tab

    @rule(which=WHICH, category=st.integers(0, 5), beside=st.none() | st.integers(0, 5))
    def open_a_cluster(self, which, category, beside):
        address = {"cluster": str(category)} | ({} if beside is None else {"beside": str(beside)})
        self.window(which).go("clusters", run=self.view.run.id, **address)

    @rule(which=WHICH, pace=PACES)
    def all_clusters(self, which, pace):
        window = self.window(which)
        self.press(window, "all_clusters", pace)

    @rule(which=WHICH, page=st.sampled_from(["clusters", "filter", "image"]))
    def change_the_page(self, which, page):
        self.window(which).go(page, run=self.view.run.id)

    @rule(which=WHICH)
    def reload(self, which):
        self.window(which).reload()

    @rule(which=WHICH, pace=PACES)
    def look_again(self, which, pace):
        self.window(which).rerun(pace)

    @precondition(lambda self: len(self.windows) == 1)
    @rule()
    def open_a_second_tab(self):
        self.windows.append(self.fresh())

    # What holds at all times

    @invariant()
    def the_log_holds_what_was_done_and_nothing_else(self):
        assert [entry(event) for event in self.events()] == self.ledger.written

    @invariant()
    def it_amounts_to_what_the_list_says(self):
        found = curation.history(self.view)
        decided = found.state
        assert decided.names == self.ledger.names
        assert {k: decided.name_of(k) for k in decided.layout.made} == {
            k: self.ledger.name_of(k) for k in self.ledger.own_names
        }
        assert decided.layout.rejected == self.ledger.rejected
        percent = self.ledger.percent if any(e[0] == "filter" for e, _ in self.ledger.done) else OPENING
        assert decided.filter_percent == percent
        categories = self.view.categories(decided)
        assert categories.id_of.tolist() == list(self.ledger.category.values())
        assert (found.undoable is not None) == bool(self.ledger.done)
        assert (found.redoable is not None) == bool(self.ledger.undone)
        kept = categories.kept(decided)
        assert np.isfinite(categories.distance[categories.category >= 0]).all() and kept.sum() >= 0

    @invariant()
    def a_window_shows_the_names_of_what_it_was_drawn_from(self):
        for window in self.windows:
            if window.fresh and window.seen == self.window_version():
                for key in self.shown(window, "name_"):
                    category = int(key.removeprefix("name_").split("~")[0])
                    assert window.browser[key] == self.ledger.name_of(category)


def halves(view, decided, category, parts, tries):
    """A split that takes no clustering: every other proposal, by id."""
    rows = np.flatnonzero(view.categories(decided).id_of == category)
    require(len(rows) >= 2, f"category {category} has too few proposals")
    order = np.argsort(np.argsort(view.proposals.proposal_id[rows]))
    part, distance = (order % 2).astype(np.int32), np.linspace(0, 1, len(rows), dtype=np.float32)
    return curation.Split(category, rows, part, distance, 2)


@pytest.fixture
def machine(shown, tmp_path, monkeypatch):
    """The machine over a copy of the finished run, in the one process of tests."""
    workspace, run = copy_of(shown, tmp_path)
    monkeypatch.setenv("COMUS_WORKSPACE", str(workspace.root))
    monkeypatch.setattr(score_data, "proposed_split", halves)
    monkeypatch.setattr(Deciding, "workspace", open_workspace(workspace.root))
    monkeypatch.setattr(Deciding, "run", run)
    monkeypatch.setattr(Deciding, "opened", view := open_run_view(workspace, run))
    monkeypatch.setattr(opened, "_open", lambda place, run: replace(view, run=run))
    with streamlit_of_windows():
        yield Deciding


CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def sequences(number: int) -> settings:
    return settings(max_examples=number, stateful_step_count=14, deadline=None, suppress_health_check=CHECKS)


def test_200_sequences_leave_in_the_log_what_was_done(machine):
    run_state_machine_as_test(machine, settings=sequences(200))


@pytest.mark.slow
def test_5000_sequences_leave_in_the_log_what_was_done(machine):
    run_state_machine_as_test(machine, settings=sequences(5000))
