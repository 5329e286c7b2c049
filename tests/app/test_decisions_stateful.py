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
from tests.app.cluster_rules import OPENING, PACES, WHICH, ClusterRules
from tests.app.ledger import Exclusions, Ledger, entry
from tests.app.windows import PAGES, Window, streamlit_of_windows
from tests.app.workbench_rules import WorkbenchRules
from tests.builders import copy_of


class Deciding(ClusterRules, WorkbenchRules, RuleBasedStateMachine):
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
        with self.workspace.database.writing() as connection:  # of the data set, which all of these runs share
            connection.execute("DELETE FROM exclusions")
        self.excluding = Exclusions()
        self.author: dict[int, Window] = {}
        self.windows = [self.fresh()]

    def fresh(self) -> Window:
        return Window(self.view.run.id, self.window_version)

    def window_version(self) -> int:
        return curation.decided_in(self.view).version

    def is_current(self, window: Window) -> bool:
        return window.fresh and window.seen == self.window_version()

    def teardown(self) -> None:
        """A fresh window shows every category by its name, and what is rejected."""
        if hasattr(self, "ledger"):
            window = self.fresh()
            fields = {
                int(k.removeprefix("name_").split("~")[0]): window.browser[k] for k in self.shown(window, "name_")
            }
            names = {k: self.ledger.name_of(k) for k in self.ledger.live}
            assert fields == names or len(names) > 10, (fields, names)
            assert {int(k.removeprefix("restore_")) for k in self.shown(window, "restore_")} == self.ledger.rejected

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

    # Pages, reloads, a second tab

    @rule(which=WHICH, category=st.integers(0, 5), beside=st.none() | st.integers(0, 5))
    def open_a_cluster(self, which, category, beside):
        address = {"cluster": str(category)} | ({} if beside is None else {"beside": str(beside)})
        self.window(which).go("clusters", run=self.view.run.id, **address)

    @rule(which=WHICH, pace=PACES)
    def all_clusters(self, which, pace):
        window = self.window(which)
        self.press(window, "all_clusters", pace)

    @rule(which=WHICH, page=st.sampled_from(PAGES))
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
        assert dict(decided.layout.redrawn) == self.ledger.redrawn
        assert set(decided.layout.excluded) == self.ledger.excluded
        assert set(decided.layout.erased) == self.ledger.erased
        assert (found.undoable is not None) == bool(self.ledger.done)
        assert (found.redoable is not None) == bool(self.ledger.undone)
        kept = categories.kept(decided)
        assert np.isfinite(categories.distance[categories.category >= 0]).all() and kept.sum() >= 0

    @invariant()
    def new_runs_leave_out_what_was_ticked(self):
        assert set(self.workspace.exclusions.read(self.view.run.config.dataset).images) == self.excluding.images

    @invariant()
    def a_window_shows_the_names_of_what_it_was_drawn_from(self):
        for window in self.windows:
            if self.is_current(window):
                for key in self.shown(window, "naming_name"):
                    assert window.browser[key] == self.ledger.names.get(int(window.labels[key].rpartition(" ")[2]), "")
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
    monkeypatch.setattr(opened, "_open", lambda place, run: replace(view, run=run, workspace=place))
    with streamlit_of_windows():
        yield Deciding


CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def sequences(number: int) -> settings:
    return settings(max_examples=number, stateful_step_count=14, deadline=None, suppress_health_check=CHECKS)


@pytest.mark.thorough
def test_50_sequences_leave_in_the_log_what_was_done(machine):
    run_state_machine_as_test(machine, settings=sequences(50))


@pytest.mark.slow
def test_5000_sequences_leave_in_the_log_what_was_done(machine):
    run_state_machine_as_test(machine, settings=sequences(5000))
