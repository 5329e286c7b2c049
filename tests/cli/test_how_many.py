"""`comus how-many`, and `--clusters auto` and `--assign` on the command line."""

import json
import shutil

import pytest
from click.testing import CliRunner

from comus_core.cli.main import cli
from comus_core.cli.run import config_of, run
from comus_core.pipelines.how_many import stored_how_many
from comus_core.workspace import open_workspace


def test_the_curves_are_printed_with_their_suggestions_and_written_as_json(finished, tmp_path):
    workspace, made = finished
    shutil.copytree(workspace.root, tmp_path / "w")
    words = [
        "how-many",
        made.id,
        "--most",
        "5",
        "--no-silhouette",
        "--no-evoc",
        "--workspace",
        str(tmp_path / "w"),
        "--json",
        str(tmp_path / "f.json"),
    ]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    place = open_workspace(tmp_path / "w")
    found = stored_how_many(place, place.runs.get(made.id))
    assert json.loads((tmp_path / "f.json").read_text()) == found.to_json()
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["stability", "3"] and lines[1].split()[0] == "eigengap"
    assert lines[3].split()[:2] == ["auto", "3"]
    assert next(line for line in lines if line.strip().startswith("3 ")).endswith("◀")


@pytest.mark.parametrize(
    ("words", "clusters"), [(["--clusters", "auto"], "auto"), (["--clusters", "7"], 7), ([], None)]
)
def test_clusters_are_a_number_or_auto(words, clusters):
    given = run.make_context("run", ["demo", *words]).params
    others = ("until", "background", "workspace", "device", "compute", "json_file", "excluded")
    assert config_of(**{k: v for k, v in given.items() if k not in others}).clustering.clusters == clusters


def test_anything_else_is_refused(finished):
    refused = CliRunner().invoke(cli, ["run", "demo", "--clusters", "many"])
    assert refused.exit_code == 2 and "neither a whole number nor auto" in refused.output
    workspace, made = finished
    words = ["evaluate", f"{made.id}@one", "demo", "--workspace", str(workspace.root)]
    refused = CliRunner().invoke(cli, words)
    assert f"{made.id}@one: write RUN@ROUND, such as {made.id}@1" in str(refused.exception)
    refused = CliRunner().invoke(cli, ["evaluate", made.id, "demo", "--assign", "guess"])
    assert refused.exit_code == 2 and "'guess' is not one of 'nearest', 'nystrom'" in refused.output
