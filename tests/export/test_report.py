"""A report: self-contained, every text escaped, its figures those of the scores."""

import base64
import io
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from PIL import Image

from comus_core import curation, discover, make_config, report
from comus_core.errors import SettingsError, WorkspaceError
from comus_core.export.report import content_of
from comus_core.export.reports.line_chart import Line, line_chart
from comus_core.export.reports.markdown import escaped
from comus_core.pipelines.model_selection import badge
from comus_core.pipelines.train import train
from comus_core.pipelines.verb_settings import ReportSettings
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_view import open_run_view
from comus_core.scoring.round_scores import score_round
from comus_core.settings import merge
from comus_core.training import TrainSettings, make_training
from comus_core.weights.registry import Supervision, strongest
from tests.builders import TINY_TRAINING, copy_of

EVIL = '<script>alert("1")</script> | `x`'


class Parsed(HTMLParser):
    """The elements, their attributes, and the text of cells, of an HTML file."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.open, self.cells = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "td":
            self.cells.append("")
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "td" in self.open:
            self.cells[-1] += data


@pytest.fixture(scope="module")
def trained(finished, tmp_path_factory):
    """(workspace, run): a copy of the small finished run, trained for one round, with a hostile name of a cluster."""
    workspace, run = copy_of(finished, tmp_path_factory.mktemp("report"))
    train(run, workspace, TrainSettings(make_training(**TINY_TRAINING)))
    curation.rename(open_run_view(workspace, run), 1, EVIL)
    workspace.runs.describe(run.id, name=f"run {EVIL}")
    return workspace, workspace.runs.get(run.id)


@pytest.fixture(scope="module")
def page(trained):
    workspace, run = trained
    return content_of([run], workspace).decode()


def test_the_page_is_one_file_without_script_or_any_other_address(page):
    found = Parsed(page)
    assert "script" not in found.tags and not {"link", "iframe", "object"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on") or name == "href"]
    sources = [value for name, value in found.attributes if name == "src"]
    assert len(sources) > 20 and all(value.startswith("data:image/jpeg;base64,") for value in sources)
    assert "http" not in re.sub(r"data:image/jpeg;base64,[\w+/=]+", "", page).replace("http-equiv", "")
    for value in sources[:5]:
        with Image.open(io.BytesIO(base64.b64decode(value.partition(",")[2]))) as picture:
            picture.load()


def test_every_text_is_escaped(page):
    assert EVIL not in page
    assert any(EVIL in cell for cell in Parsed(page).cells)


def test_figures_hashes_and_settings_are_those_of_the_run(trained, page):
    workspace, run = trained
    cells = Parsed(page).cells
    for number in (0, 1):
        one = RunRound(run, number, workspace.trainings.of_run(run.id)[0] if number else None)
        scored = score_round(workspace, one)
        assert cells[cells.index(one.key) + 1] == f"{scored.score.miou:.2f}"
    for fingerprint in run.artifacts.values():
        assert fingerprint in cells
    assert cells[cells.index("clustering.neighbours") + 1] == "6"
    assert run.provenance["manifest"] in cells
    training = workspace.trainings.of_run(run.id)[0]
    assert set(training.artifacts.values()) <= set(cells)
    batch = training.settings["training"]["optimisation"]["batch"]
    assert cells[cells.index(f"{training.id}: training.optimisation.batch") + 1] == str(batch)
    owed = strongest([Supervision(**run.provenance["supervision"]), Supervision(**training.result["supervision"])])
    assert badge(asdict(owed)) in page
    assert "training loss" in page and page.count("<polyline") == 3


def test_a_comparison_tells_the_settings_that_differ_and_the_classes_side_by_side(finished, drawn_settings, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    other = discover(make_config(**merge(drawn_settings, {"seed": 5, "filter_percent": 40.0})), workspace)
    written = report(workspace, ReportSettings((run.id, other.id), str(tmp_path / "both.html")))
    assert written.path.stat().st_size == written.bytes and written.runs == (run.id, other.id)
    cells = Parsed(written.path.read_text()).cells
    place = cells.index("seed")
    assert cells[place + 1 : place + 3] == ["0", "5"]
    place = cells.index("filter_percent")
    assert cells[place + 1 : place + 3] == ["20.0", "40.0"]
    place = cells.index("disc")
    scores = [score_round(workspace, RunRound(one, 0)).score.per_class["disc"] for one in (run, other)]
    assert cells[place + 1 : place + 3] == [f"{score:.2f}" for score in scores]


def test_markdown_has_the_same_tables_and_nothing_in_it_is_taken_for_markup(trained, tmp_path):
    workspace, run = trained
    written = report(workspace, ReportSettings((run.id,), str(tmp_path / "r.md")))
    text = written.path.read_text()
    rendered = MarkdownIt("commonmark").enable("table").render(text)
    cells = Parsed(rendered).cells
    assert "<script>" not in rendered and any(EVIL in cell for cell in cells)
    assert f"{score_round(workspace, RunRound(run, 0)).score.miou:.2f}" in cells
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) >= 3
    assert escaped("a_b\n# <c>") == "a\\_b \\# \\<c\\>"


def test_without_ground_truth_there_are_clusters_and_curves_but_no_scores(drawn_settings, tmp_path, finished):
    workspace, _ = copy_of(finished, tmp_path)
    settings = merge(drawn_settings, {"truth": {"read": False}, "clustering": {"clusters": 3}})
    run = discover(make_config(**settings), workspace)
    text = content_of([run], workspace).decode()
    assert "Failures" not in text and "Cluster quality" not in text
    assert text.count("<polyline") == 1  # coverage
    assert "cluster 0: " in text


def test_images_that_are_gone_are_left_out(finished, tmp_path):
    workspace, run = finished

    def refused(image_id, path):
        raise WorkspaceError("not here")

    text = content_of([run], workspace, readable=refused).decode()
    assert "<img" not in text and "images of lowest IoU" in text


def test_what_cannot_be_written_is_refused(finished, tmp_path):
    workspace, run = finished
    with pytest.raises(SettingsError, match=r"a file that ends in .html or .md"):
        ReportSettings((run.id,), "report.pdf")
    with pytest.raises(SettingsError, match="given twice"):
        ReportSettings((run.id, run.id), "r.html")
    (tmp_path / "mine.html").write_text("mine")
    with pytest.raises(SettingsError, match="COMUS did not write the existing file"):
        report(workspace, ReportSettings((run.id,), str(tmp_path / "mine.html")))
    without = replace(run, artifacts={})
    with pytest.raises(WorkspaceError, match="has no clusters yet"):
        content_of([without], workspace)


def test_a_chart_leaves_out_what_is_no_number_and_escapes_its_titles():
    drawn = line_chart([Line("<a>", [(0, 1), (1, float("nan")), (2, 3)]), Line("b", [(0, 0)])], "x & y", "<z>")
    assert drawn.count("<polyline") == 2 and "nan" not in drawn
    assert "x &amp; y" in drawn and "&lt;z&gt;" in drawn and "<a>" not in drawn
    assert line_chart([Line("a", [(0, float("nan"))])], "x", "y") == ""
