"""How a person gets about on a random walk: to a page, into a field, to a button."""

from __future__ import annotations

from collections.abc import Callable

from tests.app.walking import LISTED, OF_THE_RUN, Tab, Walk

NAMES = ["fish", "pebble", "Fish", "dog", " a  bird ", "<b>&amp; 7", "cluster 1", "übergroßer Vogel"]


def on(walk: Walk, tab: Tab, name: str) -> None:
    """Be on a page of the run, with what the other tab decided."""
    if tab.at != name or (name == "clusters" and tab.parameter("cluster")):
        go(walk, tab, name)
    walk.freshen(tab)


def go(walk: Walk, tab: Tab, name: str) -> None:
    """Follow the link in the list of pages."""
    link = tab.locator(".st-key-pages").get_by_text(LISTED[name], exact=True)
    if tab.at == name:
        tab.after(link.click)
        return
    before = walk.version
    link.click()
    tab.wait_for_url(f"**/{name}?**" if name in OF_THE_RUN else f"**/{name}**")
    tab.shown()
    if name in OF_THE_RUN:
        tab.locator("[data-testid=stMainBlockContainer] h1").get_by_text(LISTED[name]).first.wait_for()
        tab.shown()
    tab.seen = before


def field_of(tab: Tab, cluster: int):
    return tab.locator(f"[data-testid=stMainBlockContainer] input[aria-label='Name of cluster {cluster}']")


def type_in(tab: Tab, cluster: int, name: str) -> None:
    field = field_of(tab, cluster)
    field.click()
    field.press("Control+a")
    tab.keyboard.type(name)


def renamed(walk: Walk, cluster: int, name: str) -> list:
    """What is written when this name is entered."""
    wanted = " ".join(name.split())
    return [] if wanted in ("", walk.ledger.name_of(cluster)) else [("rename", {"cluster": cluster, "name": wanted})]


def open_cluster_to_name(walk: Walk, tab: Tab) -> int:
    on(walk, tab, "name")
    return int(tab.locator("[data-cluster]").first.get_attribute("data-cluster"))


def press(walk: Walk, tab: Tab, key: str, button: str) -> Callable[[], object]:
    """Either of the two ways."""
    if walk.random.random() < 0.5:
        return lambda: tab.keyboard.press(key)
    return tab.locator(f"{button} button:enabled").first.click
