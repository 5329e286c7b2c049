"""The files of figures: what they say, and that no figure is shown without them."""

import ast
import io

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from app.components.clusters.encoders_panel import curves as encoder_curves
from app.components.clusters.how_many_panel import figure as how_many_figure
from app.components.filter.filter_curve import filter_curve
from app.components.shared import figure_files
from app.components.shared.score_table import About, as_csv
from app.components.training import training_figures
from comus_core.clustering.curves import Curve
from comus_core.evaluation.report import CurvePoint
from comus_core.workspace.trainings import Preview
from tests.app.serving import ROOT

SAID = About("run-1", "/data/<b>photos</b>", True, "supervised: masks · basnet: non-commercial licence", "majority", "")
STEPS = {1: [{"step": 1, "loss": 2.0, "rate": 0.1, "images_per_second": 3.0}], 2: []}
CURVE = Curve("stability", np.array([2, 3]), np.array([0.5, 0.75]), 3, "it is stable")
POINTS = [{"clusters": 2, "silhouette": 0.5}, {"clusters": 3, "silhouette": 0.75}]
ENCODERS = {"encoders": [{"encoder": "dino-vits8", "reason": None, "curve": POINTS, "best": 3}]}
FIGURES = {
    "filter": filter_curve([CurvePoint(0.0, 9, 1.0, 40.0), CurvePoint(50.0, 5, 0.55, 42.0)], 50.0, 42.0, 0.55),
    "loss": training_figures.loss_curve(STEPS),
    "rate": training_figures.rate_curve(STEPS),
    "speed": training_figures.speed_curve(STEPS),
    "looks": training_figures.preview_curve(STEPS, [Preview("n", 1, 1, 31.5, 8)]),
    "rounds": training_figures.round_bars([{"round": 0, "miou": 40.0}, {"round": 1, "miou": 41.25}]),
    "how many": how_many_figure(CURVE, 5),
    "encoders": encoder_curves(ENCODERS),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_names_both_axes_and_keeps_them_in_its_picture(name):
    figure, printed = FIGURES[name], figure_files.printed(FIGURES[name], "A <title>", SAID)
    assert figure.layout.xaxis.title.text and figure.layout.yaxis.title.text
    assert printed.layout.xaxis.title.text == figure.layout.xaxis.title.text
    assert printed.layout.yaxis.title.text == figure.layout.yaxis.title.text
    assert [t.type for t in printed.data] == [t.type for t in figure.data]
    assert figure.layout.title.text is None, "the picture is a copy"


def test_the_picture_says_whose_numbers_it_shows_and_takes_no_markup_from_names():
    printed = figure_files.printed(FIGURES["rounds"], "A <title>", SAID)
    below = printed.layout.title.subtitle.text
    assert printed.layout.title.text == "A &lt;title&gt;"
    assert "supervised: masks · basnet: non-commercial licence" in below.replace("<br>", " ")
    assert "&lt;b&gt;photos&lt;/b&gt;" in below and "synthetic scenes" in below and "majority matching" in below


def test_the_csv_holds_each_point_at_full_precision_under_the_names_of_the_axes():
    rows = pd.read_csv(io.StringIO(as_csv(figure_files.frame(FIGURES["filter"]), SAID).decode("utf-8-sig")))
    miou = rows[rows["series"] == "mIoU"]
    assert miou["filter (%)"].tolist() == [0.0, 50.0] and miou["mIoU, kept (%)"].tolist() == [40.0, 42.0]
    kept = rows[rows["series"] == "kept"]["mIoU, kept (%)"]
    assert kept.tolist() == [100.0, 100 * 0.55]
    assert set(rows["supervision"]) == {SAID.supervision} and set(rows["run"]) == {"run-1"}


def test_the_csv_of_a_table_of_cells_has_a_row_a_cell():
    figure = go.Figure(go.Heatmap(x=["a", "b"], y=["p", "q"], z=[[1, 2], [3, 4]], name="pixels"))
    figure.update_xaxes(title="truth").update_yaxes(title="predicted")
    rows = figure_files.frame(figure)
    assert rows.set_index(["truth", "predicted"])["pixels"].to_dict() == {
        ("a", "p"): 1,
        ("b", "p"): 2,
        ("a", "q"): 3,
        ("b", "q"): 4,
    }


def test_no_plotly_figure_is_drawn_but_through_the_shared_component():
    drawn, untitled = [], []
    for path in [*(ROOT / "app").rglob("*.py"), *(ROOT / "pages").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                drawn += [path.name] if node.func.attr == "plotly_chart" else []
                shown = ast.unparse(node.func) == "figures.show"
                untitled += [path.name] if shown and "title" not in {k.arg for k in node.keywords} else []
    maps = ["plain_map.py"]  # the map where WebGL is missing: drawn around in, not printed
    assert sorted(drawn) == ["figures.py", *maps] and untitled == []
