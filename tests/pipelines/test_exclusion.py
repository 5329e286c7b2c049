"""Images left out of a run: the same run whoever says so, and duplicates of which one stays."""

import json

import pytest
from click.testing import CliRunner

from comus_core import check_health, discover, exclude_from_dataset, make_config, open_workspace
from comus_core.cli.main import cli
from comus_core.errors import DatasetError, SettingsError
from comus_core.pipelines.image_health import spare_duplicates
from comus_core.pipelines.verb_settings import DatasetExclusionSettings, DiscoverSettings, HealthSettings
from comus_core.runs.artifact_readers import usable_ids
from comus_core.runs.run_truth import truth_of_run
from tests.image_faults import draw_faulty

GONE = ("images/003.png", "images/007.png")


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(tmp_path / "w")


def comus(*words):
    done = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_run_without_some_images_is_another_run_and_keeps_them_out_of_every_stage(drawn_settings, workspace):
    until = DiscoverSettings("pseudo_masks")
    whole = discover(make_config(**drawn_settings), workspace, until)
    less = discover(make_config(**drawn_settings, exclude=[*GONE, "images/never.png"]), workspace, until)
    ids = usable_ids(workspace.artifact(less, "images"))
    assert whole.id != less.id and len(ids) == 28 and not set(GONE) & set(ids)
    assert (less.result["images"], less.result["excluded"]) == (28, 2)
    assert less.result["unknown_images"] == ["images/never.png"]
    assert set(workspace.artifact(less, "proposals").table().column("image_id").to_pylist()) <= set(ids)
    assert workspace.runs.get(less.id).config.exclude == (*GONE, "images/never.png")
    assert truth_of_run(workspace, less) is not None
    only = discover(make_config(**drawn_settings, only=ids), workspace, until)
    assert only.id == less.id and only.result["computed"] == []


def test_all_images_excluded_is_an_error_that_says_so(drawn_settings, drawn, workspace):
    every = [f"images/{path.name}" for path in (drawn / "images").iterdir()]
    with pytest.raises(DatasetError, match="all 30 images are excluded"):
        discover(make_config(**drawn_settings, exclude=every), workspace)


def test_the_command_line_takes_ids_a_list_and_the_record(drawn, drawn_settings, tmp_path, workspace):
    listed = tmp_path / "list.txt"
    listed.write_text("images/003.png\n\nimages/007.png\n")
    words = ["run", drawn, "--saliency", drawn_settings["saliency"]["detector"], "--until", "images"]
    words += ["--features-file", drawn.parent / "vectors.npz", "--workspace", workspace.root]
    comus(*words, "--exclude", listed)
    comus(*words, "--exclude", GONE[0], "--exclude", GONE[1])
    comus("exclude", drawn, *GONE, "--workspace", workspace.root)
    comus(*words, "--excluded")
    (run,) = workspace.runs.all()
    assert run.config.exclude == GONE and run.result["images"] == 28
    with pytest.raises(SettingsError, match="write one image on each line"):
        comus(*words, "--only", tmp_path / "none.txt")


def test_one_of_each_group_of_duplicates_stays_though_some_are_excluded_before():
    report = {"exact": [["a", "b", "c"]], "near": [["d", "e"], ["a", "f"]]}
    assert spare_duplicates(report, []) == ["b", "c", "e", "f"]
    assert spare_duplicates(report, ["a", "d"]) == ["c"]
    assert spare_duplicates(report, ["a", "b", "c", "d", "e", "f"]) == []


def test_duplicates_are_listed_written_and_excluded(tmp_path, workspace):
    folder, listed = draw_faulty(tmp_path / "photos"), tmp_path / "out.txt"
    with pytest.raises(DatasetError, match="look for its duplicates first"):
        exclude_from_dataset(str(folder), workspace, DatasetExclusionSettings(duplicates=True))
    more = ["--exclude-duplicates", "--exclude-list", listed, "--workspace", workspace.root]
    said = comus("images", folder, *more)
    expected = ["sub/again.png", "sub/copy.bmp", "zoomed.jpg", "smaller.jpg"]
    assert "one of each group of duplicates stays: 4" in said and all(f"  {i}\n" in said for i in expected)
    assert listed.read_text().split() == expected and workspace.exclusions.read(str(folder)).images == ()
    found = exclude_from_dataset(str(folder), workspace, DatasetExclusionSettings(duplicates=True))
    assert found["excluded"] == found["changed"] == sorted(expected)
    assert exclude_from_dataset(str(folder), workspace, DatasetExclusionSettings(duplicates=True))["changed"] == []
    assert "exclude" not in check_health(str(folder), workspace)
    with pytest.raises(SettingsError, match="exclude_list"):
        HealthSettings(exclude_list="list.csv", exclude_duplicates=True)


def test_the_verb_excludes_includes_lists_and_undoes(drawn, workspace, tmp_path):
    file = tmp_path / "r.json"
    comus("exclude", drawn, *GONE, "--workspace", workspace.root)
    comus("exclude", drawn, GONE[0], "--include", "--workspace", workspace.root, "--json", file)
    assert json.loads(file.read_text())["excluded"] == [GONE[1]]
    assert comus("exclude", drawn, "--undo", "--workspace", workspace.root).splitlines()[1:] == [*GONE]
    assert f"2 images of {drawn} excluded" in comus("exclude", drawn, "--workspace", workspace.root)
    with pytest.raises(DatasetError, match=r"no image 'images/never\.png'"):
        exclude_from_dataset(str(drawn), workspace, DatasetExclusionSettings(("images/never.png",)))
    with pytest.raises(SettingsError, match="undo: give no images"):
        DatasetExclusionSettings(("a",), undo=True)
