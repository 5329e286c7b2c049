"""The images of a run whose folder moved are found again by content, wherever they lie below the new one."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from streamlit.testing.v1 import AppTest

from app.data import urls
from app.server import pictures
from comus_core import discover, make_config, open_workspace, relink
from comus_core.cli.main import cli
from comus_core.errors import DatasetError, SettingsError, WorkspaceError
from comus_core.maintenance.delete import delete
from comus_core.pipelines.verb_settings import DiscoverSettings, RelinkSettings
from comus_core.runs.run_truth import open_own, truth_of_run
from comus_core.runs.run_view import open_run_view
from tests.app.working import by_key, open_app, texts
from tests.builders import write_vectors

pytestmark = pytest.mark.thorough


@pytest.fixture
def moved(drawn, tmp_path):
    """(workspace, run, folder): a finished run with a named cluster whose folder was moved to `folder`."""
    home = shutil.copytree(drawn, tmp_path / "photos")
    shutil.copytree(home / "masks", home / "proposals")
    write_vectors(home, home / "vectors.npz")
    settings = {"dataset": str(home), "clustering": {"neighbours": 6}}
    settings |= {"saliency": {"detector": f"masks:{home / 'proposals'}"}}
    settings |= {"features": {"encoder": f"file:{home / 'vectors.npz'}"}}
    workspace = open_workspace(tmp_path / "w")
    run = discover(make_config(**settings), workspace)
    workspace.decisions.append(run.id, run.artifacts["clustering"], "rename", cluster=0, name="Zebra")
    return workspace, run, home.rename(tmp_path / "archive")


def test_a_moved_folder_is_found_with_everything_that_lay_in_it(moved):
    workspace, run, folder = moved
    with pytest.raises(DatasetError, match=f"comus runs relink {run.id} FOLDER"):
        open_own(workspace, run)
    done = relink(run, workspace, RelinkSettings(str(folder)))
    assert (done.images, done.renamed, done.truth, done.others) == (30, 0, True, ())
    assert (done.run.id, done.run.result, done.run.artifacts) == (run.id, run.result, run.artifacts)
    assert workspace.decisions_of(done.run).names == {0: "Zebra"}
    assert done.run.config.dataset == str(folder)
    assert done.run.config.saliency.detector == f"masks:{folder / 'proposals'}"
    assert done.run.config.features.encoder == f"file:{folder / 'vectors.npz'}"
    view = open_run_view(workspace, done.run)
    assert view.image_path(0) == folder / "images" / "000.png" and view.image_path(0).is_file()
    before = open_run_view(workspace, run)
    assert urls.crop(view, 0) != urls.crop(before, 0)  # which a browser knows to be broken
    assert urls.image(view, 0) != urls.image(before, 0)
    assert truth_of_run(workspace, done.run).has("images/000.png")
    again = discover(done.run.config, workspace)
    assert (again.id, again.result["computed"]) == (run.id, [])


def test_images_put_in_subfolders_under_other_names_keep_their_ids(moved):
    workspace, run, folder = moved
    for kind in ("images", "masks"):
        (folder / kind / "2019").mkdir()
        for path in sorted((folder / kind).glob("0[01]*.png")):
            path.rename(path.with_name("2019") / f"beach {path.name}")
    done = relink(run, workspace, RelinkSettings(str(folder)))
    assert (done.images, done.renamed, done.truth) == (30, 20, True)
    view = open_run_view(workspace, done.run)
    for row, image_id in enumerate(view.image_ids):
        name = str(image_id).removeprefix("images/")
        where = folder / "images" / ("2019/beach " + name if name < "020" else name)
        assert view.image_path(row).resolve() == where
    truth, original = truth_of_run(workspace, done.run), Image.open(folder / "masks" / "2019" / "beach 003.png")
    assert truth.mask("images/003.png").tobytes() == original.tobytes()
    again = discover(replace(done.run.config), workspace)
    assert (again.id, again.result["computed"]) == (run.id, [])
    (folder / "images" / "2019").rename(folder / "images" / "old")  # and once more
    (folder / "masks" / "2019").rename(folder / "masks" / "old")
    again = relink(done.run, workspace, RelinkSettings(str(folder)))
    assert again.renamed == 20
    links = workspace.images_root(again.run)
    assert (links / "images" / "000.png").is_symlink()
    delete(run, workspace)
    assert not links.exists() and len(list((folder / "images").rglob("*.png"))) == 30


def test_two_equal_images_are_both_found(moved, tmp_path):
    workspace, run, folder = moved
    twin = tmp_path / "twin"
    for name in ("a", "b"):
        (twin / name).mkdir(parents=True)
        shutil.copy(folder / "images" / "003.png", twin / name / "x.png")
    vectors = f"file:{folder / 'vectors.npz'}"
    config = make_config(dataset=str(twin), saliency={"detector": "tokencut"}, features={"encoder": vectors})
    run = discover(config, workspace, DiscoverSettings("images"))
    (twin / "a").rename(twin / "c")
    (twin / "b").rename(twin / "d")
    done = relink(run, workspace, RelinkSettings(str(twin)))
    places = [(workspace.images_root(done.run) / f"{name}/x.png").resolve() for name in ("a", "b")]
    assert sorted(places) == [twin / "c" / "x.png", twin / "d" / "x.png"]


def test_missing_and_changed_images_are_counted_and_nothing_is_changed(moved):
    workspace, run, folder = moved
    for name in ("003", "004"):
        (folder / "images" / f"{name}.png").unlink()
    Image.new("RGB", (90, 90)).save(folder / "images" / "005.png")
    with pytest.raises(DatasetError, match=r"of the 30 images .*, 27 are there, 2 are missing and 1 have changed"):
        relink(run, workspace, RelinkSettings(str(folder)))
    assert workspace.runs.get(run.id) == replace(run, updated_at=workspace.runs.get(run.id).updated_at)
    with pytest.raises(DatasetError, match="no such folder"):
        relink(run, workspace, RelinkSettings(str(folder / "nowhere")))


def test_other_annotations_and_more_images_are_told(moved):
    workspace, run, folder = moved
    shutil.copy(folder / "masks" / "001.png", folder / "masks" / "000.png")
    shutil.copy(folder / "images" / "001.png", folder / "images" / "new.png")
    done = relink(run, workspace, RelinkSettings(str(folder)))
    assert (done.images, done.truth) == (30, False)
    with pytest.raises(DatasetError, match="has changed since run"):
        truth_of_run(workspace, done.run)


def test_only_the_runs_that_lost_the_same_images_come_along(moved):
    workspace, run, folder = moved
    lost = workspace.runs.save(replace(run, id="lost"))
    here = workspace.runs.save(replace(run, id="here", provenance=run.provenance | {"root": str(folder)}))
    other = workspace.runs.save(replace(run, id="other", provenance=run.provenance | {"manifest": "another"}))
    assert relink(run, workspace, RelinkSettings(str(folder))).others == ("lost",)
    assert workspace.images_root(workspace.runs.get("lost")) == folder
    assert workspace.runs.get("lost").config.dataset == str(folder)
    for kept in (here, other):
        assert workspace.runs.get(kept.id).provenance == kept.provenance
    assert lost.result == workspace.runs.get("lost").result


def test_a_bundle_and_the_demo_are_refused(moved):
    workspace, run, folder = moved
    with pytest.raises(WorkspaceError, match="read-only"):
        relink(replace(run, provenance=run.provenance | {"bundle": {}}), workspace, RelinkSettings(str(folder)))
    with pytest.raises(SettingsError, match="comus run demo"):
        relink(replace(run, config=replace(run.config, dataset="demo")), workspace, RelinkSettings(str(folder)))


def test_the_command_says_what_it_found(moved):
    workspace, run, folder = moved
    told = CliRunner().invoke(cli, ["runs", "relink", run.id, str(folder), "--workspace", str(workspace.root)])
    assert told.exit_code == 0
    assert told.output == f"{run.id}: all 30 images are in {folder}\n"


def relink_page(run_id):
    """The dialog's form alone: dialogs stay open in a browser only."""
    from app.components.jobs.run_dialogs import relink_form
    from app.components.shared import page_data

    relink_form(page_data.workspace().runs.get(run_id))


def test_a_page_about_the_run_says_that_its_images_are_gone_and_finds_them(moved, monkeypatch):
    workspace, run, folder = moved
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(folder.parent))
    test = open_app(monkeypatch, workspace, "clusters", run=run.id)
    assert not test.exception and "are no longer in" in texts(test)
    assert by_key(test.button, f"relink_{run.id}").label == "Locate images"
    test = AppTest.from_function(relink_page, kwargs={"run_id": run.id}, default_timeout=60).run()
    by_key(test.button, f"relink_start_{run.id}").click().run()
    assert "no folder" in texts(test)
    by_key(test.text_input, f"relink_folder_{run.id}").set_value("/etc")
    by_key(test.button, f"relink_start_{run.id}").click().run()
    assert "lies outside the folders" in texts(test)
    assert workspace.runs.get(run.id).config == run.config and workspace.images_root(run) != folder
    by_key(test.text_input, f"relink_folder_{run.id}").set_value(str(folder))
    by_key(test.button, f"relink_start_{run.id}").click().run()
    assert not test.exception
    assert workspace.images_root(workspace.runs.get(run.id)) == folder
    assert "are no longer in" not in texts(open_app(monkeypatch, workspace, "clusters", run=run.id))


def test_masks_called_after_the_whole_name_of_their_image_come_along_and_a_lost_target_is_noticed(
    drawn, drawn_settings, tmp_path
):
    folder = Path(shutil.copytree(drawn, tmp_path / "photos"))
    for mask in (folder / "masks").glob("*.png"):
        mask.rename(mask.with_name(f"{mask.name}.png"))
    workspace = open_workspace(tmp_path / "w")
    run = discover(make_config(**{**drawn_settings, "dataset": str(folder)}), workspace)
    before = truth_of_run(workspace, run).mask("images/003.png")
    other = tmp_path / "archive"
    folder.rename(other)
    for kind, end in (("images", ""), ("masks", ".png")):
        (other / kind / f"003.png{end}").rename(other / kind / f"beach.png{end}")
    done = relink(run, workspace, RelinkSettings(str(other)))
    assert (done.renamed, done.truth) == (1, True)
    assert (truth_of_run(workspace, done.run).mask("images/003.png") == before).all()
    assert not workspace.has_lost_images(done.run)
    other.rename(tmp_path / "elsewhere")
    assert workspace.has_lost_images(done.run)


def test_pictures_are_shown_from_where_the_command_found_them_and_from_nowhere_else(moved, tmp_path, monkeypatch):
    """A folder that was named by command need not be one that pages may choose from."""
    workspace, run, folder = moved
    monkeypatch.setenv("COMUS_IMAGE_ROOTS", str(workspace.root))
    for kind in ("images", "masks"):
        (folder / kind / "deep").mkdir()
        for path in sorted((folder / kind).glob("*.png")):
            path.rename(path.parent / "deep" / path.name)
    done = relink(run, workspace, RelinkSettings(str(folder)))
    assert done.renamed == 30
    view = open_run_view(workspace, done.run)
    assert pictures.image_path(view, 0).is_relative_to(folder)
    link = view.image_path(1)
    (tmp_path / "secret").write_text("not yours")
    link.unlink()
    link.symlink_to(tmp_path / "w" / ".." / "secret")  # not as the command writes it
    with pytest.raises(WorkspaceError, match="is a link to a file outside its data set"):
        pictures.image_path(view, 1)
