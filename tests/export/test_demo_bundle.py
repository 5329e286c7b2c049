"""The demo run that ships with the program: small, of this version's format, opened once, and open to decisions."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from comus_core import curation, open_workspace
from comus_core.cli.main import cli
from comus_core.errors import WorkspaceError
from comus_core.export.bundle import FORMAT
from comus_core.export.bundle_opening import open_bundle
from comus_core.export.demo_bundle import DEMO, DEMO_BUNDLE, demo_listing
from comus_core.pipelines.train import train
from comus_core.runs.run_truth import truth_of_run
from comus_core.runs.run_view import open_run_view
from comus_core.training.settings import TrainSettings

ROOT = Path(__file__).parents[2]
REBUILD = "run `python docs/demo_bundle.py`, which makes it anew"


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    workspace = open_workspace(tmp_path_factory.mktemp("demo"))
    return workspace, open_bundle(Path(DEMO), workspace)


def test_it_is_of_the_format_that_this_version_writes_and_small():
    assert demo_listing()["format"] == FORMAT, REBUILD
    assert DEMO_BUNDLE.stat().st_size < 3_000_000, REBUILD


def test_the_wheel_takes_it_and_the_picture_along():
    packed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    files = {path for name, patterns in packed.items() for one in patterns for path in (ROOT / name).glob(one)}
    assert {DEMO_BUNDLE, ROOT / "assets" / "before_after.jpg"} <= files


def test_it_opens_as_a_run_with_clusters_a_map_scores_and_its_true_supervision(opened):
    workspace, run = opened
    view = open_run_view(workspace, run)
    assert view.clusters == 10 and len(view) > 100 and "tsne" in view.methods, REBUILD
    assert run.result["evaluation"]["miou"] > 60 and truth_of_run(workspace, run) is not None
    assert run.provenance["supervision"] == demo_listing()["run"]["provenance"]["supervision"]
    assert run.provenance["supervision"]["direct"] == "image labels" and run.provenance["synthetic"]
    assert all(view.image_path(row).is_file() for row in range(len(view.image_ids)))


def test_it_opens_once(opened):
    workspace, run = opened
    assert open_bundle(Path(DEMO), workspace).id == run.id and len(workspace.runs.all(True)) == 1


def test_it_may_be_decided_on_but_not_trained_as_its_data_set_is_not_here(opened):
    workspace, run = opened
    view = open_run_view(workspace, run)
    curation.rename(view, 0, "butterfly")
    curation.set_filter(view, 30.0)
    decided = workspace.decisions_of(run)
    assert decided.names == {0: "butterfly"} and decided.filter_percent == 30.0
    assert not run.read_only and run.from_bundle
    with pytest.raises(WorkspaceError, match="without its data set"):
        train(run, workspace, TrainSettings())


def test_the_same_file_given_by_its_path_is_as_read_only_as_any_bundle(tmp_path):
    workspace = open_workspace(tmp_path)
    run = open_bundle(DEMO_BUNDLE, workspace)
    assert run.read_only
    with pytest.raises(WorkspaceError, match="read-only"):
        curation.rename(open_run_view(workspace, run), 0, "butterfly")


def test_the_command_line_opens_it_by_its_name(tmp_path):
    done = CliRunner().invoke(cli, ["open-bundle", "demo", "--workspace", str(tmp_path)])
    assert done.exit_code == 0 and demo_listing()["run"]["name"] in done.output


def test_a_bundle_of_someone_else_cannot_allow_decisions_on_itself(opened, tmp_path):
    from comus_core.export.bundle import bundle
    from comus_core.pipelines.verb_settings import BundleSettings

    workspace, run = opened
    assert run.provenance["bundle"]["changeable"] is True
    bundle(run, workspace, BundleSettings(str(tmp_path / "again.zip")))
    assert open_bundle(tmp_path / "again.zip", open_workspace(tmp_path / "w")).read_only
