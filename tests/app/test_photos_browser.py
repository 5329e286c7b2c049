"""The image grid in a browser: a run's images by mouse and keys, and 100,000 of them in a constant number of nodes."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from app.components.photos.image_grid import component
from app.data import photo_filter
from comus_core.runs.run_view import open_run_view
from tests.app.serving import serving, settle
from tests.app.steps import choose

pytestmark = pytest.mark.browser

FILES = Path(component.__file__).parent
MANY = 100_000
MOST_NODES = 120  # cells at once, however long the list is
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def address_of(page, name: str) -> str:
    return parse_qs(urlsplit(page.url).query).get(name, [""])[0]


def until_address(page, name: str, value: str) -> None:
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get(name, [""])[0] == value)
    settle(page)


def test_a_runs_images_are_filtered_walked_selected_and_acted_on(page, changeable, tmp_path):
    workspace, run = changeable
    view = open_run_view(workspace, run)
    horses = photo_filter.filtered(view, workspace.decisions_of(run), {"category": "1"}).images
    with serving(workspace.root, tmp_path, COMUS_IMAGE_ROOTS=run.config.dataset) as url:
        page.goto(f"{url}photos?run={run.id}")
        settle(page, "90 images")
        page.locator(".cell img").first.wait_for()
        scroller = page.locator(".scroller")
        scroller.hover()
        page.mouse.wheel(0, 3000)
        page.locator(".cell[data-image='images/080.png'] img").wait_for()
        loaded = page.locator(".cell[data-image='images/080.png'] img").element_handle()
        page.wait_for_function("e => e.naturalWidth > 0", arg=loaded)
        choose(page, "photo_category", "cluster 1")
        until_address(page, "filter", "category_1")
        settle(page, f"{len(horses)} images")
        page.locator(f".cell[data-image='{view.image_ids[horses[0]]}'] img").wait_for()
        scroller.focus()
        for key in ("Home", " ", "ArrowRight", "ArrowRight", " ", "Shift+ArrowRight"):
            page.keyboard.press("Space" if key == " " else key)
        rows = [int(horses[place]) for place in (0, 2, 3)]
        until_address(page, "picked", photo_filter.to_ranges(rows))
        page.get_by_text("3 images with 3 proposals selected").wait_for()
        shown = page.locator(".st-key-photo_gallery a").evaluate_all("links => links.map(l => l.dataset.proposal)")
        assert shown == [str(view.proposals.proposal_id[r]) for r in range(len(view)) if view.image_row[r] in rows]
        page.reload()
        page.locator(".cell[aria-selected=true]").nth(2).wait_for()
        page.locator(".cell[data-place='5']").click()
        until_address(page, "picked", photo_filter.to_ranges([*rows, int(horses[5])]))
        page.locator(".cell[data-place='7']").click(modifiers=["Shift"])
        more = [*rows, *(int(horses[place]) for place in (5, 6, 7))]
        until_address(page, "picked", photo_filter.to_ranges(more))
        page.keyboard.press("Escape")
        until_address(page, "picked", "")
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        page.wait_for_url("**/image?**")
        settle(page)
        assert address_of(page, "proposal") == f"{view.image_ids[horses[-1]]}#0"
        page.go_back()
        page.locator(f".cell.current[data-place='{len(horses) - 1}']").wait_for()
        assert address_of(page, "filter") == "category_1"
        page.goto(f"{url}photos?run={run.id}&picked=0-2")
        page.get_by_role("button", name="Start a run from these 3 images").click()
        page.get_by_text("Only 3 selected images").wait_for()
        settle(page)
        only = workspace.image_lists.read(address_of(page, "only"))
        assert only == tuple(map(str, view.image_ids[:3])) and address_of(page, "data") == run.config.dataset
        page.goto("about:blank")


def harness() -> str:
    """The component alone, as Streamlit would mount it, and a list on a server that is played."""
    script = "\n".join((FILES / f"{name}.js").read_text() for name in ("pages", "picks", "image_grid"))
    script = script.replace("export default function", "window.mount = function")
    data = {"about": "x", "count": MANY, "listUrl": "list?v=1", "imageUrl": "image/{row}?{look}{size}{plain}"}
    data |= {"picked": "", "label": "All"}
    mounting = f"""window.sent = []; const data = {json.dumps(data)}
        mount({{ parentElement: document.body, data, setTriggerValue: (name, value) => sent.push([name, value]) }})"""
    style, body = ((FILES / f"image_grid.{kind}").read_text() for kind in ("css", "html"))
    return f"<!doctype html><style>{style}</style><body>{body}<script>{script}\n{mounting}</script></body>"


def test_of_100_000_images_few_nodes_exist_and_only_what_is_seen_is_fetched(page):
    lists, images = [], []

    def answer(route):
        url = urlsplit(route.request.url)
        if url.path == "/list":
            start, count = (int(parse_qs(url.query)[name][0]) for name in ("at", "n"))
            lists.append(start)
            entries = [[k, f"{k:06d}.jpg", 1.5, "a", 1] for k in range(start, min(start + count, MANY))]
            return route.fulfill(json={"count": MANY, "images": entries})
        if url.path.startswith("/image/"):
            images.append(int(url.path.rpartition("/")[2]))
            return route.fulfill(body=PIXEL, content_type="image/png")
        return route.fulfill(body=harness(), content_type="text/html") if url.path == "/" else route.fulfill(body="")

    page.route("**/*", answer)
    page.goto("http://grid.test/")
    page.locator(".cell[data-image='000000.jpg'] img").wait_for()
    assert lists == [0] and len(images) <= page.locator(".cell").count() < MOST_NODES
    nodes = "document.querySelectorAll('.scroller *').length"
    before = page.evaluate(nodes)
    most = page.evaluate(
        """async () => {
            const scroller = document.querySelector(".scroller"), height = scroller.scrollHeight
            let most = 0
            for (let k = 1; k <= 100; k++) {
                scroller.scrollTop = height * k / 100
                await new Promise(requestAnimationFrame)
                most = Math.max(most, document.querySelectorAll(".cell").length)
            }
            return most
        }"""
    )
    page.locator(f".cell[data-image='{MANY - 1:06d}.jpg'] img").wait_for()
    assert most < MOST_NODES and page.evaluate(nodes) < 2 * before + 50
    assert len(lists) < 60 and len(images) < 20 * MOST_NODES  # of 1,000 parts and 100,000 images
    page.locator(".scroller").focus()
    page.keyboard.press("Home")
    page.locator(".cell.current[data-image='000000.jpg']").wait_for()
    page.keyboard.press("Control+a")
    page.wait_for_function("sent.length === 1")
    assert page.evaluate("sent[0]") == ["picked", {"ranges": f"0-{MANY - 1}", "list": "list?v=1"}]
    page.keyboard.press("Escape")
    page.wait_for_function("sent.length === 2")
    assert page.evaluate("sent[1][1].ranges") == ""
