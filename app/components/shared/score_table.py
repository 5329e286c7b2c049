"""The two tables of a score, as shown and as downloaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from comus_core.files.csv_file import csv_bytes
from comus_core.pipelines.model_selection import badge
from comus_core.runs.run_view import RunView
from comus_core.scoring.score_tables import ClassRow, MatchRow
from comus_core.types import FloatArray
from comus_core.workspace import Run

ROW_HEIGHT = 33


@dataclass(frozen=True)
class About:
    """Where the numbers of a table come from: printed on everything that leaves the app."""

    run: str
    dataset: str
    synthetic: bool
    supervision: str
    matching: str
    proposals: str

    def columns(self) -> dict[str, str | bool]:
        """Columns with the same value in every row."""
        return {k: getattr(self, k) for k in ("run", "dataset", "synthetic", "supervision", "matching", "proposals")}


def about(view: RunView, matching: str, proposals: str) -> About:
    """Where the run's numbers come from."""
    return about_run(view.run, matching, proposals)


def about_run(run: Run, matching: str = "", proposals: str = "", supervision: Mapping[str, str] | None = None) -> About:
    """The same of a stored run; `supervision` is that of a training of it, which may be stronger."""
    provenance = run.provenance
    labels = dict(supervision or provenance["supervision"])
    words = badge(labels, tuple(provenance.get("non_commercial", ())))
    return About(run.id, run.config.dataset, bool(provenance.get("synthetic")), words, matching, proposals)


def class_frame(
    rows: Sequence[ClassRow], sizes: FloatArray | None = None, against: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """A row a class; `against` is the IoU to subtract of those classes of which it is known."""
    columns: dict[str, list[object]] = {"Class": [r.name for r in rows], "IoU": [r.iou for r in rows]}
    if against is not None:
        columns["Difference"] = [r.iou - against[r.name] if r.name in against else None for r in rows]
    columns |= {"Recall": [r.recall for r in rows], "Precision": [r.precision for r in rows]}
    columns["Pixels"] = [r.pixels for r in rows]
    if sizes is not None:
        columns["Size"] = list(sizes)
    return pd.DataFrame(columns | {"Matched clusters": [", ".join(r.found_by) for r in rows]})


def match_frame(rows: Sequence[MatchRow]) -> pd.DataFrame:
    """A row a cluster, the predicted background first."""
    return pd.DataFrame(
        {
            "Cluster": [r.name for r in rows],
            "Matched class": [r.class_name or "no class" for r in rows],
            "IoU": [r.iou for r in rows],
            "Purity": [r.purity for r in rows],
            "Confused with": [r.runner_up or "" for r in rows],
            "Pixels": [r.pixels for r in rows],
        }
    )


def table_height(rows: int, most: int = 620) -> int:
    """Pixels for a table of so many rows: without empty ones below, and scrolled where they are many."""
    return min(most, ROW_HEIGHT * (rows + 1) + 3)


def percent_column(width: int, help: str) -> ColumnConfig:
    """A bar from 0 to 100 with its value."""
    return st.column_config.ProgressColumn(width=width, help=help, min_value=0, max_value=100, format="%.1f")


def show_classes(frame: pd.DataFrame) -> None:
    """Draw the table of classes; a click on a column's head sorts."""
    st.dataframe(
        frame,
        key="class_table",
        hide_index=True,
        height=table_height(len(frame)),
        column_config={
            "IoU": percent_column(130, "Intersection over union, percent"),
            "Difference": st.column_config.NumberColumn(format="%+.2f", help="IoU minus the reference IoU, in points"),
            "Size": st.column_config.NumberColumn(
                format="%.1f", help="Mean share of the image, over the images that contain the class, percent"
            ),
            "Recall": st.column_config.NumberColumn(
                format="%.1f", help="Share of the true pixels of the class that are predicted correctly, percent"
            ),
            "Precision": st.column_config.NumberColumn(
                format="%.1f", help="Share of the pixels predicted as the class that are correct, percent"
            ),
            "Pixels": st.column_config.NumberColumn(format="compact", help="In the ground truth"),
            "Matched clusters": st.column_config.TextColumn(help="Clusters matched to the class"),
        },
    )


def show_matches(frame: pd.DataFrame) -> None:
    """Draw the matching: the class of each cluster."""
    st.dataframe(
        frame,
        key="match_table",
        hide_index=True,
        height=table_height(len(frame)),
        column_config={
            "IoU": percent_column(110, "IoU of this cluster alone, percent"),
            "Purity": st.column_config.NumberColumn(
                format="%.1f", help="Share of the cluster's pixels that belong to the matched class, percent"
            ),
            "Confused with": st.column_config.TextColumn(help="The class with the second largest share of its pixels"),
            "Pixels": st.column_config.NumberColumn(format="compact"),
        },
    )


def as_csv(frame: pd.DataFrame, said: About | None) -> bytes:
    """The table as CSV for a spreadsheet, full precision; with the run and its supervision in every row, if any."""
    rows = frame.assign(**said.columns()) if said else frame
    return csv_bytes({str(name): rows[name].tolist() for name in rows}, bom=True)


def download(
    frame: pd.DataFrame, said: About, *, name: str, key: str, type: Literal["secondary", "tertiary"] = "secondary"
) -> None:
    """A button for the table as CSV."""
    st.download_button(
        "CSV",
        lambda: as_csv(frame, said),
        f"{said.run}-{name}.csv",
        "text/csv",
        key=key,
        icon=":material/download:",
        on_click="ignore",
        type=type,
    )
