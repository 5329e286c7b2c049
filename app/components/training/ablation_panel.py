"""An ablation on the Self-training page: rows to choose, what they cost, the job at work, the table."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.components.shared import badge, choices, fields, job_card, page_data, states
from app.components.shared.score_table import about_run, download
from app.data import job_words
from app.forms import ablation_form, training_form, verb_form
from comus_core import jobs
from comus_core.errors import ComusError
from comus_core.jobs import Job
from comus_core.pipelines.ablate import known
from comus_core.pipelines.ablation_rows import AblationSettings, plan
from comus_core.runs.run_view import RunView
from comus_core.training import make_training

EVERY = 1.0  # seconds between updates while an ablation is at work


def show(view: RunView) -> None:
    """Draw the section, closed until there is an ablation; it refreshes itself while one is at work."""
    at_work, begun = _is_at_work(view), _last_job(view) is not None
    with st.expander("Ablation: what each step and switch contributes", icon=":material/science:", expanded=begun):
        if not view.run.provenance.get("classes"):
            st.caption("An ablation compares scores, but this data set has no ground truth.")
            return
        settings = _form(view)
        if settings is not None:
            st.fragment(_watch, run_every=EVERY if at_work else None, key="ablation_watch")(view, settings, at_work)


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A row a row of the ablation, scores in percent and differences in points."""
    return pd.DataFrame(
        {
            "Row": [row["name"] for row in rows],
            "mIoU": [row["mean"] for row in rows],
            "±": [row["std"] for row in rows],
            "Points": [row["difference"] for row in rows],
            "Against": [row["against"] or "" for row in rows],
            "What it is": [row["words"] for row in rows],
        }
    )


def _form(view: RunView) -> AblationSettings | None:
    preset = choices.selected("Base", training_form.PRESET_WORDS, key="ablation_preset", hidden=False)
    seeds = _seeds()
    base = make_training(preset)
    names = [row.name for row in plan(base)]
    chosen = [n for n in state.setting("ablation_rows", names) if n in names]
    keep = partial(state.set_setting, "ablation_rows")
    rows = fields.several("Rows", f"ablation_rows_{preset}", chosen, names, keep)
    if not rows:
        st.caption("Choose at least one row.")
        return None
    settings = ablation_form.settings_of(base, rows, seeds)
    preview = ablation_form.preview(page_data.workspace(), view.run, settings, len(view.image_ids), preset)
    with st.container(horizontal=True, gap="medium", key="ablation_cost"):
        st.metric("Time", f"≈ {job_words.about(preview.seconds)}", width="content")
        st.metric("Memory", job_words.bytes_words(preview.memory_bytes), width="content")
    st.caption("If nothing can be reused. What rows have in common is counted once.")
    ready = preview.missing is None and not _is_at_work(view)
    if preview.missing is not None:
        st.caption(f"{preview.missing} is not on this machine: `comus weights download {preview.missing}`.")
    if st.button("Run ablation", icon=":material/science:", disabled=not ready, key="ablation_start"):
        try:
            ablation_form.start(page_data.workspace(), view.run, settings)
        except ComusError as fault:
            states.error(fault)
        else:
            st.rerun()
    st.code(preview.command, language=None, wrap_lines=True)
    return settings


def _watch(view: RunView, settings: AblationSettings, at_work_at_draw: bool) -> None:
    if _is_at_work(view) != at_work_at_draw:
        st.rerun()  # it began or ended: how often this is updated follows
    job = _last_job(view)
    if job is not None:
        job_card.show(job, None, time.time())
    result = known(view.run, page_data.workspace(), settings)
    if not any(row["mean"] is not None for row in result["rows"]):
        return
    badge.show(result["supervision"], view.run.provenance.get("non_commercial", ()))
    numbers = {name: st.column_config.NumberColumn(format="%.2f") for name in ("mIoU", "±")}
    numbers["Points"] = st.column_config.NumberColumn(format="%+.2f", help="Difference in mIoU to the row in Against")
    with st.container(key="ablation_table"):
        st.dataframe(frame(result["rows"]), hide_index=True, column_config=numbers)
        about = about_run(view.run, supervision=result["supervision"])
        download(frame(result["rows"]), about, name="ablation", key="download_ablation", type="tertiary")


def _seeds() -> int:
    seeds = int(state.setting("ablation_seeds", 1))
    keep = partial(state.set_setting, "ablation_seeds")
    return int(fields.number("Seeds", "ablation_seeds_widget", seeds, keep, least=1, most=9, step=1) or 1)


def _last_job(view: RunView) -> Job | None:
    return verb_form.last_job(page_data.workspace(), "ablate", view.run)


def _is_at_work(view: RunView) -> bool:
    job = _last_job(view)
    return job is not None and job.state in jobs.ACTIVE
