"""Decisions on categories, selections, masks and the filter on a random walk, with what each must leave in the log."""

from __future__ import annotations

from tests.app.steps import slide
from tests.app.walk_steps import NAMES, on, open_cluster_to_name, press
from tests.app.walking import Tab, Walk

MOST = 9  # categories: more would need a second page of cards


# Categories


def select_cards(walk: Walk, tab: Tab, most: int) -> list[int]:
    on(walk, tab, "clusters")
    clear = tab.locator(".st-key-clear_clusters button")
    if clear.count():
        tab.after(clear.click)
    chosen = walk.random.sample(walk.live, most)
    for cluster in chosen:
        tab.after(tab.locator(f".st-key-card_{cluster} [class*='st-key-pick_'] label").first.click)
    tab.get_by_text(f"{most} selected").wait_for()
    tab.leave_field()
    return chosen


def merge(walk: Walk, tab: Tab) -> None:
    if len(walk.live) < 4:
        return
    ids = sorted(select_cards(walk, tab, 2))
    walk.say(f"merge {ids}")
    walk.decide(tab, ("merge", {"categories": ids}), by=press(walk, tab, "m", ".st-key-merge_clusters"))


def reject(walk: Walk, tab: Tab) -> None:
    if len(walk.live) < 4:
        return
    ids = select_cards(walk, tab, 1)
    walk.say(f"reject {ids}")
    walk.decide(tab, ("reject", {"categories": ids}), by=press(walk, tab, "r", ".st-key-reject_clusters"))


def reject_while_naming(walk: Walk, tab: Tab) -> None:
    if len(walk.live) < 4:
        return
    cluster = open_cluster_to_name(walk, tab)
    walk.say(f"reject {cluster} on the page Name clusters")
    tab.leave_field()
    by = press(walk, tab, "r", "[class*='st-key-naming_reject']")
    walk.decide(tab, ("reject", {"categories": [cluster]}), by=by)


def restore(walk: Walk, tab: Tab) -> None:
    if not walk.ledger.rejected:
        return
    on(walk, tab, "clusters")
    cluster = walk.random.choice(sorted(walk.ledger.rejected))
    walk.say(f"restore {cluster}")
    button = tab.locator(f".st-key-restore_{cluster} button")
    walk.decide(tab, ("restore", {"categories": [cluster]}), by=button.click)


# Selections


def pick_crops(walk: Walk, tab: Tab) -> list[str]:
    """Crops of one cluster, picked by mouse; their ids in the order of the clicks."""
    on(walk, tab, "clusters")
    cluster = walk.random.choice([k for k in walk.live if k in walk.ledger.category.values()])
    tab.locator(f".st-key-card_{cluster} a[data-open]").click()
    tab.wait_for_url(f"**cluster={cluster}*")
    tab.locator(".st-key-all_clusters").wait_for()
    tab.shown()
    clear = tab.locator(".st-key-crops_clear button")
    if clear.count():
        tab.after(clear.click)
    marks = tab.locator("[data-pick]")
    ids = marks.evaluate_all("all => all.map(e => e.dataset.pick)")
    chosen = walk.random.sample(ids, min(len(ids), walk.random.randint(1, 3)))
    for number, proposal in enumerate(chosen, 1):
        tab.locator(f"[data-pick='{proposal}']").click()
        words = "1 proposal" if number == 1 else f"{number} proposals"
        tab.locator(".st-key-crops_bar").get_by_text(words, exact=True).wait_for()
        tab.shown()
    tab.leave_field()
    return chosen


def act_on_crops(walk: Walk, tab: Tab) -> None:
    act_on(walk, tab, pick_crops(walk, tab), "crops")


def act_on_images(walk: Walk, tab: Tab) -> None:
    """Images picked in the grid; their proposals are in the order of the run."""
    on(walk, tab, "photos")
    clear = tab.locator(".st-key-photo_clear button")
    if clear.count():
        tab.after(clear.click)
    places = walk.random.sample(range(12), walk.random.randint(1, 2))
    for number, place in enumerate(places, 1):
        tab.locator(f".cell[data-place='{place}'] img").wait_for()
        tab.locator(f".cell[data-place='{place}']").click()
        words = "1 image with " if number == 1 else f"{number} images with "
        tab.locator(".st-key-photo_selection").get_by_text(words).wait_for()
        tab.shown()
    images = [str(walk.view.image_ids[place]) for place in sorted(places)]
    proposals = [p for p in map(str, walk.view.proposals.proposal_id) if p.rpartition("#")[0] in images]
    act_on(walk, tab, proposals, "photos", images)


def act_on(walk: Walk, tab: Tab, chosen: list[str], bar: str, images: list[str] | None = None) -> None:
    images = images or list(dict.fromkeys(p.rpartition("#")[0] for p in chosen))
    what = walk.random.choice(["move", "create", "reject", "accept", "erase", "put_back", "exclude", "exclude"])
    walk.say(f"{what} {chosen}")
    keys = {"reject": "Shift+R", "accept": "Shift+A", "erase": "Shift+E", "put_back": "Shift+B", "exclude": "Shift+X"}
    if what == "move":
        target = tab.locator(f"[class*='st-key-{bar}_to'] [role=combobox]").first
        words = target.input_value() or target.inner_text()
        [category] = [k for k in walk.live if words in (walk.ledger.name_of(k), f"{k} · {walk.ledger.name_of(k)}")]
        by = press(walk, tab, "Shift+V", f".st-key-{bar}_move")
        walk.decide(tab, ("move", {"proposals": chosen, "category": category}), by=by)
    elif what == "create":
        if len(walk.live) >= MOST:
            return
        name = " ".join(walk.random.choice(NAMES).split())
        made = max([walk.view.clusters - 1, *(k for _, p in walk.ledger.written for k in p.get("made", ()))]) + 1
        tab.keyboard.press("Shift+N")
        tab.keyboard.type(name)
        entry = ("create", {"proposals": chosen, "name": name, "made": [made]})
        walk.decide(tab, entry, by=lambda: tab.keyboard.press("Enter"))
    elif what == "exclude":
        there = [i for i in images if i not in walk.ledger.excluded]
        entry = ("exclude" if there else "include", {"images": there or images})
        walk.decide(tab, entry, by=press(walk, tab, keys[what], f".st-key-{bar}_exclude"))
    else:
        button = f".st-key-{bar}_{what}"
        if not tab.locator(f"{button} button:enabled").count():
            return
        payload = {"proposals": chosen} | ({"category": -1} if what == "reject" else {})
        kind = "move" if what == "reject" else what
        walk.decide(tab, (kind, payload), by=press(walk, tab, keys[what], button))


def judge(walk: Walk, tab: Tab) -> None:
    """Erase or reject the open mask by key."""
    on(walk, tab, "image")
    if not tab.locator("[data-proposal].comus-proposal").count():
        return
    proposal = tab.locator(".comus-proposal").first.get_attribute("data-proposal")
    key, kind, what = walk.random.choice([("Shift+R", "move", "reject"), ("Shift+E", "erase", "erase")])
    button = f".st-key-judgement_{what}"
    tab.locator(f"{button} button").wait_for()
    if not tab.locator(f"{button} button:enabled").count():
        return
    walk.say(f"{what} the mask of {proposal}")
    tab.leave_field()
    payload = {"proposals": [proposal]} | ({"category": -1} if kind == "move" else {})
    walk.decide(tab, (kind, payload), by=press(walk, tab, key, button))


def filter_more(walk: Walk, tab: Tab) -> None:
    on(walk, tab, "filter")
    percent = walk.random.randint(0, 6)
    walk.say(f"filter {percent}")
    slide(tab.page, percent)
    tab.shown()
    apply = tab.locator(".st-key-apply_filter button:enabled")
    filters = [p["percent"] for (kind, p), _ in walk.ledger.done if kind == "filter"]
    if [20.0, *filters][-1] == percent:
        return
    apply.wait_for()
    walk.decide(tab, ("filter", {"percent": float(percent)}), by=apply.click)
