"""The paper's tables and figures on the Evaluate page: one to run again, and those that there are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.components.scores import figures_panel, protocol_panel
from app.components.shared import badge, choices, fields, page_data, states
from app.components.shared.score_table import table_height
from app.data import job_words
from app.data.plain_text import plain, sentence
from app.forms import table_form
from comus_core.errors import ComusError
from comus_core.pipelines.paper_tables.registry import TABLES
from comus_core.pipelines.paper_tables.table_formats import about, cells, formatted, title_of
from comus_core.pipelines.paper_tables.table_settings import TableSettings
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView

FILES = {"csv": ("CSV", "text/csv"), "markdown": ("Markdown", "text/markdown"), "latex": ("LaTeX", "text/x-tex")}
ENDINGS = {"csv": "csv", "markdown": "md", "latex": "tex"}
KEPT = "paper_table_data"


def show(view: RunView, subject: RunRound | None) -> None:
    """The section, and that of the figures; `subject` is the round that is scored, None without ground truth."""
    st.header("The paper's tables", anchor=False)
    st.caption(
        "A table of the paper with the settings of this run: each row is computed and stands beside the published "
        "value. The runs stay in the workspace; after a stop it goes on."
    )
    settings = _choice(view)
    if settings is not None:
        _start(settings)
    _stored()
    figures_panel.show(view, subject)


def _choice(view: RunView) -> TableSettings | None:
    """Which table, on which data set, with how many seeds; None where that cannot be."""
    left, middle, right = st.columns([3, 4, 1], vertical_alignment="bottom")
    with left:
        words = {number: f"Table {number}: {table.title}" for number, table in TABLES.items()}
        number = choices.selected("Table", words, key="paper_table", hidden=False)
    with middle:
        keep = partial(state.set_setting, KEPT)
        typed = fields.text(
            *("Data set", KEPT, str(state.setting(KEPT, view.run.config.dataset)), keep),
            placeholder="The paper's, below COMUS_DATA",
        )
    with right:
        take = partial(state.set_setting, "paper_table_seeds")
        seeds = fields.number(
            "Seeds", "paper_table_seeds", int(state.setting("paper_table_seeds", 1)), take, least=1, most=9
        )
    try:
        return table_form.settings_for(view.workspace, view.run, number, typed, int(seeds or 1))
    except ComusError as fault:
        states.error(fault)
        return None


def _start(settings: TableSettings) -> None:
    """What it needs, on request, and the button with the command that does the same."""
    workspace = page_data.workspace()
    if st.toggle("Show what it needs", key="paper_table_needs", help="Data sets, weights and time."):
        try:
            for line in table_form.needs(workspace, settings):
                st.caption(plain(line))
        except ComusError as fault:
            states.error(fault)
    protocol_panel.start("table", None, settings, f"Run table {settings.number}", "table_view", "paper_table_start", "")


def _stored() -> None:
    """The tables that were computed in this workspace, one of them shown."""
    results = table_form.stored(page_data.workspace())
    if not results:
        return
    now = time.time()
    words = {k: f"{title_of(one)} · {job_words.ago(one['computed_at'], now)}" for k, one in enumerate(results)}
    number = choices.selected("Computed table", words, key="paper_table_shown", hidden=False)
    result = results[number]
    badge.show(result["supervision"], result["non_commercial"])
    for line in about(result):
        st.caption(sentence(line))
    table = frame(result)
    numbers = {name: st.column_config.NumberColumn(format="%.2f") for name in NUMBERS}
    st.dataframe(
        table, key="paper_table_frame", hide_index=True, column_config=numbers, height=table_height(len(table))
    )
    with st.container(horizontal=True, key="paper_table_files"):
        for form, (title, mime) in FILES.items():
            st.download_button(
                title,
                partial(content, result, form),
                f"table-{result['table']}.{ENDINGS[form]}",
                mime,
                key=f"paper_table_{form}",
                icon=":material/download:",
                on_click="ignore",
                type="tertiary",
            )


NUMBERS = ("Ours", "±", "Published", "Published ±", "Difference")


def frame(result: Mapping[str, Any]) -> pd.DataFrame:
    """The table as it is shown: ours, the published value beside it, supervision, source and protocol."""
    table = pd.DataFrame(cells(result))
    return table.astype(dict.fromkeys(NUMBERS, "float64"))


def content(result: Mapping[str, Any], form: str) -> bytes:
    """The file of a format."""
    return formatted(result, form).encode()
