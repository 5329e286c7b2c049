"""What a person may do next on a random walk: each action says what it must leave in the log."""

from __future__ import annotations

import time

from tests.app import walk_decisions
from tests.app.walk_steps import NAMES, field_of, go, on, open_cluster_to_name, press, renamed, type_in
from tests.app.walking import LISTED, OF_THE_RUN, Tab, Walk

# Pages


def open_a_page(walk: Walk, tab: Tab) -> None:
    name = walk.random.choice([name for name in LISTED if name != "new"])
    walk.say(f"open {name}")
    go(walk, tab, name)


def follow_the_path(walk: Walk, tab: Tab) -> None:
    """A link of the rail above the page."""
    if tab.at not in OF_THE_RUN:
        go(walk, tab, "clusters")
    links = tab.locator(".comus-path a[href]")
    link = links.nth(walk.random.randrange(links.count()))
    target = link.get_attribute("href")
    walk.say(f"rail to {target}")
    if target.partition("?")[0] == tab.at:
        return
    before = walk.version
    link.click()
    tab.wait_for_url(f"**/{target.partition('?')[0]}?**")
    tab.shown()
    tab.seen = before


def open_a_cluster_by_key(walk: Walk, tab: Tab) -> None:
    on(walk, tab, "clusters")
    tab.leave_field()
    walk.say("j and Enter open a cluster")
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**cluster=*")
    tab.locator(".st-key-all_clusters").wait_for()
    tab.shown()


def step_to_an_image_by_key(walk: Walk, tab: Tab) -> None:
    on(walk, tab, "image")
    walk.say("next image by key")
    tab.leave_field()
    before = tab.page.url
    if tab.locator(".st-key-next_image button:enabled").count():
        tab.keyboard.press("ArrowRight")
        tab.wait_for_url(lambda url: url != before)
        tab.shown()


def reload(walk: Walk, tab: Tab) -> None:
    walk.say("reload")
    before = walk.version
    tab.reload()
    tab.shown()
    tab.seen = before


def back(walk: Walk, tab: Tab) -> None:
    step_in_history(walk, tab, "go_back")


def forward(walk: Walk, tab: Tab) -> None:
    step_in_history(walk, tab, "go_forward")


def step_in_history(walk: Walk, tab: Tab, way: str) -> None:
    walk.say(f"{way} from {tab.page.url}")
    getattr(tab, way)()
    if not tab.page.url.startswith(tab.url):  # before the first page
        tab.go_forward()
    tab.shown()


def second_tab(walk: Walk, tab: Tab) -> None:
    if len(walk.tabs) == 1:
        walk.say("open a second tab")
        walk.open_tab()


def restart(walk: Walk, tab: Tab) -> None:
    if not walk.restarted:
        walk.say("restart the server")
        walk.restarted = True
        walk.restart()


# Names


def name_on_a_card(walk: Walk, tab: Tab) -> None:
    on(walk, tab, "clusters")
    cluster, name = walk.random.choice(walk.live), walk.random.choice(NAMES)
    walk.say(f"on a card, name {cluster} {name!r}")
    type_in(tab, cluster, name)
    walk.decide(tab, *renamed(walk, cluster, name), by=lambda: tab.keyboard.press("Enter"))


def name_and_go_on(walk: Walk, tab: Tab) -> None:
    cluster, name = open_cluster_to_name(walk, tab), walk.random.choice(NAMES)
    walk.say(f"on the page Name clusters, name {cluster} {name!r}")
    type_in(tab, cluster, name)
    expected = renamed(walk, cluster, name)
    walk.decide(tab, *expected, by=lambda: tab.keyboard.press("Enter"))
    tab.wait_for_function("() => { const f = document.activeElement; return !f.readOnly && !f.disabled }")
    tab.shown()


def type_and_leave(walk: Walk, tab: Tab) -> None:
    """A name is typed and the field left without Enter: it is saved, but for Escape on the page for names."""
    page = walk.random.choice(["clusters", "name"])
    on(walk, tab, page)
    cluster = walk.random.choice(walk.live) if page == "clusters" else open_cluster_to_name(walk, tab)
    name = walk.random.choice(NAMES)
    way = walk.random.choice(["click beside", "tab", "escape", "page", "back", "reload", "restart"])
    if way == "restart" and walk.restarted:
        way = "page"
    walk.say(f"on {page}, type {name!r} for {cluster} and leave by {way}")
    type_in(tab, cluster, name)
    expected = renamed(walk, cluster, name)
    if way == "escape":
        dropped = page == "name"
        walk.decide(tab, *([] if dropped else expected), by=lambda: tab.keyboard.press("Escape"))
    elif way == "tab":
        walk.decide(tab, *expected, by=lambda: tab.keyboard.press("Tab"))
    elif way == "click beside":
        heading = tab.locator("[data-testid=stMainBlockContainer] h1").first
        walk.decide(tab, *expected, by=lambda: heading.click())
    elif way == "page":
        other = walk.random.choice(["filter", "explore", "photos", "jobs"])
        walk.decide(tab, *expected, by=lambda: go(walk, tab, other))
    else:
        if way == "back":
            step_in_history(walk, tab, "go_back")
        elif way == "reload":
            tab.reload()
        else:
            walk.restarted = True
            walk.restart()
        tab.shown()
        saved_or_kept(walk, tab, cluster, name, expected)


def saved_or_kept(walk: Walk, tab: Tab, cluster: int, name: str, expected: list) -> None:
    """The name was saved on the way, or stands in its field where that is seen again; there Enter saves it."""
    end = time.monotonic() + 3
    while expected and time.monotonic() < end and len(walk.events()) == len(walk.ledger.written):
        tab.wait_for_timeout(50)
    if not expected or len(walk.events()) > len(walk.ledger.written):
        walk.decide(tab, *expected, by=None)
        return
    tab.open("clusters")
    field = field_of(tab, cluster)
    shown = " ".join(field.input_value().split())
    assert shown == " ".join(name.split()), f"{name!r} was typed, {shown!r} stands there"
    field.click()
    walk.decide(tab, *expected, by=lambda: tab.keyboard.press("Enter"))


# Back and forth


def undo(walk: Walk, tab: Tab) -> None:
    way_back(walk, tab, "undo")


def redo(walk: Walk, tab: Tab) -> None:
    way_back(walk, tab, "redo")


def way_back(walk: Walk, tab: Tab, kind: str) -> None:
    """By key or button, at times in a tab that has not seen what the other one decided."""
    buttons = {"clusters": f".st-key-{kind}_decision", "name": f"[class*='st-key-naming_{kind}-of-']"}
    buttons |= {"image": f".st-key-judgement_{kind}"}
    if tab.at not in buttons:
        go(walk, tab, walk.random.choice(list(buttons)))
    if walk.random.random() < 0.7:
        walk.freshen(tab)
    button = tab.locator(f"{buttons[tab.at]} button:enabled")
    if not button.count():
        return
    walk.say(f"{kind} on {tab.at}")
    tab.leave_field()
    possible = walk.ledger.done if kind == "undo" else walk.ledger.undone
    if not possible:
        return
    by = press(walk, tab, "u" if kind == "undo" else "Shift+U", buttons[tab.at])
    walk.decide(tab, (kind, {}), by=by)


def rename_unseen(walk: Walk, tab: Tab) -> None:
    """At once, whatever the other tab has decided."""
    if tab.at != "clusters" or tab.parameter("cluster"):
        return
    cluster = walk.random.choice(walk.live)
    if field_of(tab, cluster).count():
        walk.say(f"name {cluster} at once")
        name = f"at once {len(walk.trail)}"
        type_in(tab, cluster, name)
        walk.decide(tab, *renamed(walk, cluster, name), by=lambda: tab.keyboard.press("Enter"))


ACTIONS = {
    open_a_page: 3,
    follow_the_path: 2,
    open_a_cluster_by_key: 1,
    step_to_an_image_by_key: 1,
    reload: 1,
    back: 2,
    forward: 1,
    second_tab: 2,
    restart: 1,
    name_on_a_card: 3,
    name_and_go_on: 4,
    type_and_leave: 5,
    walk_decisions.merge: 2,
    walk_decisions.reject: 1,
    walk_decisions.reject_while_naming: 1,
    walk_decisions.restore: 1,
    walk_decisions.act_on_crops: 4,
    walk_decisions.act_on_images: 4,
    walk_decisions.judge: 2,
    walk_decisions.filter_more: 1,
    undo: 4,
    redo: 2,
    rename_unseen: 2,
}


def take(walk: Walk, steps: int) -> None:
    """Random actions, each in one of the tabs."""
    for _ in range(steps):
        [action] = walk.random.choices(list(ACTIONS), list(ACTIONS.values()))
        number = walk.random.randrange(len(walk.tabs))
        walk.say(f"[{number}] {action.__name__}")
        tab = walk.tabs[number]
        tab.bring_to_front()
        action(walk, tab)
        assert walk.errors == [], walk.errors
