"""What a person does on the newer pages and to a mask: rules of a machine.

They are part of `test_decisions_stateful.Deciding`, which has the windows and the ledger.
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import rule
from pycocotools import mask as coco_mask

from app.data import run_cache
from comus_core.proposals.mask_edits import to_runs
from tests.app.cluster_rules import ANY, PACES, WHICH

NAMES = st.sampled_from(["", " ", "pebble", "Pebble", "fish", " bark ", "cluster 0", "cluster 1"])
IN_FILE = st.sampled_from(["fish", "heron", "cluster 0"])
VERBS = st.sampled_from(["move", "create", "accept", "reject", "erase", "put_back", "exclude"])


class WorkbenchRules:
    """The rules."""

    # Name clusters

    @rule(which=WHICH, cluster=st.none() | st.integers(0, 6))
    def open_the_page_for_names(self, which, cluster):
        self.window(which).go("name", run=self.view.run.id, **({} if cluster is None else {"cluster": str(cluster)}))

    @rule(which=WHICH, name=NAMES, pace=PACES)
    def name_the_open_cluster(self, which, name, pace):
        window = self.window(which)
        for key in self.shown(window, "naming_name"):
            cluster, said_before = int(window.labels[key].rpartition(" ")[2]), window.browser[key]
            drawn_at, called = window.server[key].version, self.ledger.name_of(cluster)
            window.enter(key, name, pace)
            edit = name.strip() and name.strip() != called and name != said_before and not self.merged(cluster)
            self.did(window, drawn_at, *([("rename", {"cluster": cluster, "name": name.strip()})] if edit else []))

    @rule(which=WHICH, way=st.sampled_from(["previous", "next", "next_unnamed"]), pace=PACES)
    def go_on_naming(self, which, way, pace):
        window = self.window(which)
        for key in self.shown(window, f"naming_{way}-of-"):
            self.press(window, key, pace)

    @rule(which=WHICH, pace=PACES)
    def reject_while_naming(self, which, pace):
        window = self.window(which)
        for key in self.shown(window, "naming_reject-of-"):
            cluster = int(key.rpartition("-")[2])
            live = cluster not in self.ledger.rejected and not self.merged(cluster)
            drawn_at = self.press(window, key, pace)
            self.did(window, drawn_at, *([("reject", {"categories": [cluster]})] if live else []))

    @rule(which=WHICH, pace=PACES)
    def merge_while_naming(self, which, pace):
        window = self.window(which)
        for key in self.shown(window, "naming_merge-of-") if window.fresh and self.is_current(window) else ():
            cluster, names = int(key.rpartition("-")[2]), self.ledger.names
            alike = [k for k in self.ledger.live if names.get(k, "").casefold() == names[cluster].casefold()]
            drawn_at = self.press(window, key, pace)
            self.did(window, drawn_at, ("merge", {"categories": sorted(alike)}))

    @rule(which=WHICH, kind=st.sampled_from(["undo", "undo", "redo"]), pace=PACES)
    def go_back_while_naming(self, which, kind, pace):
        window = self.window(which)
        possible = bool(self.ledger.done if kind == "undo" else self.ledger.undone)
        for key in self.shown(window, f"naming_{kind}-of-"):
            drawn_at = self.press(window, key, pace)
            if drawn_at is not None:
                self.did(window, drawn_at, *([(kind, {})] if possible else []))

    @rule(
        which=WHICH,
        rows=st.dictionaries(st.integers(0, 6), st.sampled_from(["fish", "heron", "cluster 0"]), min_size=1),
    )
    def import_names(self, which, rows):
        window = self.window(which)
        window.go("name", run=self.view.run.id)
        uploaders = [key for key in window.uploads if key.startswith("naming_upload_")]
        if not uploaders:  # every cluster is rejected
            return
        key = max(uploaders, key=lambda name: int(name.rpartition("_")[2]))
        window.uploads[key] = BytesIO("\n".join(["id,name", *(f"{k},{name}" for k, name in rows.items())]).encode())
        window.rerun()
        ledger, expected = self.ledger, []
        for k, name in rows.items():
            own = ledger.own_names.get(k, f"cluster {k}")
            if name != ledger.name_of(k):
                reset = ("reset_name", {"cluster": k})
                expected.append(reset if name == own else ("rename", {"cluster": k, "name": name}))
        drawn_at = self.press(window, "naming_import", "shown")
        if drawn_at is not None:
            self.did(window, drawn_at, *expected)
        else:
            known = set(range(5)) | set(ledger.own_names)
            assert not expected or any(k not in known or self.merged(k) for k in rows)
        window.uploads[key] = None

    # Image grid, More like these

    @rule(which=WHICH, places=st.sets(st.integers(0, 89), min_size=1, max_size=3), verb=VERBS, to=ANY, pace=PACES)
    def act_on_images(self, which, places, verb, to, pace):
        window = self.window(which)
        window.go("photos", run=self.view.run.id)
        window.send("image_grid", ".".join(map(str, sorted(places))))
        images = [str(self.view.image_ids[place]) for place in sorted(places)]
        chosen = [p for p in self.ledger.members if p.rpartition("#")[0] in images]
        self.act_on(window, "photos", chosen, images, verb, to, pace)

    @rule(which=WHICH, one=ANY, number=st.integers(0, 4), verb=VERBS, to=ANY, pace=PACES)
    def act_on_similar_ones(self, which, one, number, verb, to, pace):
        window, ids = self.window(which), list(self.ledger.members)
        like = ids[one % len(ids)]
        window.go("similar", run=self.view.run.id, like=like, threshold="1")
        [field] = self.shown(window, "similar_number")
        window.enter(field, number)
        file = np.load(self.view.run.config.features.encoder.removeprefix("file:"))
        vectors = dict(zip(file["proposal_id"], file["features"].astype(float), strict=True))
        unit = {p: vectors[p] / np.linalg.norm(vectors[p]) for p in ids}
        gone = self.ledger.erased | {p for p in ids if p.rpartition("#")[0] in self.ledger.excluded}
        ranked = sorted(
            (p for p in ids if p != like and p not in gone), key=lambda p: (-round(unit[p] @ unit[like], 6), p)
        )
        chosen = [like, *ranked[:number]]
        images = list(dict.fromkeys(p.rpartition("#")[0] for p in chosen))
        self.act_on(window, "similar", chosen, images, verb, to, pace)

    def act_on(self, window, bar, chosen, images, verb, to, pace):
        """Press a button of the bar of a selection, which was drawn just now."""
        ledger, buttons = self.ledger, {"put_back": "put_back", "exclude": "exclude"}
        if verb == "create":
            made = max([4, *(k for _, p in ledger.written for k in p.get("made", ()))]) + 1
            for field in self.shown(window, f"{bar}_new") if chosen else ():
                drawn_at = window.server[field].version
                window.enter(field, " heron ", pace)
                self.did(window, drawn_at, ("create", {"proposals": chosen, "name": "heron", "made": [made]}))
            return
        if verb == "move":
            lists = self.shown(window, f"{bar}_to")
            if not lists:
                return
            target = window.options[lists[0]][to % len(window.options[lists[0]])]
            window.enter(lists[0], target)
        if verb == "put_back" and not ledger.gone & set(chosen):
            assert f"{bar}_put_back" not in window.buttons
        drawn_at = self.press(window, f"{bar}_{buttons.get(verb, verb)}", pace)
        if drawn_at is None:
            return
        if verb == "exclude":
            there = [i for i in images if i not in ledger.excluded]
            expected = ("exclude" if there else "include", {"images": there or images})
        elif verb in ("move", "reject"):
            expected = ("move", {"proposals": chosen, "category": target if verb == "move" else -1})
        else:
            expected = (verb, {"proposals": chosen})
        refused = verb == "accept" and any(self.judged_home(p) in (-1, *ledger.rejected) for p in chosen)
        self.did(window, drawn_at, *([] if refused else [expected]))

    # Masks

    @rule(which=WHICH, one=ANY, corner=st.integers(0, 20), own=st.booleans(), pace=PACES)
    def redraw_a_mask(self, which, one, corner, own, pace):
        window, ids = self.window(which), list(self.ledger.members)
        proposal = ids[one % len(ids)]
        row = self.view.row_of[proposal]
        window.go("image", run=self.view.run.id, proposal=proposal, repair=proposal)
        found = self.view.proposals.mask(row)
        drawn = found.copy()
        drawn[corner : corner + 5, corner : corner + 5] = True
        drawn = found if own else drawn
        rle = (
            None
            if np.array_equal(drawn, found)
            else coco_mask.encode(np.asfortranarray(drawn, np.uint8))["counts"].decode()
        )
        if "save_mask" not in window.parts:
            return
        drawn_at = window.drawn_at
        window.send("save_mask", to_runs(drawn), pace)
        same = rle == self.ledger.redrawn.get(proposal)
        self.did(window, drawn_at, *([] if same else [("redraw", {"masks": [[proposal, rle]]})]))

    # Images of a data set, excluded from new runs

    @rule(which=WHICH, places=st.sets(st.integers(0, 89), min_size=1, max_size=3), out=st.booleans())
    def tick_images(self, which, places, out):
        window = self.window(which)
        window.go("images", run=self.view.run.id)
        images = [str(self.view.image_ids[place]) for place in sorted(places)]
        window.send("ticks", {"ticked": {"images": images, "excluded": out}})
        self.excluding.tick(images, out)

    @rule(which=WHICH, look=st.booleans())
    def undo_the_last_tick(self, which, look):
        window = self.window(which)
        if look:
            window.go("images", run=self.view.run.id)
        record = self.workspace.exclusions
        before = record.read(self.view.run.config.dataset).steps
        if "exclusion_undo" in window.buttons:
            window.press("exclusion_undo")
            after = record.read(self.view.run.config.dataset).steps
            assert after == before[:-1] or (after == before and not look)  # another window did something since
            if after != before:
                self.excluding.steps.pop()
        else:
            assert not (look and self.excluding.steps)

    # The app

    @rule()
    def restart_the_app(self):
        """Everything that the server held is gone; the windows connect again."""
        run_cache._workspace.cache_clear()
        run_cache._views._values.clear()
        self.workspace = run_cache.workspace()
        self.view = replace(self.view, workspace=self.workspace)
        for window in self.windows:
            window.reconnect()
