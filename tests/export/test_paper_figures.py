"""The paper's figures from a run: 3 as a picture, 9 as a page, and the data behind both; others are refused."""

import csv
import io
import json

import numpy as np
import pytest
from PIL import Image

from comus_core import FigureSettings, paper_figure
from comus_core.errors import SettingsError
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.cluster_summary import summaries
from comus_core.scoring.round_scores import score_round


def written(finished, tmp_path, number, name):
    workspace, run = finished
    made = paper_figure(workspace, FigureSettings(number, str(tmp_path / name), run.id))
    assert made.run == f"{run.id}@0" and made.bytes == (tmp_path / name).stat().st_size > 0 and made.supervision
    return (tmp_path / name).read_bytes()


def test_figure_3_shows_a_line_a_cluster_with_green_and_red_frames(finished, tmp_path):
    picture = np.asarray(Image.open(io.BytesIO(written(finished, tmp_path, "3", "f.png"))))
    view = open_run_view(*finished)
    listed = summaries(view, finished[0].decisions_of(finished[1]))
    assert picture.shape[0] == 28 + 100 * len(listed)
    for colour in ((26, 152, 80), (215, 48, 39)):
        assert (picture == colour).all(axis=2).any()


def test_the_data_of_figure_3_holds_every_proposal_once_with_its_side(finished, tmp_path):
    rows = list(csv.DictReader(io.StringIO(written(finished, tmp_path, "3", "f.csv").decode())))
    view = open_run_view(*finished)
    kept = view.kept(finished[0].decisions_of(finished[1]))
    side = dict(zip(view.proposals.proposal_id.tolist(), np.where(kept, "core", "filtered").tolist(), strict=True))
    assert {row["proposal_id"]: row["side"] for row in rows} == side and len(rows) == len(view)


def test_figure_9_has_a_point_for_each_class_and_the_correlation(finished, tmp_path):
    found = json.loads(written(finished, tmp_path, "9", "f.json"))
    scored = score_round(finished[0], RunRound(finished[1], 0))
    assert {row["class"]: row["iou"] for row in found["rows"]} == {
        name: iou for name, iou in scored.score.per_class.items() if name != "background"
    }
    assert [row["size"] for row in found["rows"]] == [float(size) for size in scored.sizes[1:]]
    assert found["rho"] == scored.correlation.rho
    page = written(finished, tmp_path, "9", "f.html").decode()
    assert "Plotly.newPlot" in page and "disc" in page and 'src="http' not in page


def test_figures_of_which_nothing_is_known_here_are_refused():
    for number in ("5", "6", "8", "10"):
        with pytest.raises(SettingsError, match=f"figure {number}: what the paper's figure shows is not documented"):
            FigureSettings(number, "f.html")
    with pytest.raises(SettingsError, match=r"ends in \.png"):
        FigureSettings("3", "f.html")


def test_a_file_of_somebodys_stays(finished, tmp_path):
    (tmp_path / "f.csv").write_text("mine")
    with pytest.raises(SettingsError, match="COMUS did not write"):
        written(finished, tmp_path, "9", "f.csv")
