"""What a person does to clusters, crops, the filter and a mask: rules of a machine.

They are part of `test_decisions_stateful.Deciding`, which has the windows and the ledger.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from comus_core import curation
from tests.app.ledger import Ledger
from tests.app.windows import Window

OPENING = 20.0  # the filter that a run begins with
PACES = st.sampled_from(["shown", "shown", "shown", "unseen", "stopped"])
NAMES = st.sampled_from(["", " ", "pebble", "fish", " bark ", "cluster 0", "cluster 1"])
ANY = st.integers(0, 99)
WHICH = st.integers(0, 1)


class ClusterRules:
    """The rules."""

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
        chosen = self.picked(window, crop)
        targets = self.shown(window, "crops_to")
        if not (chosen and targets):
            return
        offered = window.options[targets[0]]
        target = offered[to % len(offered)]
        window.enter(targets[0], target)
        drawn_at = self.press(window, "crops_move", "shown")
        if drawn_at is not None:
            self.did(window, drawn_at, ("move", {"proposals": chosen, "category": target}))

    @rule(which=WHICH, crop=ANY, name=st.sampled_from(["new", " dog ", "cluster 1"]), pace=PACES)
    def create(self, which, crop, name, pace):
        window = self.window(which)
        chosen = self.picked(window, crop)
        fields = self.shown(window, "crops_new")
        if not (chosen and fields):
            return
        drawn_at = window.server[fields[0]].version
        window.enter(fields[0], name, pace)
        made = max([4, *(k for _, p in self.ledger.written for k in p.get("made", ()))]) + 1
        self.did(window, drawn_at, ("create", {"proposals": chosen, "name": name.strip(), "made": [made]}))

    @rule(which=WHICH, crop=ANY, pace=PACES)
    def exclude_or_include(self, which, crop, pace):
        window = self.window(which)
        chosen = self.picked(window, crop)
        if not (chosen and self.shown(window, "crops_exclude")):
            return
        images = list(dict.fromkeys(p.rpartition("#")[0] for p in chosen))
        there = [i for i in images if i not in curation.decided_in(self.view).layout.excluded]
        drawn_at = self.press(window, "crops_exclude", pace)
        if drawn_at is not None:
            self.did(window, drawn_at, ("exclude" if there else "include", {"images": there or images}))

    def picked(self, window: Window, crop: int) -> list[str]:
        """Pick one crop more on the page of a cluster; all that are picked then."""
        if window.page != "clusters" or "all_clusters" not in window.buttons:
            return []
        window.rerun()
        proposal = sorted(self.ledger.members)[crop % len(self.ledger.members)]
        window.picks = {"ids": [proposal], "picked": True}
        window.rerun()
        return list(window.session[f"comus.setting-picked-crops-{self.view.run.id}"])

    # Back and forth

    @rule(which=WHICH, pace=PACES)
    def undo(self, which, pace):
        self.way_back(self.window(which), "undo", pace, bool(self.ledger.done))

    @rule(which=WHICH, pace=PACES)
    def redo(self, which, pace):
        self.way_back(self.window(which), "redo", pace, bool(self.ledger.undone))

    def way_back(self, window, kind, pace, possible):
        button = f"judgement_{kind}" if window.page == "image" else f"{kind}_decision"
        drawn_at = self.press(window, button, pace)
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
        drawn_at = self.press(window, f"judgement_{verb}", pace)
        if drawn_at is None:
            return
        payload = {"proposals": [proposal]} | ({"category": -1} if verb == "reject" else {})
        refused = verb == "accept" and homeless
        self.did(window, drawn_at, *([] if refused else [("move" if verb == "reject" else verb, payload)]))

    def judged_home(self, proposal: str) -> int:
        """The category that a mask is in if it is accepted."""
        trial = Ledger(self.ledger.members)
        here = [done for done in self.ledger.done if done[0][0] not in ("exclude", "include")]
        trial.done = [*here, (("accept", {"proposals": [proposal]}), {})]
        return trial.category[proposal]
