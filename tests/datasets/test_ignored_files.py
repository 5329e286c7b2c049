"""The program's own files among photographs are no photographs, and it says how many it left out, and why."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from comus_core import open_workspace
from comus_core.cli.main import cli
from comus_core.datasets import ignored_files
from comus_core.datasets.dataset import open_dataset, summarise
from comus_core.datasets.file_walk import walk_files
from comus_core.datasets.ignored_files import ignored_json, ignored_lines
from comus_core.datasets.records import IgnoredFiles
from comus_core.errors import DatasetError
from comus_core.files.output_folder import OutputFolder
from comus_core.files.own_places import make_own
from comus_core.pipelines.image_health import check_health
from tests.datasets.broken_files import picture


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(1, 6, 4).save(path)
    return path


def made(path: Path) -> Path:
    """A picture in a folder that the program made in a workspace."""
    workspace, _, rest = path.as_posix().partition("/artifacts/")
    make_own(Path(workspace) / "artifacts")
    return put(Path(workspace) / "artifacts" / rest)


def results(folder: Path, *names: str, force: bool = False) -> None:
    with OutputFolder(folder, "predictions", force).writing({}, "list.json") as new:
        for name in names:
            put(new / name)
        (new / "list.json").write_text("[]")


@pytest.fixture
def photos(tmp_path) -> Path:
    """Two photographs, and below them a workspace, predictions, a bundle that was unpacked, and hidden files."""
    root = tmp_path / "photos"
    put(root / "a.png")
    put(root / "trip/b.png")
    open_workspace(root / "trip/workspace")
    put(root / "trip/workspace/artifacts/pseudo_masks/0/masks/a.png")
    put(root / "trip/workspace/uploads/more/c.png")
    results(root / "predicted", "masks/a.png", "masks/trip/b.png")
    put(root / "shared/artifacts/x.png")
    (root / "shared/bundle.json").write_text("{}")
    put(root / ".thumbs/a.png")
    put(root / "trip/._b.png")
    (root / ".git").mkdir()
    (root / ".git/config").write_text("no image")
    return root


LEFT_OUT = (
    IgnoredFiles("in a workspace", 2, ("trip/workspace/",)),
    IgnoredFiles("in an unpacked bundle", 1, ("shared/",)),
    IgnoredFiles("results of COMUS", 2, ("predicted/",)),
    IgnoredFiles("hidden", 2, (".thumbs/", "trip/._b.png")),
)


def ids_of(dataset) -> list[str]:
    return [file.image_id for file in dataset.files]


def test_only_the_persons_photographs_are_read_and_the_rest_is_counted(photos):
    dataset = open_dataset(str(photos), photos)
    assert ids_of(dataset) == ["a.png", "trip/b.png"] and dataset.skipped == ()
    assert dataset.ignored == LEFT_OUT
    assert [p.relative_to(photos).as_posix() for p in walk_files(photos, photos, [])] == ["a.png", "trip/b.png"]


def test_the_quick_look_and_the_health_of_the_images_say_the_same(photos, tmp_path):
    assert (summarise(str(photos)).images, summarise(str(photos)).ignored) == (2, LEFT_OUT)
    report = check_health(str(photos), open_workspace(tmp_path / "w"))
    assert report["images"] == report["usable"] == 2
    assert report["passed_over"] == ignored_json(LEFT_OUT)
    done = CliRunner().invoke(cli, ["images", str(photos), "--workspace", str(tmp_path / "w")])
    assert "ignored 2 image files (in a workspace): trip/workspace/\n" in done.output
    assert "ignored 2 image files (hidden): .thumbs/, trip/._b.png\n" in done.output


@pytest.mark.parametrize(
    "inside", ["uploads/more", "predictions/a-1/x/photographs", "datasets/demo-v1", "bundles/a/photographs"]
)
def test_a_folder_of_a_workspace_that_is_asked_for_is_read(tmp_path, inside):
    open_workspace(tmp_path / "w")
    put(tmp_path / "w" / inside / "c.png")
    dataset = open_dataset(str(tmp_path / "w" / inside), tmp_path)
    assert ids_of(dataset) == ["c.png"] and dataset.ignored == ()


def test_photographs_that_lie_in_the_workspace_itself_are_read_and_what_was_made_of_them_is_not(tmp_path, monkeypatch):
    open_workspace(tmp_path)
    put(tmp_path / "a.png")
    made(tmp_path / "artifacts/pseudo_masks/0/masks/a.png")
    monkeypatch.chdir(tmp_path)
    for spec in (".", str(tmp_path), f"{tmp_path}/"):
        dataset = open_dataset(spec, tmp_path)
        assert ids_of(dataset) == ["a.png"]
        assert dataset.ignored == (IgnoredFiles("in a workspace", 1, ("artifacts/",)),)


@pytest.mark.parametrize("below", [False, True])
def test_of_a_folder_of_photographs_with_results_in_it_only_the_results_are_left_out(tmp_path, below):
    root = tmp_path / "photos"
    put(root / "a.png")
    put(root / "masks/mine.png")
    results(root, "masks/a.png", force=True)
    dataset = open_dataset(str(tmp_path if below else root), tmp_path)
    top = "photos/" * below
    assert ids_of(dataset) == [f"{top}a.png", f"{top}masks/mine.png"]
    assert dataset.ignored == (IgnoredFiles("results of COMUS", 1, (f"{top}masks/a.png",)),)


def test_a_folder_of_results_alone_has_no_photograph_and_says_why(tmp_path):
    results(tmp_path / "out", "masks/a.png", "masks/b.png")
    with pytest.raises(DatasetError, match=r"no images in .*ignored 2 image files \(results of COMUS\)"):
        open_dataset(str(tmp_path / "out"), tmp_path)


def test_a_workspace_that_a_link_leads_to_is_left_out_and_counted(tmp_path):
    open_workspace(tmp_path / "w")
    put(tmp_path / "w/artifacts/x.png")
    put(tmp_path / "photos/a.png")
    (tmp_path / "photos/link").symlink_to(tmp_path / "w")
    dataset = open_dataset(str(tmp_path / "photos"), tmp_path)
    assert ids_of(dataset) == ["a.png"] and [(p.files, p.places) for p in dataset.ignored] == [(1, ("link/",))]


def test_counting_what_is_left_out_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(ignored_files, "MOST_ENTRIES", 10)
    put(tmp_path / "a.png")
    for number in range(30):
        put(tmp_path / f".hidden/{number // 3:02d}/{number}.png")
    (left,) = open_dataset(str(tmp_path), tmp_path).ignored
    assert 0 < left.files < 30 and not left.counted
    assert ignored_lines(ignored_json([left]))[0].startswith(f"ignored at least {left.files} image files (hidden")
