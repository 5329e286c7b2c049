"""The figures of the paper from a run (`comus figure`): 3 as one picture, 9 as a page, and the data behind both."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from comus_core.datasets.demo import drawing
from comus_core.errors import ComusError, SettingsError
from comus_core.evaluation.image_rows import DISCOVERED
from comus_core.export.reports.pictures import Readable
from comus_core.files.csv_file import csv_bytes
from comus_core.files.output_file import writable_file, write_output
from comus_core.pipelines.model_selection import badge
from comus_core.pipelines.paper_tables.figure_settings import FigureSettings
from comus_core.runs.run_round import RunRound, find_round, split_round
from comus_core.runs.run_view import RunView, open_run_view
from comus_core.scoring.cluster_summary import ClusterSummary, ordered, summaries
from comus_core.scoring.round_scores import score_round
from comus_core.types import IntArray, OnProgress, Progress, no_progress
from comus_core.workspace import Workspace

CROP, GAP, NAME = 96, 4, 150  # pixels of a crop's side, between crops, and of the column of names
CORE, FILTERED = (26, 152, 80), (215, 48, 39)  # frames, as in the paper's Figure 3


@dataclass(frozen=True)
class WrittenFigure:
    """A figure on disk.

    Attributes:
        figure: its number.
        run: RUN@ROUND that it is of.
        path: of the file.
        bytes: its size.
        supervision: the badge of the round, in words.
        replaced: whether it replaced a file that this program had not written.
    """

    figure: str
    run: str
    path: str
    bytes: int
    supervision: str
    replaced: bool


def paper_figure(
    workspace: Workspace,
    settings: FigureSettings,
    *,
    device: str = "auto",
    on_progress: OnProgress = no_progress,
) -> WrittenFigure:
    """Draw a figure of the paper from a run and write it, or the data behind it.

    Raises:
        SettingsError: the file cannot be written, or a trained round for a figure of clusters.
        WorkspaceError: there is no such run or round, it has no clusters yet, or no ground truth to score it by.
    """
    out = writable_file(Path(settings.out).expanduser(), force=settings.force)
    subject = find_round(workspace, *split_round(settings.run))
    content = content_of(subject, workspace, settings, on_progress=on_progress)
    replaced = write_output(out, content, force=settings.force)
    return WrittenFigure(settings.number, subject.key, settings.out, len(content), _badge(subject), replaced)


def content_of(
    subject: RunRound,
    workspace: Workspace,
    settings: FigureSettings,
    *,
    readable: Readable = lambda _, path: path,
    on_progress: OnProgress = no_progress,
) -> bytes:
    """What `paper_figure` writes. `readable` is called for every image: a server says which it may show.

    Raises:
        SettingsError: a trained round for a figure of clusters.
        WorkspaceError: the run has no clusters yet, or no ground truth to score it by.
    """
    workspace.artifact(subject.run, "clustering")
    if settings.number == "3":
        return _clusters(subject, workspace, settings, readable, on_progress)
    return _sizes(subject, workspace, settings)


def _badge(subject: RunRound) -> str:
    return badge(subject.supervision, tuple(subject.run.provenance.get("non_commercial", ())))


def _clusters(
    subject: RunRound, workspace: Workspace, settings: FigureSettings, readable: Readable, on_progress: OnProgress
) -> bytes:
    """Figure 3: a line a cluster."""
    if subject.training is not None:
        raise SettingsError(f"figure 3 shows the clusters of a run: give {subject.run.id}, without a round")
    view = open_run_view(workspace, subject.run)
    listed = ordered(summaries(view, workspace.decisions_of(subject.run)), "size")
    if not settings.out.lower().endswith(".png"):
        return _table_of(_cluster_rows(view, listed), settings.out)
    title = f"Core (green) and filtered (red) proposals; {subject.run.name}; {_badge(subject)}"
    return cluster_picture(view, listed, settings.crops, title, readable, on_progress)


def _cluster_rows(view: RunView, listed: Sequence[ClusterSummary]) -> list[dict[str, Any]]:
    return [
        {
            "cluster": one.cluster,
            "name": one.name,
            "proposal_id": str(view.proposals.proposal_id[row]),
            "side": side,
            "distance": float(view.distance[row]),
        }
        for one in listed
        for side, rows in (("core", one.core), ("filtered", one.filtered))
        for row in rows.tolist()
    ]


def cluster_picture(
    view: RunView,
    listed: Sequence[ClusterSummary],
    crops: int,
    title: str,
    readable: Readable = lambda _, path: path,
    on_progress: OnProgress = no_progress,
) -> bytes:
    """The PNG: name, core crops from the nearest on, then those farthest from the centre that the filter drops."""
    dropped = max(crops // 2, 1)
    width = NAME + (crops + dropped) * (CROP + GAP) + 4 * GAP
    sheet = Image.new("RGB", (width, 28 + max(len(listed), 1) * (CROP + GAP)), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, 8), title, fill="black")
    line = partial(_line, view, sheet, readable)
    for number, one in enumerate(listed):
        on_progress(Progress("crops", number, len(listed)))
        top = 28 + number * (CROP + GAP)
        draw.text(
            (GAP, top + 8), f"{one.name[:22]}\n{one.size:,} proposals\n{len(one.core):,} in the core", fill="black"
        )
        line(one.core[:crops], NAME, top, CORE)
        line(one.filtered[::-1][:dropped], NAME + crops * (CROP + GAP) + 3 * GAP, top, FILTERED)
    on_progress(Progress("crops", len(listed), len(listed)))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _line(
    view: RunView,
    sheet: Image.Image,
    readable: Readable,
    rows: IntArray,
    left: int,
    top: int,
    frame: tuple[int, int, int],
) -> None:
    masks = view.masks(view.workspace.decisions_of(view.run))
    outline = "#{:02x}{:02x}{:02x}".format(*frame)
    for place, row in enumerate(rows.tolist()):
        x = left + place * (CROP + GAP)
        try:
            image = int(view.image_row[row])
            path = readable(str(view.image_ids[image]), view.image_path(image))
            crop = drawing.crop(path, masks.mask(row), masks.box_xyxy[row], CROP, outline)
        except (ComusError, OSError):  # the image is gone; the rest of the figure stands
            crop = Image.new("RGB", (CROP, CROP), "#dddddd")
        crop.thumbnail((CROP - 4, CROP - 4))
        sheet.paste(crop, (x + 2, top + 2))
        ImageDraw.Draw(sheet).rectangle((x, top, x + crop.width + 3, top + crop.height + 3), outline=frame, width=2)


def _sizes(subject: RunRound, workspace: Workspace, settings: FigureSettings) -> bytes:
    """Figure 9: a point a class."""
    scored = score_round(workspace, subject)
    rows = [
        {"class": name, "size": float(scored.sizes[k]), "iou": iou}
        for k, (name, iou) in enumerate(scored.score.per_class.items())
        if k and np.isfinite(scored.sizes[k])
    ]
    correlation = scored.correlation
    about = {
        "run": subject.key,
        "dataset": scored.dataset,
        "images": len(scored.rows.image_ids),
        "matching": scored.matched.mode,
        "supervision": _badge(subject),
        "rho": correlation.rho,
        "p_value": correlation.p_value,
    }
    if settings.out.lower().endswith(".html"):
        return size_page(rows, about).encode()
    return _table_of(rows, settings.out, about)


def size_page(rows: Sequence[dict[str, Any]], about: dict[str, Any]) -> str:
    """The page, one file that needs no network."""
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_scatter(
        x=[row["size"] for row in rows],
        y=[row["iou"] for row in rows],
        text=[html.escape(str(row["class"])) for row in rows],
        mode="markers+text" if len(rows) <= 30 else "markers",
        textposition="top center",
        hovertemplate="%{text}: size %{x:.1f} %, IoU %{y:.1f} %<extra></extra>",
    )
    figure.add_hline(y=DISCOVERED, line={"width": 1, "dash": "dot"})
    rho = "too few classes" if about["rho"] is None else f"{about['rho']:+.2f} (p = {about['p_value']:.2g})"
    words = f"{about['run']} on {about['dataset']}, {about['images']:,} images, {about['matching']} matching"
    below = html.escape(f"{words}; {about['supervision']}")
    title = f"IoU by class size; Spearman's ρ = {rho}<br><sup>{below}</sup>"
    figure.update_layout(title=title, template="plotly_white", showlegend=False)
    figure.update_xaxes(title="mean share of the image (%)", rangemode="tozero")
    figure.update_yaxes(title="IoU (%)", range=[-3, 108])
    return str(figure.to_html(include_plotlyjs=True, full_html=True))


def _table_of(rows: Sequence[dict[str, Any]], out: str, about: dict[str, Any] | None = None) -> bytes:
    if out.lower().endswith(".json"):
        return (json.dumps({**(about or {}), "rows": list(rows)}, indent=2, ensure_ascii=False) + "\n").encode()
    names = list(rows[0]) if rows else []
    return csv_bytes({name: [row[name] for row in rows] for name in names})
