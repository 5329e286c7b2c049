"""What is exported, where it goes, and what happens to what cannot be."""

import errno
import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comus_core import ExportSettings, curation, export_run, find_round
from comus_core.errors import Cancelled, DatasetError, SettingsError, WorkspaceError
from comus_core.export.category_table import categories_of
from comus_core.export.export_formats import EXPORT_FORMATS
from comus_core.export.export_plan import filled, planned
from comus_core.export.export_preview import preview_export
from comus_core.export.image_files import exported_paths, put_image
from comus_core.export.splits import split_of
from comus_core.files.output_folder import locked
from comus_core.runs.run_view import open_run_view
from tests.builders import copy_of


@pytest.fixture
def place(finished, tmp_path):
    """A function that exports a copy of the run."""
    workspace, run = copy_of(finished, tmp_path)

    def export(name="coco", out="out", on_progress=lambda _: None, **settings):
        subject = find_round(workspace, run.id, 0)
        wanted = ExportSettings(name, str(tmp_path / out), **settings)
        return export_run(subject, workspace, wanted, on_progress=on_progress)

    export.view, export.workspace, export.run, export.folder = open_run_view(workspace, run), workspace, run, tmp_path
    return export


def ids_of(result):
    content = json.loads((Path(result.path) / "annotations/instances_default.json").read_text())
    return {annotation["attributes"]["comus_id"] for annotation in content["annotations"]}


def test_the_core_is_what_the_filter_keeps_and_the_preview_counts_the_same(place):
    decided = place.workspace.decisions_of(place.run)
    result = place(objects="core", images="none")
    kept = {str(p) for p in place.view.proposals.proposal_id[place.view.kept(decided)]}
    assert ids_of(result) == kept and 0 < len(kept) < len(place.view)
    subject = find_round(place.workspace, place.run.id, 0)
    preview = preview_export(subject, place.workspace, ExportSettings("coco", "x", objects="core", images="none"))
    assert (preview.images, preview.objects) == (result.images, result.objects)


def test_categories_proposals_and_accepted_objects_are_chosen(place):
    some = [str(p) for p in place.view.proposals.proposal_id[:3]]
    assert ids_of(place(proposals=tuple(some))) == set(some)
    curation.accept(place.view, some[:1])
    assert ids_of(place(objects="accepted")) == {some[0]}
    curation.rename(place.view, 1, "bird")
    categories = place.view.categories(place.workspace.decisions_of(place.run))
    birds = {str(p) for p in place.view.proposals.proposal_id[categories.id_of == 1]}
    assert ids_of(place(categories=("bird",))) == birds
    with pytest.raises(WorkspaceError, match="no category 'fish'"):
        place(categories=("fish",))


def test_an_interrupted_export_goes_on_and_gives_the_same_bytes(place):
    whole = place(out="whole.zip", validation=0.2)

    def stop(progress):
        if progress.stage == "export" and progress.step == 20:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        place(out="other.zip", validation=0.2, on_progress=stop)
    assert not (place.folder / "other.zip").exists()
    place(out="other.zip", validation=0.2)
    assert (place.folder / "other.zip").read_bytes() == Path(whole.path).read_bytes()
    assert not list(place.folder.glob(".comus-partial-*"))
    with zipfile.ZipFile(whole.path) as archive:
        assert archive.testzip() is None and archive.namelist()[-1] == "comus.json"


def test_a_folder_with_files_of_others_is_left_alone(place):
    (place.folder / "out").mkdir()
    (place.folder / "out" / "mine.txt").write_text("mine")
    with pytest.raises(WorkspaceError, match=r"mine\.txt, which COMUS did not write"):
        place()
    assert [p.name for p in (place.folder / "out").iterdir()] == ["mine.txt"]


def test_a_second_export_replaces_the_first_and_links_count_as_written(place):
    first = place(images="link")
    assert first.image_files == {"linked": first.images}
    assert all(path.is_symlink() for path in (place.folder / "out" / "images").iterdir())
    second = place("voc")
    assert second.image_files == {"converted": second.images}  # PNG to the JPEG that VOC's readers want
    assert not (place.folder / "out" / "annotations").exists()


def test_changed_and_missing_images_are_left_out_and_named(place, drawn, tmp_path):
    root = tmp_path / "copied"
    shutil.copytree(drawn, root)
    place.workspace.runs.update(
        place.run.id, lambda run: type(run)(**{**vars(run), "provenance": {**run.provenance, "root": str(root)}})
    )
    (root / "images" / "000.png").unlink()
    Image.new("RGB", (9, 9)).save(root / "images" / "001.png")
    result = place()
    assert result.skipped_files == [
        {"path": "images/000.png", "reason": "it is gone"},
        {"path": "images/001.png", "reason": "it has changed"},
    ]
    assert not {i for i in ids_of(result) if i.startswith(("images/000", "images/001"))}
    assert place(out="none", images="none").skipped_files == []
    shutil.rmtree(root / "images")
    with pytest.raises(DatasetError, match="no image can be exported"):
        place(out="third")


@pytest.fixture
def moved(place, drawn, tmp_path):
    """The folder of the images, one that a test may change, which the run reads from."""
    root = tmp_path / "copied"
    shutil.copytree(drawn, root)
    place.workspace.runs.update(
        place.run.id, lambda run: type(run)(**{**vars(run), "provenance": {**run.provenance, "root": str(root)}})
    )
    return root


def stopping(stage, step):
    def stop(progress):
        if (progress.stage, progress.step) == (stage, step):
            raise Cancelled("stopped")

    return stop


def test_a_resumed_zip_takes_no_image_that_changed_since_and_ends_without_one_that_is_gone(place, moved, monkeypatch):
    monkeypatch.setattr("comus_core.export.export_run.PART", 4)
    with pytest.raises(Cancelled):
        place(out="other.zip", on_progress=stopping("zip", 0))
    (moved / "images" / "000.png").unlink()
    Image.new("RGB", (9, 9)).save(moved / "images" / "001.png")
    result = place(out="other.zip")
    assert [entry["reason"] for entry in result.skipped_files] == ["it is gone", "it has changed"]
    whole = place(out="whole.zip")
    assert (place.folder / "other.zip").read_bytes() == Path(whole.path).read_bytes()


def test_an_image_that_changes_before_it_is_packed_is_noticed_and_the_next_attempt_ends(place, moved):
    def change(progress):
        if (progress.stage, progress.step) == ("zip", 0):
            Image.new("RGB", (9, 9)).save(moved / "images" / "001.png")

    with pytest.raises(WorkspaceError, match=r"001\.png has changed"):
        place(out="other.zip", on_progress=change)
    assert not (place.folder / "other.zip").exists()
    assert place(out="other.zip").skipped_files == [{"path": "images/001.png", "reason": "it has changed"}]


def test_the_labels_of_a_half_written_part_go_when_its_image_is_left_out_on_resume(place, moved):
    with pytest.raises(Cancelled):
        place("yolo", out="other.zip", on_progress=stopping("export", 5))
    assert list(place.folder.glob(".comus-partial-*/files/**/000.txt"))
    (moved / "images" / "000.png").unlink()
    place("yolo", out="other.zip")
    with zipfile.ZipFile(place.folder / "other.zip") as archive:
        stems = {Path(name).stem for name in archive.namelist()}
    assert "001" in stems and "000" not in stems


def test_an_earlier_attempt_of_a_zip_with_other_content_is_removed_but_not_one_that_is_written(place):
    for decided in (False, True):
        if decided:
            curation.rename(place.view, 1, "bird")
        with pytest.raises(Cancelled):
            place(out="other.zip", on_progress=stopping("export", 5))
        [left] = place.folder.glob(".comus-partial-*")
    with locked(left):
        curation.rename(place.view, 1, "fish")
        place(out="other.zip")
        assert list(place.folder.glob(".comus-partial-*")) == [left]


def test_two_runs_that_share_all_artifacts_do_not_continue_each_others_exports(place):
    other = replace(place.run, id="other-00000000")
    place.workspace.runs.save(other)
    subjects = [find_round(place.workspace, one.id, 0) for one in (place.run, other)]
    keys = {planned(one, place.workspace, ExportSettings("coco", "x")).key for one in (*subjects, subjects[0])}
    assert len(keys) == 2


def test_a_file_of_others_that_appears_meanwhile_leaves_the_finished_work(place):
    def appear(progress):
        if (progress.stage, progress.step) == ("export", 5):
            (place.folder / "out" / "annotations").mkdir()
            (place.folder / "out" / "annotations" / "instances_default.json").write_text("mine")

    with pytest.raises(WorkspaceError, match=r"instances_default\.json, which COMUS did not write"):
        place(on_progress=appear)
    [kept] = place.folder.glob("out/.comus-partial-*")
    assert list((kept / "done").glob("*.json")) and list((kept / "files/images").iterdir())
    shutil.rmtree(place.folder / "out" / "annotations")
    steps = []
    place(on_progress=lambda progress: steps.append(progress.step))
    assert steps == [len(list((place.folder / "out/images").iterdir()))] and not kept.exists()


def test_a_full_disk_at_the_end_leaves_the_finished_work(place, monkeypatch):
    put, moved = os.replace, []

    def full(source, target):
        if "-complete/" in str(source) and not moved.append(target) and len(moved) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return put(source, target)

    with monkeypatch.context() as patched, pytest.raises(WorkspaceError):
        patched.setattr(os, "replace", full)
        place()
    [kept] = place.folder.glob("out/.comus-partial-*")
    steps = []
    result = place(on_progress=lambda progress: steps.append(progress.step))
    assert len(moved) == 3 and steps == [result.images] and not kept.exists()
    assert len(list((place.folder / "out/images").iterdir())) == result.images


def test_the_page_and_the_core_have_one_table_of_defaults():
    for kind in EXPORT_FORMATS.values():
        filled_in = filled(ExportSettings(kind.name, "x"), kind)
        assert {name: getattr(filled_in, name) for name in kind.options} == kind.option_defaults
    assert EXPORT_FORMATS.named("yolo").option_defaults == {"tolerance": 0.3}


def test_options_that_a_format_does_not_have_are_refused(place):
    with pytest.raises(SettingsError, match="cutout: the format coco does not have this option"):
        place(cutout=True)
    with pytest.raises(SettingsError, match="export format 'nonsense': choose one of coco"):
        place("nonsense")
    with pytest.raises(SettingsError, match="cannot hold links"):
        place(out="a.zip", images="link")


def test_categories_of_one_name_get_their_ids_and_names_become_one_line():
    known = [(3, "bird"), (7, "Bird"), (8, "a\nb"), (9, "bird (3)"), (300, "..")]
    categories, notes = categories_of(known, lambda name: name, None, "COCO")
    assert [c.name for c in categories] == ["bird (3)", "Bird (7)", "a b", "bird (3) (9)", ".."]
    assert len({c.colour for c in categories}) == len(known) and len(notes) == 4


def test_two_thousand_ids_have_colours_of_their_own():
    categories, _ = categories_of([(k, f"c{k}") for k in range(2000)], lambda name: name, None, "COCO")
    assert len({c.colour for c in categories}) == 2000


def test_near_duplicates_are_in_one_split():
    ids = [f"{k:02d}" for k in range(40)]
    groups = [ids[:6], ids[10:12]]
    for seed in range(20):
        split = split_of(ids, groups, 0.25, seed)
        assert all(len({split[i] for i in group}) == 1 for group in groups)
        assert sum(name == "val" for name in split.values()) <= 10
    assert {split_of(ids, groups, 0.25, seed)["20"] for seed in range(20)} == {"train", "val"}


def test_no_split_is_empty_where_the_groups_are_large():
    ids = [f"{k:02d}" for k in range(10)]
    for seed in range(10):
        split = split_of(ids, [ids[:5], ids[5:]], 0.2, seed)
        assert {frozenset(i for i in ids if split[i] == name) for name in ("train", "val")} == {
            frozenset(ids[:5]), frozenset(ids[5:])}  # fmt: skip
        split = split_of(ids, [ids[:4], ids[4:]], 0.1, seed)
        assert [i for i in ids if split[i] == "val"] == ids[:4]
    with pytest.raises(SettingsError, match="10 images are near duplicates of each other"):
        split_of(ids, [ids], 0.2, 0)


def test_paths_are_valid_and_stems_differ():
    names = ["a/b.jpg", "a/b.png", "A/B.jpg", "c.heic", "CON.tif", "x/../y.jpg"]
    paths = exported_paths(names, (".jpg", ".png"), flat=True)
    stems = [path.rpartition(".")[0].casefold() for path in paths.values()]
    assert len(set(stems)) == len(names) and not any("/" in path or ".." in path for path in paths.values())
    assert paths["c.heic"].endswith(".jpg") and paths["CON.tif"].endswith(".png")


def test_an_image_that_exif_turns_is_written_upright(tmp_path):
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:, :15] = 255
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = 6  # turned by 90 degrees
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    image.save(tmp_path / "plain.jpg", quality=95)
    assert put_image(tmp_path / "turned.jpg", tmp_path / "a.jpg", link=True) == "converted"
    with Image.open(tmp_path / "a.jpg") as upright:
        assert upright.size == (20, 30) and upright.getexif().get(0x0112, 1) == 1
        assert np.asarray(upright)[:15].mean() > 250 > 5 > np.asarray(upright)[15:].mean()
    assert put_image(tmp_path / "plain.jpg", tmp_path / "b.jpg", link=False) == "copied"
    assert (tmp_path / "b.jpg").read_bytes() == (tmp_path / "plain.jpg").read_bytes()
