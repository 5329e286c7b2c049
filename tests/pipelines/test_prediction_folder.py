import io
import json
import zipfile

import pytest

from comus_core import open_workspace
from comus_core.config import RunConfig
from comus_core.errors import DatasetError, WorkspaceError
from comus_core.maintenance.delete import delete
from comus_core.pipelines.prediction_folder import (
    delete_prediction,
    new_prediction,
    predictions_of,
    stored_prediction,
    zipped,
)
from comus_core.workspace import Run


@pytest.fixture
def workspace(tmp_path):
    place = open_workspace(tmp_path / "w")
    place.runs.save(Run("a-1", "a", RunConfig("/data"), "done", provenance={}))
    return place


def kept(workspace, *names):
    return new_prediction(workspace, "a-1", [(name, io.BytesIO(name.encode())) for name in names])


def finish(folder, masks=()):
    (folder / "masks").mkdir()
    for name, content in masks:
        (folder / "masks" / name).write_bytes(content)
    (folder / "classes.txt").write_text("background\nbird\n")
    rows = [{"photograph": "photographs/a.jpg", "mask": f"masks/{name}", "found": []} for name, _ in masks]
    (folder / "predictions.json").write_text(json.dumps({"predictions": rows}))


def test_photographs_are_kept_under_harmless_names_of_their_own(workspace):
    folder = kept(workspace, "a.jpg", "../../a.jpg", "C:\\x\\A.JPG", "..", "b#1.png")
    found = {path.name: path.read_text() for path in (folder / "photographs").iterdir()}
    assert found == {
        "a.jpg": "a.jpg",
        "a-2.jpg": "../../a.jpg",
        "A-3.JPG": "C:\\x\\A.JPG",
        "_": "..",
        "b#1.png": "b#1.png",
    }
    assert folder.parent == workspace.root / "predictions" / "a-1"


@pytest.mark.parametrize("name", ["字" * 90 + ".jpg", "con.jpg", "a\\b.jpg", ".hidden.jpg", "\udce9.jpg", "x" * 300])
def test_a_photograph_of_any_name_is_kept(workspace, name):
    folder = new_prediction(workspace, "a-1", [(name, io.BytesIO(b"one")), (name, io.BytesIO(b"two"))])
    found = sorted((folder / "photographs").iterdir())
    assert sorted(path.read_bytes() for path in found) == [b"one", b"two"]
    assert all(len(path.name.encode()) <= 255 and not path.name.startswith(".") for path in found)
    told = json.loads((folder / ".comus-names.json").read_text())
    assert set(told) <= {f"photographs/{path.name}" for path in found} and len(told) >= 1
    assert set(told.values()) == {name.encode("utf-8", "replace").decode()}


def test_nothing_and_too_much_are_refused(workspace):
    with pytest.raises(DatasetError, match="no image"):
        new_prediction(workspace, "a-1", [])
    with pytest.raises(DatasetError, match="501 images"):
        kept(workspace, *map(str, range(501)))
    assert not (workspace.root / "predictions").exists()


def test_only_finished_predictions_are_listed_and_can_be_had(workspace):
    first, second = kept(workspace, "a.jpg"), kept(workspace, "a.jpg")
    assert predictions_of(workspace, "a-1") == []
    finish(first)
    assert [p.name for p in predictions_of(workspace, "a-1")] == [first.name]
    assert stored_prediction(workspace, "a-1", first.name).folder == first
    for name in (second.name, "..", "../a-1/" + first.name, ""):
        with pytest.raises(WorkspaceError, match="no prediction"):
            stored_prediction(workspace, "a-1", name)
    with pytest.raises(WorkspaceError):
        stored_prediction(workspace, "..", first.name)


def test_the_zip_holds_masks_names_and_result_byte_by_byte(workspace):
    folder = kept(workspace, "a.jpg")
    finish(folder, [("a.png", b"mask a"), ("b.png", b"mask b")])
    with zipfile.ZipFile(io.BytesIO(zipped(stored_prediction(workspace, "a-1", folder.name)))) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == {
        "predictions.json": (folder / "predictions.json").read_bytes(),
        "classes.txt": b"background\nbird\n",
        "masks/a.png": b"mask a",
        "masks/b.png": b"mask b",
    }


def test_a_prediction_goes_alone_and_all_go_with_their_run(workspace):
    first, second = kept(workspace, "a.jpg"), kept(workspace, "b.jpg")
    finish(first)
    finish(second)
    delete_prediction(workspace, "a-1", first.name)
    assert not first.exists() and second.exists()
    delete(workspace.runs.get("a-1"), workspace)
    assert not second.parent.exists()
