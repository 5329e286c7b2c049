"""The script of the bars' keys in a blank page with three bars: whose button each key presses."""

import pytest

from app.components.shared import keyboard, selection_keys
from tests.app.serving import ROOT

pytestmark = pytest.mark.browser
SCRIPT = keyboard.script(ROOT / "app" / "components" / "shared" / "selection_keys.js")
PARTS = {"first": ("reject", "undo"), "second": ("reject", "accept"), "third": ("reject", "new")}
BARS = "".join(
    f'<i id="{bar}"></i><div class="st-key-{bar}_bar">'
    + "".join(
        f'<div class="st-key-{bar}_{part}"><{"input" if part == "new" else "button"} id="{bar}-{part}"></div>'
        for part in parts
    )
    + "</div>"
    for bar, parts in PARTS.items()
)
MOUNT = (
    SCRIPT.replace("export default function", "const mount = function")
    + """
window.pressed = []
document.querySelectorAll("button").forEach((one) => { one.onclick = () => window.pressed.push(one.id) })
window.show = (changed) => {
  for (const bar in changed) {
    const data = { bar, changed: changed[bar], keys: given }
    window.ends[bar] = mount({ parentElement: document.getElementById(bar), data })
  }
}
window.ends = {}
"""
)


def test_a_key_acts_on_the_bar_with_the_focus_else_on_the_one_that_changed_last(browser):
    page = browser.new_page()
    page.set_content(f"<body>{BARS}<button id=elsewhere>…</button></body>")
    page.evaluate(f"given => {{ {MOUNT} }}", {key: part for key, (part, _) in selection_keys.KEYS.items()})

    def after(*keys: str) -> list[str]:
        page.evaluate("window.pressed.length = 0")
        for key in keys:
            page.keyboard.press(key)
        return page.evaluate("window.pressed")

    page.evaluate("show({first: 0, second: 0, third: 0})")
    assert after("Shift+R") == ["first-reject"]  # none has changed: the first on the page
    page.evaluate("show({first: 1, second: 3, third: 2})")  # the same parts get other data: each still answers once
    assert after("Shift+R", "Shift+A") == ["second-reject", "second-accept"]
    assert after("u", "Control+z") == ["first-undo", "first-undo"]  # the one that has the part
    page.locator("#first-reject").focus()
    assert after("Shift+R", "Shift+A") == ["first-reject", "second-accept"]
    page.locator("#elsewhere").focus()
    assert after("Shift+R") == ["second-reject"]
    page.evaluate("document.getElementById('second-reject').disabled = true")
    assert after("Shift+R") == []  # what the key is meant for cannot be done: no other selection is touched
    page.keyboard.press("Shift+N")
    assert page.evaluate("document.activeElement.id") == "third-new"
    assert after("Shift+R") == []  # typed into the field
    page.evaluate("document.activeElement.blur(); ends.second(); show({third: 4})")
    assert after("Shift+R") == ["third-reject"]
    page.evaluate("ends.third()")
    assert after("Shift+R", "R") == ["first-reject"]  # the others are gone; without Shift, R is Caps Lock
    page.close()
