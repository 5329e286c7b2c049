"""`comus runs rename|note|archive|delete` on a real workspace."""

import pytest
from click.testing import CliRunner

from comus_core.cli.main import cli
from comus_core.config import RunConfig
from comus_core.workspace import ArtifactKey, Run, open_workspace


@pytest.fixture
def workspace(tmp_path):
    place = open_workspace(tmp_path / "w")
    images = place.artifacts.make(ArtifactKey("images", 1), lambda folder: (folder / "content").write_text("pixels"))
    place.runs.save(
        Run("photos-1234", "photos", RunConfig("photos"), state="done", artifacts={"images": images.fingerprint})
    )
    return place


def comus(workspace, *words, **more):
    return CliRunner().invoke(cli, [*words, "--workspace", str(workspace.root)], **more)


def test_a_run_is_renamed_annotated_and_archived_and_back(workspace):
    assert "holiday" in comus(workspace, "runs", "rename", "photos", "holiday").stdout
    assert "the good one" in comus(workspace, "runs", "note", "holiday", "the good one").stdout
    assert "(archived)" in comus(workspace, "runs", "archive", "holiday").stdout
    run = workspace.runs.get("photos-1234")
    assert (run.name, run.note, run.archived) == ("holiday", "the good one", True)
    assert "photos-1234" not in comus(workspace, "runs").stdout
    listed = CliRunner().invoke(cli, ["runs", "--all", "--workspace", str(workspace.root)]).stdout
    assert "photos-1234" in listed and "holiday (archived): the good one" in listed
    comus(workspace, "runs", "archive", "holiday", "--undo")
    assert "photos-1234" in comus(workspace, "runs").stdout


def test_deleting_asks_first_and_removes_the_artifacts(workspace):
    refused = comus(workspace, "runs", "delete", "photos", input="n\n", standalone_mode=False)
    assert refused.exception is not None and workspace.runs.get("photos-1234")
    done = comus(workspace, "runs", "delete", "photos", "--yes")
    assert "deleted photos-1234: 1 artifact," in done.stdout
    assert workspace.runs.all(archived=True) == []
    assert list(workspace.artifacts.root.glob("*/*")) == []


def test_an_empty_name_is_refused_and_an_empty_note_is_none(workspace):
    refused = comus(workspace, "runs", "rename", "photos", "  ", standalone_mode=False)
    assert "a name must hold a letter" in str(refused.exception)
    comus(workspace, "runs", "note", "photos", "words")
    comus(workspace, "runs", "note", "photos", "")
    assert workspace.runs.get("photos-1234").note == ""


def test_options_before_the_verb_are_refused_rather_than_ignored(workspace):
    said = CliRunner().invoke(cli, ["runs", "--workspace", str(workspace.root), "archive", "photos"])
    assert said.exit_code == 2 and "write the options behind `archive`" in said.output
    assert not workspace.runs.get("photos-1234").archived
