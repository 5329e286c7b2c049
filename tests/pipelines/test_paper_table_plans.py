"""The paper's tables before they are computed, and as they are written: plans, published rows, formats."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from comus_core import TableSettings, open_workspace, paper_table
from comus_core.cli.main import cli
from comus_core.config import TruthSettings
from comus_core.errors import DatasetError, SettingsError
from comus_core.pipelines.paper_tables.measuring import Measured
from comus_core.pipelines.paper_tables.paper_table import result_json
from comus_core.pipelines.paper_tables.registry import TABLES, chosen_rows
from comus_core.pipelines.paper_tables.table_data import data_of
from comus_core.pipelines.paper_tables.table_formats import HEAD, csv_of, formatted, latex, markdown_of, text_of
from comus_core.pipelines.paper_tables.table_plan import plan_table
from comus_core.pipelines.paper_tables.table_settings import NUMBERS
from comus_core.scoring.paper_scores import COCO_ROWS, VOC_ROWS
from comus_core.scoring.published_rows import PUBLISHED_ROWS
from tests.builders import draw_folder
from tests.datasets.test_coco import coco  # noqa: F401

TINY_VOC = ("2007_000001", "2007_000002")


@pytest.fixture(scope="module")
def made(small):
    """A result with values that nobody computed, to be written."""
    workspace, settings = small
    plan = plan_table(settings, workspace)
    owed = {"direct": "masks", "inherited": "none"}
    found = {
        "spectral": [Measured(38.5, 30, owed, (), "run-1@0"), Measured(40.25, 30, owed, (), "run-2@0")],
        "k-means": [Measured(1 / 3, 30, owed, ("basnet",), "run-3@0")],
    }
    return result_json(plan, settings, found)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.delenv("COMUS_DATA", raising=False)
    return open_workspace(tmp_path / "w")


def test_every_published_row_says_where_it_is_from_and_how_it_was_scored():
    assert set(PUBLISHED_ROWS) == set(TABLES) == set(NUMBERS)
    for rows in PUBLISHED_ROWS.values():
        assert len({row.name for row in rows}) == len(rows)
        assert all(row.source and row.protocol and row.data and 0 < row.value < 100 for row in rows)


def test_published_values_are_those_that_runs_are_compared_with():
    by_name = {row.name: row for row in PUBLISHED_ROWS["1"]}
    assert [(by_name[row.name].value, by_name[row.name].spread) for row in VOC_ROWS] == [
        (row.miou, row.spread) for row in VOC_ROWS
    ]
    assert [row.value for row in PUBLISHED_ROWS["3"][:2]] == [row.miou for row in COCO_ROWS]


@pytest.mark.parametrize("number", NUMBERS)
def test_every_row_that_is_held_against_a_published_one_finds_it(number):
    settings = TableSettings(number)
    rows = chosen_rows(settings)
    assert len({row.name for row in rows}) == len(rows) > 0
    held = {row.published for row in rows} - {""}
    assert held <= {row.name for row in PUBLISHED_ROWS[number]}
    assert all(settings.config("demo", row.changes, 0) for row in rows)  # their settings are valid


def test_the_rule_of_cocos_few_pixels_is_applied_or_named(workspace, coco):  # noqa: F811
    settings = TableSettings("3", dataset=f"coco:{coco}:val2017")
    plain = plan_table(settings, workspace)
    assert plain.data["scored"].images == 2 and not plain.comparable
    assert "fewer than 1,000 labelled pixels: `--preset paper-coco`" in plain.notes[0]
    ruled = replace(settings, truth=TruthSettings(least_pixels=60))
    one = data_of(TABLES["3"], ruled, workspace)["scored"]
    assert (one.images, one.left_out) == (1, 1) and "1 image, without 1 with few labelled pixels" in one.words
    assert replace(plain, least_pixels=1000).notes == ()


@pytest.mark.parametrize(
    ("words", "features", "percent"),
    [
        ((), "raw", 20.0),
        (("--set", "clustering.features=l2"), "l2", 20.0),  # a default that is said counts more than a preset
        (("--filter-percent", "0"), "raw", 0.0),
    ],
)
def test_what_the_command_line_says_counts_more_than_a_preset(tmp_path, monkeypatch, words, features, percent):
    monkeypatch.delenv("COMUS_DATA", raising=False)
    folder, file = draw_folder(tmp_path / "shapes", count=4, empty=0), tmp_path / "table.json"
    given = ["table", "5", "--preset", "paper-voc", "--dataset", str(folder), "--plan", *words]
    done = CliRunner().invoke(cli, [*given, "--workspace", str(tmp_path / "w"), "--json", str(file)])
    assert done.exit_code == 0, done.output
    used = json.loads(file.read_text())["settings"]
    assert (used["clustering"]["features"], used["filter_percent"]) == (features, percent)
    assert used["saliency"]["detector"] == "basnet" and used["training"]["epochs"] == 10


def test_a_plan_says_what_is_missing_and_how_to_get_it(workspace, tmp_path):
    plan = plan_table(TableSettings("1"), workspace)
    assert not plan.can_start and plan.seconds == 0
    said = "\n".join(plan.lines)
    assert "comus datasets download voc2012 --to FOLDER" in said and "voc2012-trainaug" in said
    with pytest.raises(DatasetError, match="PASCAL VOC 2012 val is not here"):
        paper_table(workspace, TableSettings("1"), device="cpu")
    searched = plan_table(TableSettings("12", root=str(tmp_path)), workspace)
    assert f"looked for in {tmp_path}" in searched.missing[0] and "classes:FOLDER" in searched.missing[0]


def test_a_plan_says_which_weights_a_row_lacks(workspace, drawn, monkeypatch, tmp_path):
    monkeypatch.setenv("COMUS_WEIGHTS", str(tmp_path / "none"))
    settings = TableSettings(
        "7", dataset=str(drawn), supervised="basnet-supervised", rows=("iteration 0, supervised saliency",)
    )
    plan = plan_table(settings, workspace)
    assert not plan.can_start and "comus weights import basnet-supervised FILE" in plan.rows[0].missing[0]
    with pytest.raises(SettingsError, match="no row of table 7 can be computed here"):
        paper_table(workspace, settings, device="cpu")


def test_the_estimate_counts_what_rows_share_once(small):
    workspace, settings = small
    every = plan_table(settings, workspace)
    alone = [plan_table(replace(settings, rows=(row.row.name,)), workspace).seconds for row in every.rows]
    assert every.can_start and 0 < every.seconds < sum(alone)
    twice = plan_table(replace(settings, seeds=(0, 1)), workspace).seconds
    assert every.seconds < twice < 2.01 * every.seconds


def test_data_sets_below_a_root_are_found_and_said_to_be_partial(workspace, tmp_path):
    voc = tmp_path / "VOCdevkit" / "VOC2012"
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (voc / name).mkdir(parents=True)
    for folder in (draw_folder(tmp_path / "drawn", count=2, empty=0),):
        for number, stem in enumerate(TINY_VOC):
            (folder / "images" / f"{number:03d}.png").rename(voc / "JPEGImages" / f"{stem}.png")
    (voc / "ImageSets/Segmentation/val.txt").write_text("\n".join(TINY_VOC))
    found = data_of(TABLES["6"], TableSettings("6", root=str(tmp_path)), workspace)["scored"]
    assert found.images == 2 and not found.complete and not found.own
    assert "2 images; not the paper's PASCAL VOC 2012 val, of which there are 1,449" in found.words
    plan = plan_table(TableSettings("6", root=str(tmp_path)), workspace)
    assert not plan.comparable


def test_named_data_sets_stand_in_for_the_papers(small, tmp_path):
    workspace, settings = small
    other = draw_folder(tmp_path / "other", count=6, seed=1)
    settings = replace(settings, more=None)
    data = data_of(TABLES["1"], replace(settings, number="1", train=str(other)), workspace)
    assert [data[role].dataset for role in ("scored", "train", "more")] == [settings.dataset, str(other), str(other)]
    drawn = data_of(TABLES["1"], replace(settings, number="1", images=5), workspace)["scored"]
    assert drawn.images == len(drawn.only) == 5 and "drawn at random" in drawn.words


def test_unknown_rows_and_values_are_refused():
    with pytest.raises(SettingsError, match="row 'x': table 5 has k-means; spectral"):
        chosen_rows(TableSettings("5", rows=("x",)))
    for wrong in ({"number": "11"}, {"number": "1", "seeds": ()}, {"number": "1", "out": "t.doc"}):
        with pytest.raises(SettingsError):
            TableSettings(**wrong)
    with pytest.raises(SettingsError, match="images draws from one data set"):
        TableSettings("1", dataset="demo", train="demo", images=3)


def test_csv_gives_back_every_number(made):
    read = list(csv.DictReader(io.StringIO(csv_of(made))))
    assert tuple(read[0]) == HEAD and len(read) == len(made["rows"])
    for line, row in zip(read, made["rows"], strict=True):
        published = row["published"] or {}
        assert line["Row"] == row["name"] and line["Source"] == published.get("source", "")
        for name, value in (("Ours", row["mean"]), ("Published", published.get("value"))):
            assert (float(line[name]) if line[name] else None) == value
        assert line["Supervision"]


def test_latex_escapes_its_own_characters_and_has_as_many_cells_in_each_line(made):
    assert latex("50 % of A_1 & B#2 {x} ~ $") == r"50 \% of A\_1 \& B\#2 \{x\} \textasciitilde{} \$"
    hostile = json.loads(json.dumps(made))
    hostile["rows"][0]["name"] = "a & b_c % \\ |"
    text = formatted(hostile, "latex")
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(lines) == len(made["rows"]) + 1
    assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {6}
    assert r"a \& b\_c \% \textbackslash{} |" in text and "masks" in text


def test_markdown_has_as_many_cells_in_each_line(made):
    hostile = json.loads(json.dumps(made))
    hostile["rows"][0]["name"] = "a|b\nc"
    lines = [line for line in markdown_of(hostile).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {8}
    assert r"| a\|b c |" in lines[2]


def test_means_spreads_and_differences_are_those_of_the_values(made, small):
    workspace, settings = small
    by_name = {row["name"]: row for row in made["rows"]}
    ours = by_name["spectral"]
    assert (ours["mean"], ours["std"]) == (39.375, pytest.approx(1.75 / 2**0.5))
    assert ours["published"]["value"] == 41.8 and ours["difference"] is None  # on other images
    assert by_name["iteration 1"]["mean"] is None and "Spectral clustering" not in by_name
    assert made["supervision"] == {"direct": "masks", "inherited": "none"} and made["non_commercial"] == ["basnet"]
    plan = plan_table(settings, workspace)
    papers = replace(plan.data["scored"], dataset="voc:/data/VOCdevkit/VOC2012:val", images=1449)
    same = replace(plan, data=plan.data | {"scored": papers})
    owed = {"direct": "none", "inherited": "none"}
    rows = result_json(same, settings, {"spectral": [Measured(40.0, 1449, owed, (), "run@0")]})["rows"]
    assert rows[1]["difference"] == pytest.approx(-1.8)


def test_a_terminal_shows_both_values_and_every_source(made):
    text = text_of(made)
    assert re.search(r"spectral +39\.38 ± 1\.24 +41\.80 ± 0\.10 +\[1\] +supervised: masks", text)
    assert "[1] Zadaianchuk et al., arXiv 2207.05027, Table 5" in text and "none is given" in text
