"""The paper's tables computed on small data: their rows are those of the verbs."""

import csv
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from comus_core import TableSettings, curation, evaluate, open_workspace, paper_table
from comus_core.cli.main import cli
from comus_core.errors import SettingsError
from comus_core.pipelines.paper_tables.stored_tables import stored_tables
from comus_core.pipelines.verb_settings import EvaluateSettings
from comus_core.runs.run_round import find_round
from comus_core.runs.run_view import open_run_view
from comus_core.settings import to_dict

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def teacher(small):
    """Table 5 without the student."""
    workspace, settings = small
    return paper_table(workspace, replace(settings, rows=("k-means", "spectral", "iteration 1")), device="cpu")


def _kept(workspace):
    """The runs, the trainings, and when each artifact was written."""
    files = {path: path.stat().st_mtime_ns for path in workspace.root.glob("artifacts/*/*/manifest.json")}
    runs = [run.id for run in workspace.runs.all(archived=True)]
    return runs, [training.id for run in runs for training in workspace.trainings.of_run(run)], files


def test_rows_are_those_of_the_verbs_and_a_second_call_computes_nothing(small, teacher):
    workspace, settings = small
    by_name = {row["name"]: row for row in teacher["rows"]}
    assert [row["name"] for row in teacher["rows"][:3]] == ["k-means", "spectral", "iteration 1"]
    for row in teacher["rows"][:3]:
        run, _, number = row["subjects"][0].rpartition("@")
        scored = evaluate(
            find_round(workspace, run, int(number)), workspace, EvaluateSettings(protocol="comus"), device="cpu"
        )
        assert row["values"] == [scored["evaluation"]["miou"]] and row["mean"] == row["values"][0]
        assert row["supervision"] == scored["supervision"]
    assert by_name["spectral"]["published"]["value"] == 41.8 and by_name["spectral"]["difference"] is None
    assert by_name["Iteration 2"]["kind"] == "published" and by_name["Iteration 2"]["mean"] is None
    before = _kept(workspace)
    assert (
        paper_table(workspace, replace(settings, rows=("k-means", "spectral", "iteration 1")), device="cpu") == teacher
    )
    assert _kept(workspace) == before


def test_more_clusters_are_matched_by_majority(small):
    workspace, settings = small
    result = paper_table(workspace, replace(settings, number="8", clusters=(4,), rows=("4 clusters",)), device="cpu")
    [ours] = [row for row in result["rows"] if row["kind"] == "measured"]
    run = workspace.runs.find(ours["subjects"][0].partition("@")[0])
    assert result["protocol"] == ours["more"]["matching"] == "majority" and run.result["clusters"] == 4
    assert run.name == "table 8: 4 clusters"


def test_several_seeds_have_a_mean_and_a_spread(small):
    workspace, settings = small
    rows = ("20 neighbours",)
    result = paper_table(workspace, replace(settings, number="10", seeds=(0, 3), rows=rows), device="cpu")
    ours = result["rows"][0]
    assert len(ours["values"]) == 2 and ours["mean"] == pytest.approx(sum(ours["values"]) / 2) and ours["std"] >= 0


def test_as_many_components_as_clusters_are_the_clusters_themselves(small, teacher, monkeypatch):
    from comus_core.pipelines.paper_tables import clustering_tables

    monkeypatch.setattr(clustering_tables, "COMPONENTS", (3, 10))
    workspace, settings = small
    rows = ("3 components", "10 components")
    result = paper_table(workspace, replace(settings, number="10", rows=rows), device="cpu")
    same, more = result["rows"][:2]
    assert same["mean"] == next(row["mean"] for row in teacher["rows"] if row["name"] == "spectral")
    assert more["more"]["components"] == 10 and 0 < more["mean"] <= 100


def test_detectors_are_compared_and_one_that_is_missing_is_left_out(small, monkeypatch):
    workspace, settings = small
    plain = TableSettings("6", dataset=settings.dataset, detectors=("mbd", "rbd", "basnet"))
    result = paper_table(workspace, plain, device="cpu")
    ours = {row["name"]: row for row in result["rows"] if row["kind"] == "measured"}
    assert 0 < ours["mbd"]["mean"] < 100 and ours["mbd"]["mean"] != ours["rbd"]["mean"]
    assert ours["basnet"]["mean"] is None and "comus weights download basnet" in ours["basnet"]["missing"][0]
    assert ours["basnet"]["published"]["value"] == 51.0
    assert result["supervision"] == {"direct": "none", "inherited": "none"}


def test_an_edited_run_is_no_row(small, tmp_path):
    _, settings = small
    workspace, rows = open_workspace(tmp_path / "w"), ("k-means",)
    first = paper_table(workspace, replace(settings, rows=rows), device="cpu")
    run = workspace.runs.find(first["rows"][0]["subjects"][0].partition("@")[0])
    curation.merge(open_run_view(workspace, run), [0, 1])
    with pytest.raises(SettingsError, match="its clusters were edited"):
        paper_table(workspace, replace(settings, rows=rows), device="cpu")


@pytest.mark.slow
def test_the_student_has_its_row_too(small):
    workspace, settings = small
    result = paper_table(workspace, replace(settings, number="1"), device="cpu")
    ours = [row for row in result["rows"] if row["kind"] == "measured"]
    assert [row["mean"] is not None for row in ours] == [True] * 3


def test_the_last_result_of_each_table_is_kept(small, teacher):
    workspace, _ = small
    kept = [result for result in stored_tables(workspace) if result["table"] == "5"]
    assert kept[0]["rows"] == json.loads(json.dumps(teacher["rows"])) and kept[0]["computed_at"] > 0


def test_the_command_prints_plans_and_writes_files(small, teacher, tmp_path):
    workspace, settings = small
    place, file = ["--workspace", str(workspace.root), "--device", "cpu"], tmp_path / "t.tex"
    run = find_round(workspace, teacher["rows"][1]["subjects"][0].partition("@")[0], 0).run
    config = tmp_path / "s.json"
    config.write_text(json.dumps(to_dict(run.config)))
    words = ["table", "5", "--dataset", str(settings.dataset), "--config", str(config), "--rows", "spectral"]
    planned = CliRunner().invoke(cli, [*words, "--plan", *place], catch_exceptions=False)
    assert planned.exit_code == 0 and "1 of 1 rows; estimate:" in planned.output and "41.80" not in planned.output
    done = CliRunner().invoke(cli, [*words, "--out", str(file), "--format", "csv", *place], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    value = teacher["rows"][1]["mean"]
    printed = {line[0]: line for line in csv.reader(done.stdout.splitlines()) if line}
    assert float(printed["spectral"][1]) == value and f"spectral & {value:.2f} & 41.80" in file.read_text()
