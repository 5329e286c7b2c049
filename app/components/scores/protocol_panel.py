"""Scores by a protocol and over several seeds, on the Evaluate page: what to score, the job at work, what came out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app import state
from app.components.shared import choices, fields, job_watch, page_data, states
from app.components.shared.score_table import about_run, download
from app.data import protocol_scores, round_data, score_data
from app.forms import verb_form
from app.forms.training_form import dataset_of
from comus_core.config import ProtocolName
from comus_core.errors import ComusError
from comus_core.evaluation.cluster_quality import ClusterQuality
from comus_core.evaluation.protocols import PROTOCOLS
from comus_core.pipelines.verb_settings import EvaluateSettings, SeedsSettings
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import RunView
from comus_core.text import counted
from comus_core.workspace.decisions import Decisions

WORDS: dict[ProtocolName, str] = {"comus": "COMUS", "cause": "CAUSE", "majority": "Majority vote"}
HELP = {
    "NMI": "Normalised mutual information of clusters and classes, 0 to 1.",
    "ARI": "Adjusted Rand index of clusters and classes: 1 for equal partitions, about 0 by chance.",
    "Accuracy": "Share of the proposals in the one cluster that is matched to their class, one to one.",
    "Purity": "Share of the proposals that are of the most frequent class of their cluster.",
}


def quality(view: RunView, decided: Decisions) -> None:
    """How well clusters hold the proposals of a class together, by the class of most of their pixels."""
    found = score_data.quality(view, decided)
    if found is None:
        return
    _figures(found)
    st.caption(
        f"Cluster quality without pixels: {counted(found.proposals, 'proposal')}, each of the class of most of its "
        "pixels, background among the classes."
    )


def of_images(view: RunView) -> bool:
    """The same of a data set of class folders, as the run found it; whether it is one."""
    known = view.run.result.get("cluster_quality")
    if not view.run.result.get("image_classes") or known is None:
        return False
    found = ClusterQuality(**known)
    _figures(found)
    folders = counted(view.run.result["image_classes"], "class", "classes")
    st.caption(
        f"{counted(found.proposals, 'proposal')}, each of the class of its image: {folders} of whole images, as "
        "clustered, before any decision. There are no masks, so there is no mIoU."
    )
    return True


def _figures(found: ClusterQuality) -> None:
    figures = {
        "NMI": f"{found.nmi:.3f}",
        "ARI": f"{found.ari:.3f}",
        "Accuracy": f"{found.accuracy:.1f} %",
        "Purity": f"{found.purity:.1f} %",
    }
    with st.container(horizontal=True, gap="medium", key="quality_figures"):
        for name, value in figures.items():
            st.metric(name, value, width="content", help=HELP[name])


def show(view: RunView, one: RunRound) -> None:
    """The section: a protocol or seeds to start, the last job of either, the scores that there are."""
    st.header("Protocols and seeds", anchor=False)
    left, right = st.columns(2, gap="large")
    with left:
        _protocol(one)
    with right:
        _seeds(view)
    _scores(view)


def elsewhere(view: RunView) -> None:
    """A run whose own images have no ground truth, scored on another data set; its best round."""
    st.header("Score on another data set", anchor=False)
    _protocol(round_data.best_first(view.workspace, view.run)[0], own=False)
    _scores(view)


def _protocol(one: RunRound, *, own: bool = True) -> None:
    """Score a round by a protocol, on another data set too; `own` says whether its own images can be scored."""
    name = choices.selected("Protocol", WORDS, key="protocol", hidden=False)
    st.caption(f"{PROTOCOLS[name].words}.")
    keep = partial(state.set_parameter, state.ON)
    scored_on = fields.text(
        *("Score on another data set", "protocol_on", state.parameter(state.ON), keep),
        placeholder="The run's own images" if own else "A data set with ground truth",
    ).strip()
    keep = partial(state.set_setting, "protocol_matched_on")
    other = fields.text(
        *("Match on another data set", "protocol_matched_on", str(state.setting("protocol_matched_on", "")), keep),
        placeholder="The images that are scored",
    ).strip()
    try:
        dataset, _ = dataset_of(scored_on, page_data.workspace())
        known, _ = dataset_of(other, page_data.workspace())
    except ComusError as fault:
        states.error(fault)
        return
    settings = EvaluateSettings(dataset, protocol=name, matched_on=known)
    needed = "It is of trained rounds alone." if one.training is None and PROTOCOLS[name].network else ""
    needed = needed or ("" if own or dataset else "Name a data set with ground truth.")
    start("evaluate", one, settings, f"Score round {one.number}", "straighten", "protocol_start", needed)


def _seeds(view: RunView) -> None:
    """Repeat the run with other seeds."""
    keep = partial(state.set_setting, "protocol_seeds")
    count = fields.number(
        "Seeds", "protocol_seeds", int(state.setting("protocol_seeds", 3)), keep, least=2, most=9, step=1
    )
    words: dict[ProtocolName | None, str] = {None: "As in the run's settings"}
    words |= {protocol: name for protocol, name in WORDS.items()}
    name = choices.selected("Protocol of the seeds", words, key="seeds_protocol", hidden=False)
    trained = bool(view.workspace.trainings.of_run(view.run.id))
    train = trained and st.toggle(
        "Train each seed", key="protocol_train", help="With the settings of the last training."
    )
    settings = SeedsSettings(verb_form.seeds_with(view.run.config.seed, int(count or 3)), name, train)
    st.caption("What the seeds have in common is computed once. The other runs stay in the workspace.")
    networks = name is not None and PROTOCOLS[name].network
    needed = "It is of trained rounds alone: train each seed." if networks and not train else ""
    start("seeds", view.run, settings, "Repeat with these seeds", "casino", "seeds_start", needed)


def start(verb: str, subject: Any, settings: Any, words: str, icon: str, key: str, needed: str) -> None:
    """A button, its command and the last such job; `needed` says what is missing, and then nothing can be started."""
    workspace = page_data.workspace()
    if needed:
        st.caption(needed)
    if st.button(words, icon=f":material/{icon}:", key=key, disabled=bool(needed)):
        try:
            verb_form.submit_verb(workspace, verb, subject, settings)
        except ComusError as fault:
            states.error(fault)
        else:
            st.rerun()
    st.code(verb_form.command(workspace, verb, subject, settings), language=None, wrap_lines=True)
    job = verb_form.last_job(workspace, verb, subject)
    if job is not None:
        job_watch.show(job, key=f"{key}_job")


def _scores(view: RunView) -> None:
    """All scores by protocols and over seeds that jobs of this run gave."""
    rows = protocol_scores.rows(view.workspace, view.run)
    if not rows:
        return
    table = frame(rows)
    numbers = {name: st.column_config.NumberColumn(format="%.2f") for name in ("mIoU", "±", "Matched on these images")}
    with st.container(key="protocol_table"):
        st.dataframe(table, hide_index=True, column_config=numbers)
        download(table, about_run(view.run), name="protocols", key="download_protocols", type="tertiary")


def frame(rows: list[Mapping[str, Any]]) -> pd.DataFrame:
    """A row a score, the newest first; mIoU in percent, its spread over the seeds in points."""
    return pd.DataFrame(
        {
            "Round": [row["round"] for row in rows],
            "Protocol": [WORDS.get(row["protocol"], "As in the run's settings") for row in rows],
            "Data set": [row["dataset"] for row in rows],
            "Seeds": [row["seeds"] for row in rows],
            "mIoU": [row["miou"] for row in rows],
            "±": [row["std"] for row in rows],
            "Matched on": [row["matched_on"] or "" for row in rows],
            "Matched on these images": [row["matched_here"] for row in rows],
        }
    )
