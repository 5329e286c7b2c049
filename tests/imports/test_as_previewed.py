"""An import that names the decisions and the content of its preview does what that showed, or nothing."""

import json
import re
import shutil
import zipfile
from hashlib import sha256

import pytest
from click.testing import CliRunner

from comus_core import ImportSettings, curation, import_annotations
from comus_core.cli.main import cli
from comus_core.errors import ConflictError, SettingsError
from comus_core.imports.formats import read_file
from comus_core.proposals.mask_edits import grown
from comus_core.runs.run_view import open_run_view
from tests.imports.writing import coco, write


@pytest.fixture
def grown_file(place, tmp_path):
    """A file in which the first mask is larger than in the run."""
    view = open_run_view(*place)
    first = str(view.proposals.proposal_id[0])
    return write(tmp_path / "a.json", coco(view, lambda p, m: grown(m, 2) if p == first else m))


def imported(place, path, **settings):
    workspace, run = place
    return import_annotations(run, workspace, ImportSettings(str(path), **settings), device="cpu")


def state_of(place):
    """Runs and events: all that an import can add to."""
    workspace, run = place
    return [r.id for r in workspace.runs.all()], workspace.decisions.events(run.id, run.artifacts["clustering"])


def test_what_the_preview_showed_is_imported(place, grown_file):
    plan = imported(place, grown_file, preview=True).plan
    assert plan.content == sha256(grown_file.read_bytes()).hexdigest()
    assert imported(place, grown_file, version=plan.version, content=plan.content).new


def test_decisions_taken_since_are_named_and_nothing_is_imported(place, grown_file):
    plan = imported(place, grown_file, preview=True).plan
    view = open_run_view(*place)
    first = curation.rename(view, 0, "other").version
    second = curation.merge(view, [1, 2]).version
    before = state_of(place)
    since = rf"2 decisions taken since the preview, which knew decision {plan.version}: "
    since += rf"{first} \(rename\), {second} \(merge\): look at the preview again"
    with pytest.raises(ConflictError, match=since):
        imported(place, grown_file, version=plan.version)
    with pytest.raises(ConflictError, match=rf"knew decision {second + 1}, the run's last one is {second}: look at"):
        imported(place, grown_file, version=second + 1)
    assert state_of(place) == before
    assert imported(place, grown_file, version=second).new


def test_names_alone_are_not_decided_from_a_file_that_changed(place, tmp_path):
    view = open_run_view(*place)
    path = write(tmp_path / "a.json", coco(view, name_of={0: "ball", 1: "square", 2: "bar"}.get))
    plan = imported(place, path, preview=True).plan
    write(path, coco(view, name_of={0: "bowl", 1: "square", 2: "bar"}.get))
    before = state_of(place)
    with pytest.raises(ConflictError, match=r"a\.json into run .*: the file has changed since the preview: look at"):
        imported(place, path, version=plan.version, content=plan.content)
    assert state_of(place) == before
    assert imported(place, path, content=sha256(path.read_bytes()).hexdigest()).plan.renamed[0].new_name == "bowl"


def test_what_was_exported_is_part_of_what_the_preview_showed(place, grown_file):
    """`comus.json` beside a single file decides what counts as removed."""
    plan = imported(place, grown_file, preview=True).plan
    beside = write(grown_file.parent / "comus.json", {"run": place[1].id, "objects": []})
    with pytest.raises(ConflictError, match="the file has changed since the preview"):
        imported(place, grown_file, content=plan.content)
    again = imported(place, grown_file, preview=True).plan
    assert again.content != plan.content
    write(beside, {"run": "another", "objects": []})
    with pytest.raises(ConflictError, match="the file has changed since the preview"):
        imported(place, grown_file, content=again.content)


def test_a_decision_during_the_import_is_not_overtaken(place, tmp_path):
    view = open_run_view(*place)
    path = write(tmp_path / "a.json", coco(view, name_of={0: "ball", 1: "square", 2: "bar"}.get))
    plan = imported(place, path, preview=True).plan
    workspace, run = place

    def decide(progress):
        if progress.stage == "comparing" and progress.step == progress.total:
            curation.rename(view, 0, "meanwhile")

    settings = ImportSettings(str(path), version=plan.version, content=plan.content)
    with pytest.raises(ConflictError, match="someone decided in it meanwhile"):
        import_annotations(run, workspace, settings, device="cpu", on_progress=decide)
    assert workspace.decisions_of(run).name_of(0) == "meanwhile"


def test_the_command_gives_what_it_takes(place, grown_file, tmp_path):
    workspace, run = place
    words = ["import", run.id, str(grown_file), "--workspace", str(workspace.root), "--device", "cpu"]
    shown = CliRunner().invoke(cli, [*words, "--preview"], catch_exceptions=False).output
    same = re.search(r"add (--version \d+ --content [0-9a-f]{64})", " ".join(shown.split()))[1].split()
    content = json.loads(grown_file.read_text())
    write(grown_file, content | {"info": {"description": "saved again"}})
    refused = CliRunner().invoke(cli, [*words, *same])
    assert refused.exit_code == 1 and "the file has changed since the preview" in str(refused.exception)
    assert [r.id for r in workspace.runs.all()] == [run.id]
    write(grown_file, content)
    done = CliRunner().invoke(cli, [*words, *same], catch_exceptions=False).output
    assert "imported into the new run" in done


def test_a_hash_that_is_none_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="content"):
        ImportSettings(str(tmp_path), content="abc")


def test_the_content_of_a_folder_is_what_the_reader_reads(tmp_path):
    """The bytes of labels and the names of images, in whatever order the disk lists them; a zip of it has the same."""
    folder = tmp_path / "yolo"
    files = {"data.yaml": "names: [ball]", "labels/a.txt": "0 .1 .1 .5 .1 .5 .5", "images/a.jpg": "x"}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    def content(path=folder):
        return read_file(path).content

    first = content()
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as file:
        for name in reversed(files):
            file.write(folder / name, name)
    assert content(tmp_path / "z.zip") == first and content(shutil.copytree(folder, tmp_path / "copy")) == first
    (folder / "images" / "a.jpg").write_text("other pixels, which no label is read from")
    (folder / ".hidden").write_text("")
    assert content() == first
    (folder / "labels" / "a.txt").write_text("0 .1 .1 .5 .1 .5 .6")
    changed = content()
    (folder / "images" / "a.jpg").rename(folder / "images" / "b.jpg")
    assert len({first, changed, content()}) == 3
