"""Photographs of names that file systems confuse, refuse or hardly take: run, bundled and opened all the same.

The workspace lies among the photographs, as `comus run .` puts it.
"""

import json
import os
import shutil
import unicodedata
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from comus_core import discover, make_config, open_workspace
from comus_core.errors import SettingsError
from comus_core.export.bundle import bundle
from comus_core.export.bundle_opening import open_bundle
from comus_core.pipelines.predict import photographs_of
from comus_core.pipelines.verb_settings import BundleSettings
from comus_core.proposals.pseudo_masks import from_png
from comus_core.runs.artifact_readers import read_proposals
from comus_core.runs.run_view import open_run_view
from tests.builders import CLASSES, draw_folder

ODD = ("x" * 251 + ".png", "字" * 83 + ".png", "IMG.PNG", "img.png", "a\\b.png", "con.png", "é.png", "e\u0301.png")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(folder of photographs, settings): 22 drawn photographs, eight under odd names, and vectors of them."""
    root = tmp_path_factory.mktemp("odd")
    drawn = draw_folder(root / "drawn", count=22, empty=0)
    (root / "photos").mkdir()
    (root / "masks").mkdir()
    rng, ids, vectors = np.random.default_rng(0), [], []
    for number, path in enumerate(sorted((drawn / "images").iterdir())):
        name = ODD[number] if number < len(ODD) else path.name
        shutil.copy(path, root / "photos" / name)
        shutil.copy(drawn / "masks" / path.name, root / "masks" / (name if len(name.encode()) > 251 else f"{name}.png"))
        ids.append(f"{name}#0")
        vectors.append(np.eye(16)[number % len(CLASSES)] + 0.05 * rng.standard_normal(16))
    np.savez(root / "vectors.npz", proposal_id=np.array(ids), features=np.array(vectors, np.float32))
    settings = {
        "dataset": str(root / "photos"),
        "saliency": {"detector": f"masks:{root / 'masks'}"},
        "features": {"encoder": f"file:{root / 'vectors.npz'}"},
        "clustering": {"clusters": 3, "neighbours": 6},
        "filter_percent": 0.0,
    }
    return root / "photos", settings


@pytest.fixture(scope="module")
def done(made):
    """(workspace among the photographs, run)."""
    workspace = open_workspace(made[0] / "workspace")
    return workspace, discover(make_config(**made[1]), workspace)


def is_taken_everywhere(path: str) -> bool:
    parts = path.split("/")
    return all(
        0 < len(part.encode()) <= 255 and "\\" not in part and part.split(".")[0].lower() != "con" for part in parts
    )


def folded(path: str) -> str:
    return unicodedata.normalize("NFD", path).casefold()


def test_every_image_has_a_mask_of_its_own_and_the_table_says_which(done):
    workspace, run = done
    artifact = workspace.artifact(run, "pseudo_masks")
    rows = artifact.table(["image_id", "file"]).to_pylist()
    assert {row["image_id"] for row in rows} >= set(ODD) and len(rows) == 22
    assert len({folded(row["file"]) for row in rows}) == 22
    assert all(is_taken_everywhere(row["file"]) for row in rows)
    found = read_proposals(workspace.artifact(run, "proposals"))
    row_of = {image_id: row for row, image_id in enumerate(found.image_id)}
    for row in rows:
        painted = from_png(artifact.file(row["file"]).read_bytes())
        assert np.array_equal(painted > 0, found.mask(row_of[row["image_id"]]))
    assert next(row["file"] for row in rows if row["image_id"] == ODD[0]) == f"masks/{ODD[0]}"  # 255 bytes are allowed


def test_the_same_run_again_takes_none_of_its_masks_for_a_photograph(made, done):
    workspace, first = done
    again = discover(make_config(**made[1]), workspace)
    assert (again.id, again.result["images"], again.result["computed"]) == (first.id, 22, [])
    assert first.result["passed_over"] == []
    assert again.result["passed_over"] == [
        {"reason": "in a workspace", "files": 22, "places": ["workspace/"], "counted": True}
    ]


@pytest.mark.parametrize("photographs", [True, False])
def test_the_bundle_of_such_a_run_opens_and_shows_the_same(done, tmp_path, photographs):
    workspace, run = done
    bundle(run, workspace, BundleSettings(str(tmp_path / "run.zip"), images=photographs))
    with zipfile.ZipFile(tmp_path / "run.zip") as archive:
        names = archive.namelist()
    assert len({folded(name) for name in names}) == len(names) and all(map(is_taken_everywhere, names))
    receiver = open_workspace(tmp_path / "receiver")
    opened = open_bundle(tmp_path / "run.zip", receiver)
    seen, view = open_run_view(receiver, opened), open_run_view(workspace, run)
    assert list(seen.image_ids) == list(view.image_ids) and set(ODD) <= set(seen.image_ids)
    for row in range(len(view.image_ids)):
        if photographs:
            assert seen.image_path(row).read_bytes() == view.image_path(row).read_bytes()
        else:
            assert Image.open(seen.image_path(row)).size == Image.open(view.image_path(row)).size
    theirs, own = (place.artifact(r, "pseudo_masks") for place, r in ((receiver, opened), (workspace, run)))
    file_of = dict(zip(*own.table(["image_id", "file"]).to_pydict().values(), strict=True))
    for row in theirs.table(["image_id", "file"]).to_pylist():
        assert theirs.file(row["file"]).read_bytes() == own.file(file_of[row["image_id"]]).read_bytes()
    for kind in ("images", "pseudo_masks"):
        files = receiver.artifact(opened, kind).manifest()["files"]
        assert all(receiver.artifact(opened, kind).file(n).stat().st_size == told["bytes"] for n, told in files.items())


def test_masks_of_an_earlier_program_get_names_in_the_bundle_that_open(done, tmp_path):
    """An artifact whose files are called as the images are, backslash and all."""
    shutil.copytree(done[0].root, tmp_path / "w")
    workspace = open_workspace(tmp_path / "w")
    artifact = workspace.artifact(done[1], "pseudo_masks")
    table, manifest = artifact.table(), artifact.manifest()
    new, old = "masks/a\\b.png", next(r["file"] for r in table.to_pylist() if r["image_id"] == "a\\b.png")
    os.rename(artifact.file(old), artifact.file(new))
    files = [new if file == old else file for file in table.column("file").to_pylist()]
    pq.write_table(table.set_column(1, "file", [files]), artifact.file("table.parquet"))
    manifest["files"][new] = manifest["files"].pop(old)
    stored = artifact.file("table.parquet").read_bytes()
    manifest["files"]["table.parquet"] = {"bytes": len(stored), "sha256": sha256(stored).hexdigest()}
    artifact.file("manifest.json").write_text(json.dumps(manifest))
    bundle(done[1], workspace, BundleSettings(str(tmp_path / "run.zip")))
    receiver = open_workspace(tmp_path / "receiver")
    theirs = receiver.artifact(open_bundle(tmp_path / "run.zip", receiver), "pseudo_masks")
    file = next(r["file"] for r in theirs.table().to_pylist() if r["image_id"] == "a\\b.png")
    assert theirs.file(file).read_bytes() == artifact.file(new).read_bytes()


def test_a_bundle_replaces_a_bundle_and_nothing_else(done, tmp_path):
    workspace, run = done
    out = tmp_path / "run.zip"
    out.write_text("my own")
    with pytest.raises(SettingsError, match="COMUS did not write the existing file"):
        bundle(run, workspace, BundleSettings(str(out)))
    assert out.read_text() == "my own"
    with zipfile.ZipFile(tmp_path / "holiday.zip", "w") as archive:
        archive.writestr("a.jpg", b"x")
    with pytest.raises(SettingsError, match="COMUS did not write the existing file"):
        bundle(run, workspace, BundleSettings(str(tmp_path / "holiday.zip")))
    with pytest.raises(SettingsError, match="is a folder; choose a file"):
        bundle(run, workspace, BundleSettings(str(tmp_path)))
    out.unlink()
    first = bundle(run, workspace, BundleSettings(str(out), images=False)).bytes
    assert bundle(run, workspace, BundleSettings(str(out))).bytes > first


def test_a_name_that_is_no_text_and_a_folder_without_an_image_stop_no_other_photograph(tmp_path):
    workspace = open_workspace(tmp_path / "w")
    (tmp_path / "a.png").touch()
    (tmp_path / "empty").mkdir()
    bad = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    dataset = photographs_of([tmp_path / "a.png", bad, tmp_path / "empty"], workspace)
    assert [file.image_id for file in dataset.files] == ["a.png"]
    reasons = {Path(s.path).name: s.reason for s in dataset.skipped}
    assert reasons["caf?.png"] == "the file name is not valid UTF-8: rename it"
    assert "no images in" in reasons["empty"]
