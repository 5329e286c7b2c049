"""What a run says of its ground truth, and that a bad one stops it before any long work."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from app.data.run_cache import truth_at
from comus_core import check_health, discover, evaluate, make_config, open_workspace
from comus_core.cli.main import cli
from comus_core.config import TruthSettings
from comus_core.datasets.dataset import open_dataset
from comus_core.errors import DatasetError, SettingsError
from comus_core.pipelines.train import train
from comus_core.pipelines.verb_settings import DiscoverSettings, EvaluateSettings
from comus_core.runs.run_round import RunRound
from comus_core.runs.run_truth import truth_fingerprint, truth_of_run
from comus_core.runs.run_view import open_run_view
from comus_core.training import TrainSettings, make_training
from tests.builders import TINY_TRAINING, copy_of

pytestmark = pytest.mark.thorough

ALL_WELL = "ground truth: 30 of 30 images labelled, 3 classes"


@pytest.fixture
def labelled(drawn, tmp_path) -> Path:
    """A copy of the drawn photographs."""
    return Path(shutil.copytree(drawn, tmp_path / "shapes"))


def settings_of(drawn_settings, folder, **changes) -> dict:
    """Those of the drawn photographs for a copy of them; proposals come from the original masks."""
    return drawn_settings | {"dataset": str(folder), "clustering": {"neighbours": 6, "clusters": 3}} | changes


def as_coco(folder: Path) -> Path:
    """The drawn photographs as COCO with outlines as run lengths; returns the annotation file."""
    from tests.datasets.test_coco import run_lengths

    images, annotations = [], []
    for number, path in enumerate(sorted((folder / "images").glob("*.png"))):
        mask = np.asarray(Image.open(folder / "masks" / path.name))
        images.append({"id": number, "file_name": path.name, "height": mask.shape[0], "width": mask.shape[1]})
        for index in set(np.unique(mask).tolist()) - {0}:
            rows, columns = np.nonzero(mask)
            x, y = int(columns.min()), int(rows.min())
            box = [x, y, int(columns.max()) + 1 - x, int(rows.max()) + 1 - y]
            outline = run_lengths((mask == index).astype(int))
            entry = {"id": number, "image_id": number, "category_id": index, "bbox": box, "segmentation": outline}
            annotations.append(entry)
    names = (folder / "classes.txt").read_text().split()[1:]
    categories = [{"id": index, "name": name} for index, name in enumerate(names, start=1)]
    file = folder / "annotations/instances_val.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return file


def test_a_runs_json_its_words_and_the_command_have_the_line(finished, drawn_settings, tmp_path):
    workspace, run = finished
    truth = run.result["truth"]
    assert truth["line"] == ALL_WELL
    assert (truth["images"], truth["labelled"], truth["classes"], truth["turned"]) == (30, 30, 3, 0)
    assert truth["classes_without_pixels"] == {"count": 0, "first": []}
    shown = CliRunner().invoke(cli, ["show", run.id, "--workspace", str(workspace.root)])
    assert ALL_WELL in shown.output.splitlines()
    early = discover(make_config(**drawn_settings), open_workspace(tmp_path), DiscoverSettings("images")).result[
        "truth"
    ]
    assert early["line"] == ALL_WELL and early["classes_without_pixels"] is None  # no mask was read


def test_labelmes_class_list_shifts_no_name(labelled, drawn_settings, tmp_path):
    (labelled / "classes.txt").write_text("__ignore__\n_background_\ndisc\nsquare\nbar\n")
    run = discover(make_config(**settings_of(drawn_settings, labelled)), open_workspace(tmp_path / "w"))
    assert run.result["evaluation"]["per_class"] == {"background": 100, "disc": 100, "square": 100, "bar": 100}


def test_what_is_missing_is_counted_and_named(labelled, drawn_settings, tmp_path):
    (labelled / "masks/003.png").unlink()
    (labelled / "masks/004.png").rename(labelled / "masks/lost.png")
    (labelled / "classes.txt").write_text("disc\nsquare\nbar\nstar\n")
    run = discover(make_config(**settings_of(drawn_settings, labelled)), open_workspace(tmp_path / "w"))
    assert run.result["truth"]["line"] == (
        "ground truth: 28 of 30 images labelled, 4 classes; 2 images without mask (images/003.png, images/004.png); "
        "1 mask without image (masks/lost.png); 1 class without pixels (star)"
    )


def test_boxes_without_outlines_are_refused_before_any_stage_and_a_setting_decides(labelled, drawn_settings, tmp_path):
    file = as_coco(labelled)
    shutil.move(labelled / "images", labelled / "val")
    spec, workspace, stages = f"coco:{labelled}:val", open_workspace(tmp_path / "w"), []

    def config(**truth):
        own = {"saliency": {"detector": "tokencut"}, "features": {"encoder": "efficientnet-lite0"}}
        return make_config(**drawn_settings | own | {"dataset": spec, "truth": truth})

    whole = discover(config(), workspace, DiscoverSettings("images"))
    assert whole.result["truth"]["line"] == ALL_WELL
    content = json.loads(file.read_text())
    for annotation in content["annotations"]:
        annotation["segmentation"] = []
    file.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"its 28 annotations have only boxes.*truth\.boxes"):
        discover(
            config(), workspace, DiscoverSettings("images"), on_progress=lambda progress: stages.append(progress.stage)
        )
    assert stages == [] and len(workspace.runs.all()) == 1
    boxed = discover(config(boxes="box"), workspace, DiscoverSettings("images")).result["truth"]
    assert boxed["line"] == f"{ALL_WELL}; 28 annotations without outline (boxes used as outline)"
    assert discover(config(read=False), workspace, DiscoverSettings("images")).result["truth"] is None


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda root: (root / "classes.txt").write_text("disc\nbar\n"), "contains the class ids 3, but the 3 classes"),
        (lambda root: (root / "classes.txt").write_text("disc\nsquare\nbar\ndisc\n"), "duplicate name disc"),
        (lambda root: shutil.copy(root / "images/000.png", root / "images/000.jpg"), "matches 2 images"),
    ],
)
def test_bad_truth_is_told_before_the_long_stages(labelled, drawn_settings, tmp_path, damage, words):
    damage(labelled)
    stages = []
    with pytest.raises(DatasetError, match=words):
        discover(
            make_config(**settings_of(drawn_settings, labelled)),
            open_workspace(tmp_path / "w"),
            on_progress=lambda progress: stages.append(progress.stage),
        )
    assert set(stages) <= {"images"}


def test_how_truth_is_read_is_part_of_the_counts(labelled, drawn_settings, tmp_path):
    """One photograph is upside down: it is not scored, then scored as the setting says, each with its own counts."""
    exif = Image.Exif()
    exif[0x0112] = 3
    with Image.open(labelled / "images/000.png") as image:
        image.transpose(Image.Transpose.ROTATE_180).save(labelled / "images/000.png", exif=exif)
    workspace = open_workspace(tmp_path / "w")
    config = make_config(**settings_of(drawn_settings, labelled))
    first = discover(config, workspace)
    assert first.result["truth"]["unclear"] == {"count": 1, "first": ["images/000.png"]}
    assert (first.result["truth"]["labelled"], first.result["truth"]["turned"]) == (29, 1)
    assert first.result["evaluation"]["miou"] == 100
    upright = discover(replace(config, truth=replace(config.truth, orientation="upright")), workspace)
    stored = discover(replace(config, truth=replace(config.truth, orientation="stored")), workspace)
    assert upright.result["evaluation"]["miou"] == 100 > stored.result["evaluation"]["miou"]
    assert len({run.artifacts["counts"] for run in (first, upright, stored)}) == 3
    masks = [truth_of_run(workspace, run).mask("images/000.png") for run in (upright, stored)]
    np.testing.assert_array_equal(masks[0], np.rot90(masks[1], 2))
    unread = discover(replace(config, truth=replace(config.truth, read=False)), workspace)
    assert unread.result["evaluation"] is None and "counts" not in unread.artifacts


def test_where_no_image_can_be_scored_the_run_says_why_and_what_to_set(labelled, drawn_settings, tmp_path):
    for path in (labelled / "masks").glob("*.png"):
        if path.name != "000.png":
            path.unlink()
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.open(labelled / "images/000.png").save(labelled / "images/000.png", exif=exif)
    with pytest.raises(DatasetError, match=r"no image can be scored .*truth\.orientation.*truth\.read to false"):
        discover(make_config(**settings_of(drawn_settings, labelled)), open_workspace(tmp_path / "w"))


def test_another_data_set_is_checked_and_told_too(finished, labelled, tmp_path):
    workspace, run = copy_of(finished, tmp_path / "own")
    (labelled / "masks/000.png").unlink()
    result = evaluate(RunRound(run, 0), workspace, EvaluateSettings(str(labelled)))
    assert "1 image without mask (images/000.png)" in result["truth"]["line"] and result["truth"]["labelled"] == 29
    view = open_run_view(workspace, run)
    other, own = (truth_at(view, spec) for spec in (str(labelled), run.config.dataset))
    assert not other.has("images/000.png") and own.has("images/000.png")


def test_a_training_says_what_it_is_scored_with_before_it_trains(finished, labelled, tmp_path):
    workspace, run = copy_of(finished, tmp_path)
    (labelled / "masks/000.png").unlink()
    said = []
    tiny = TINY_TRAINING
    settings = TrainSettings(make_training(**tiny), scored_on=str(labelled))
    training = train(run, workspace, settings, log=said.append)
    line = "ground truth: 29 of 30 images labelled, 3 classes; 1 image without mask (images/000.png)"
    assert said[0] == line == training.result["truth"]["line"]
    (labelled / "classes.txt").write_text("disc\nbar\n")
    stages = []
    with pytest.raises(DatasetError, match="contains the class ids 3"):
        train(run, workspace, settings, on_progress=lambda told: stages.append(told.stage))
    assert set(stages) <= {"images"}


def test_the_health_of_a_data_set_has_the_line_and_does_not_fail_for_bad_truth(labelled, tmp_path):
    workspace = open_workspace(tmp_path / "w")
    assert check_health(str(labelled), workspace)["truth"]["line"] == ALL_WELL
    (labelled / "classes.txt").write_text("disc\nbar\n")
    report = check_health(str(labelled), workspace)
    assert report["usable"] == 30
    assert (
        report["truth"]["line"].startswith("no ground truth: ground truth ")
        and "class ids 3" in report["truth"]["line"]
    )
    (labelled / "classes.txt").write_text("disc\ndisc\n")
    arguments = ["images", str(labelled), "--workspace", str(workspace.root)]
    told = CliRunner().invoke(cli, arguments)
    assert "30 images, 30 usable" in told.output and "duplicate name disc" in told.output and told.exit_code == 0
    told = CliRunner().invoke(cli, [*arguments, "--set", "truth.read=false"])
    assert "ground truth" not in told.output and told.exit_code == 0


@pytest.mark.parametrize("wrong", [{"boxes": "guess"}, {"orientation": "left"}, {"groups": "drop"}, {"read": "no"}])
def test_a_setting_of_truth_that_cannot_work_is_refused(wrong):
    with pytest.raises(SettingsError, match="truth"):
        make_config(dataset="demo", truth=wrong)


def test_an_annotation_file_that_is_called_otherwise_is_the_same_truth(labelled, tmp_path):
    file, workspace, spec = as_coco(labelled), open_workspace(tmp_path / "w"), f"coco:{labelled}:val"
    shutil.move(labelled / "images", labelled / "val")
    how = TruthSettings()
    before = truth_fingerprint(workspace, open_dataset(spec, tmp_path, how), how)
    file = file.rename(labelled / "val" / "_annotations.coco.json")  # as Roboflow has it
    assert truth_fingerprint(workspace, open_dataset(spec, tmp_path, how), how) == before
    content = json.loads(file.read_text())
    content["annotations"].pop()
    file.write_text(json.dumps(content))
    assert truth_fingerprint(workspace, open_dataset(spec, tmp_path, how), how) != before
