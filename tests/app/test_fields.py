"""Nothing but a person's entry is written: the one rule of all widgets, and that no widget goes around it."""

import ast
from pathlib import Path

import pytest
import streamlit as st

from app import state
from tests.app.serving import ROOT

# A chart's selection and the mount of a component are no values of a widget that could come back.
ELSEWHERE = {"st.plotly_chart", "st.dataframe"}  # what is selected in them is of the page alone
OPENED = {"st.popover"}  # says only whether it is open


@pytest.fixture
def session(monkeypatch) -> dict:
    kept: dict = {}
    monkeypatch.setattr(st, "session_state", kept)
    return kept


class Name:
    """A name that is kept elsewhere, its field, and what was written."""

    def __init__(self, session: dict, name: str) -> None:
        self.session, self.name, self.written = session, name, []
        self.draw()

    def draw(self) -> None:
        """The page is drawn; the server registers the widget, by its default if it is new."""
        self.key = state.field("name", self.name)
        self.session.setdefault(self.key, self.name)
        self.heard = state.edited(self.key, self.name, self.take)

    def take(self, value: str) -> None:
        self.written.append(value)
        self.name = value

    def says(self, value: str) -> None:
        """The browser answers."""
        self.session[self.key] = value
        self.heard()


def test_what_is_entered_is_written_once_and_the_widget_stays(session):
    field = Name(session, "cluster 2")
    before = field.key
    field.says("pebble")
    field.draw()
    assert field.key == before == "name"
    field.says("pebble")
    assert field.written == ["pebble"]


def test_a_remount_that_says_what_it_was_given_writes_nothing_though_the_server_remembers_another(session):
    field = Name(session, "cluster 2")
    session[field.key] = "an older one"
    field.says("cluster 2")
    assert field.written == []


def test_a_value_that_changed_elsewhere_comes_in_a_new_widget_and_what_the_old_one_says_is_not_heard_as_new(session):
    field = Name(session, "cluster 2")
    field.says("pebble")
    old_key, old = field.key, field.heard
    field.name = "cluster 2"  # undone, before the page was drawn again
    field.draw()
    assert field.key != old_key and session[field.key] == "cluster 2"
    session[old_key] = "pebble"  # a browser that has not heard of the undo says it again
    old()
    assert field.written == ["pebble"]


def test_what_is_about_another_run_is_another_widget(session):
    first = state.field("name_2", "cluster 2", "run-a")
    assert state.field("name_2", "cluster 2", "run-a") == first != state.field("name_2", "cluster 2", "run-b")


def test_to_and_fro_before_the_page_is_drawn_again_is_written_both_times(session):
    field = Name(session, "no")
    field.says("yes")
    field.says("no")
    assert field.written == ["yes", "no"]


def test_a_choice_that_is_no_longer_offered_is_not_taken(session):
    written: list[str] = []
    key = state.field("choice", "a")
    session[key] = "what it was called before"
    state.edited(key, "a", written.append, among=["a", "b"])()
    session[key] = "b"
    state.edited(key, "a", written.append, among=["a", "b"])()
    assert written == ["b"]


def test_no_widget_writes_but_through_the_one_rule():
    around = []
    for path in sorted([*(ROOT / "app").rglob("*.py"), *(ROOT / "pages").glob("*.py")]):
        if path.relative_to(ROOT) == Path("app/components/shared/fields.py"):
            continue
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            names = {word.arg for word in call.keywords}
            func = ast.unparse(call.func)
            writes = ("on_change" in names and func not in OPENED) or ("on_select" in names and func not in ELSEWHERE)
            if writes:
                around.append(f"{path.relative_to(ROOT)}:{call.lineno} {ast.unparse(call.func)}")
    assert around == []
    source = (ROOT / "app" / "state.py").read_text()
    assert not [line for line in source.splitlines() if "st.session_state[widget_key] =" in line]
